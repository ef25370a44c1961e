// The bundle: what the hook knows (schema/hook_bundle.md). A directory swapped whole by a symlink.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/decision.h"
#include "gateway/access/rules.h"
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

  Governance governance_of(const git::RepoPath& repo) const;       // wikis: only by a pattern ending in .wiki
  const Templates* templates_of(const git::RepoPath& repo) const;  // null: no templates there
};

// Whether a reader needs HookBundle::keys: a push without a ticket does not, and making them starts OpenSSL.
enum class BundleKeys { read, leave };

// Reads <directory>/hook.json (at most 64 KiB); the error names the file.
Result<HookBundle> read_hook_bundle(const std::string& directory, BundleKeys keys = BundleKeys::read);

// Reads <directory>/rules.json, needed only to authorize a direct write. corrupt when it is not the rules whose digest
// hook.json named (`digest`).
Result<std::shared_ptr<const AccessRules>> read_rules_bundle(const std::string& directory, std::string_view digest);

// The directory that the symlink `directory` names now, so that hook.json and rules.json come from one publication.
Result<std::string> resolve_bundle(const std::string& directory);

// Publishes both files: writes them into a new directory beside `directory` (mode 02750, files 0640, both of the
// parent directory's group, durable), then
// swaps the symlink `directory` to it. A reader sees the old bundle or the new one, never a mixture; the one before
// stays for readers that resolved it. limit: hook.json would exceed 64 KiB. conflict: `directory` is a real directory
// with files.
Status publish_bundle(const std::string& directory, const HookBundle& bundle, const AccessRules& rules);

// hook.json as text, and back; the error names the member at fault.
std::string hook_bundle_to_json(const HookBundle& bundle);
Result<HookBundle> hook_bundle_from_json(std::string_view text, BundleKeys keys = BundleKeys::read);

}  // namespace postern::access
