// What the rules answer.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::access {

enum class Verb { read, create, update, force, delete_ };
std::string_view to_string(Verb verb);  // "read", …, "delete"
std::optional<Verb> parse_verb(std::string_view text);

enum class Mode { observe, enforce };
enum class DirectWrites { refuse, authorize, check };
std::string_view to_string(Mode mode);
std::string_view to_string(DirectWrites direct);
std::optional<Mode> parse_mode(std::string_view text);
std::optional<DirectWrites> parse_direct_writes(std::string_view text);

// Value: how a repository is governed. A repository that no [[governed]] names is left alone by the hook.
struct Governance {
  bool governed = false;
  Mode mode = Mode::enforce;
  DirectWrites direct = DirectWrites::refuse;
};

// Value: where policy templates live in a repository; the first [[templates]] that names it.
struct Templates {
  std::string root;
  std::string layout = "apiops";  // or "loose"
  std::string settings = "postern-policy.toml";
  std::vector<std::string> may_relax;
  std::vector<std::pair<std::string, std::string>> severity;  // rule -> error | warning | advice | off
};

// Value: the answer for one identity, repository, ref and verb. A denial names the rule that decided, or none when no
// grant matched.
struct Decision {
  bool allowed = false;
  std::string rule;                        // the deciding grant(s), comma-joined, or the deny
  std::string reason;                      // one line a person can act on
  std::vector<Verb> verbs;                 // every verb that is granted and not denied on this ref
  std::vector<std::string> allowed_paths;  // union over the grants; empty: every path
  std::vector<std::string> denied_paths;   // of denies that have paths; subtracted
};

}  // namespace postern::access
