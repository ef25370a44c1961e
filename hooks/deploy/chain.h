// May the commits between what is deployed and the tip go out? Judged from records alone: an unbroken run of accepted
// pushes has to lead from the one to the other, and the range owes what its strictest commit owes. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::deploy {

// Who did it, as far as the records say.
struct Author {
  std::string name;
  std::string kind;  // human | workload | agent; anything else counts as agent
};

// One accepted move of the environment's ref.
struct RefMove {
  std::int64_t seq = 0;
  std::string old_id;
  std::string new_id;
  bool link = true;        // false: a direct write that the rules did not let in; no link of a chain
  bool truncated = false;  // the list of its new commits is not whole
  Author author;
  bool operator==(const RefMove&) const;
};

enum class HeldReason { not_adopted, gap, not_descendant, approval, deletes, findings, failed, health };
std::string_view to_string(HeldReason reason);  // "not-adopted", …

// An answer, not an error: nothing is deployed, and `message` says why and what would release it.
struct Held {
  HeldReason reason = HeldReason::gap;
  std::string message;
};

struct ChainQuestion {
  std::string environment;
  std::string ref;
  std::string deployed;              // L
  std::string tip;                   // T; differs from L
  bool descends = false;             // T is a descendant of L
  std::vector<RefMove> moves;        // accepted moves of the ref, in order of record
  std::vector<std::string> commits;  // every commit in L..T
  // Per commit the author of the first accepted push, to any ref, whose verdict listed it. A commit that is not here
  // was listed by nobody and counts as an agent's.
  std::map<std::string, Author> introducers;
  unsigned approvals_agents = 1;
  unsigned approvals_default = 0;
};

struct Clear {
  std::string last_old;        // the ref before the chain's last move: settings and baseline are read from there
  std::vector<RefMove> chain;  // from L to T
};

using ChainAnswer = std::variant<Clear, Held>;

ChainAnswer judge_chain(const ChainQuestion& question);

}  // namespace postern::deploy
