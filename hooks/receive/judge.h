// The judgement of one push: force, paths, policy templates. Everything it knows is handed in; it prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gateway/access/bundle.h"
#include "gateway/access/decision.h"
#include "gateway/git/ref_update.h"
#include "hooks/policy/finding.h"
#include "hooks/repo/pushed_tree.h"
#include "hooks/template/words.h"

namespace postern::receive {

// Value: what the rules give for one command, from a ticket or (direct writes) from rules.json. Paths as in
// access::Decision.
struct Granted {
  std::string rule;
  std::vector<access::Verb> verbs;
  std::vector<std::string> allowed_paths;
  std::vector<std::string> denied_paths;
};

// Value: what became of one command. `reason` is one short line for report-status; `rule` a grant or a stable id.
struct CommandJudgement {
  bool refused = false;
  std::string reason;
  std::string rule;
  std::string fix;
  bool forced = false;
};

// Value.
struct Judgement {
  std::vector<CommandJudgement> commands;
  std::vector<policy::Finding> findings;  // of every command, sorted, each once
  unsigned errors = 0;
  unsigned warnings = 0;
  unsigned suppressed = 0;  // by comments in the documents
  unsigned baselined = 0;
  std::vector<std::string> lines;  // for people, above the findings: forbidden paths and the like
};

struct JudgeInput {
  const repo::PushedTree& tree;
  std::span<const git::RefUpdate> commands;
  // One per command, or empty: force and paths are not judged (direct = "check").
  std::span<const Granted> granted;
  const access::Templates* templates = nullptr;  // null: no templates here
  access::HookLimits limits;
  std::int64_t today = 0;           // days since 1970-01-01
  tree::KeptWords* kept = nullptr;  // see tree::TreeOptions
};

// Never fails: what could not be found out is a refusal of that command, which says why.
Judgement judge(const JudgeInput& input);

}  // namespace postern::receive
