// The bundle: what the hook knows (schema/hook_bundle.md). A directory swapped whole by a symlink.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/access/decision.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/git/repo_path.h"
#include "gateway/identity/jws.h"

namespace postern::access {

// The hook's own limits ([tickets] limits).
struct HookLimits {
  std::uint64_t blob_bytes = 16ULL << 20;
  std::uint64_t paths = 100000;
  std::uint64_t memory_bytes = 512ULL << 20;
  std::uint64_t cpu_seconds = 60;
  std::uint64_t direct_deadline_seconds = 50;
};

struct GovernedEntry {
  std::vector<std::string> repos;
  Governance governance;
};
struct TemplatesEntry {
  std::vector<std::string> repos;
  Templates templates;
};

// Value: hook.json.
struct HookBundle {
  std::string issuer;  // the gateway's external_url
  std::string rules;   // digest of the rules
  WallTime published_at{};
  std::vector<identity::PublicKey> keys;  // ticket keys, all that verify
  std::vector<GovernedEntry> governed;    // in the order of the configuration; the first that names a repository wins
  std::vector<TemplatesEntry> templates;  // likewise
  HookLimits limits;

  Governance governance_of(const git::RepoPath& repo) const;        // wikis: only by a pattern ending in .wiki
  const Templates* templates_of(const git::RepoPath& repo) const;   // null: no templates there
};

// Reads <directory>/hook.json (at most 64 KiB); the error names the file.
Result<HookBundle> read_hook_bundle(const std::string& directory);

}  // namespace postern::access
