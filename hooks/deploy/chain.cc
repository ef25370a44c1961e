#include "hooks/deploy/chain.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/deploy/brief.h"

namespace postern::deploy {
namespace {

bool is_agent(const Author& author) { return author.kind != "human" && author.kind != "workload"; }

// The shortest run of recorded moves from L to T; empty when there is none. Order of record is not asked for: two
// pushes may be settled in another order than they moved the ref.
std::vector<RefMove> find_chain(const ChainQuestion& question) {
  std::map<std::string_view, const RefMove*> came_by;
  std::deque<std::string_view> open{question.deployed};
  std::set<std::string_view> seen{question.deployed};
  while (!open.empty() && !seen.contains(question.tip)) {
    const std::string_view at = open.front();
    open.pop_front();
    for (const RefMove& move : question.moves) {
      if (!move.link || move.old_id != at || !seen.insert(move.new_id).second) continue;
      came_by[move.new_id] = &move;
      open.push_back(move.new_id);
    }
  }
  std::vector<RefMove> chain;
  for (std::string_view at = question.tip; at != question.deployed;) {
    const auto found = came_by.find(at);
    if (found == came_by.end()) return {};
    chain.push_back(*found->second);
    at = found->second->old_id;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// The oldest commit on the way back from T that no recorded move leads to: where the gap is.
std::string find_gap(const ChainQuestion& question) {
  std::string at = question.tip;
  std::set<std::string> seen;
  while (seen.insert(at).second) {
    const auto move = std::find_if(question.moves.rbegin(), question.moves.rend(), [&](const RefMove& each) {
      return each.link && each.new_id == at && !seen.contains(each.old_id);
    });
    if (move == question.moves.rend()) break;
    at = move->old_id;
  }
  return at;
}

// One recorded move brings the ref to a commit once. Where the ref has left a commit of the chain as often as the
// records let it arrive there, somebody who is on no record brought it back, and the old record is not for that; the
// commit, or empty.
std::string find_reused(const ChainQuestion& question, const std::vector<RefMove>& chain) {
  std::map<std::string_view, std::int64_t> stays;  // arrivals less departures
  for (const RefMove& move : question.moves) {
    ++stays[move.new_id];
    --stays[move.old_id];
  }
  for (const RefMove& move : chain) {
    const bool is_tip = move.new_id == question.tip;
    // Before its first push a ref is not there without anybody's doing.
    const bool is_absence = move.new_id.find_first_not_of('0') == std::string::npos;
    if (stays[move.new_id] < (is_tip ? 1 : is_absence ? -1 : 0)) return move.new_id;
  }
  return {};
}

}  // namespace

bool RefMove::operator==(const RefMove& other) const {
  return seq == other.seq && old_id == other.old_id && new_id == other.new_id;
}

std::string_view to_string(HeldReason reason) {
  switch (reason) {
    case HeldReason::not_adopted: return "not-adopted";
    case HeldReason::gap: return "gap";
    case HeldReason::not_descendant: return "not-descendant";
    case HeldReason::approval: return "approval";
    case HeldReason::deletes: return "deletes";
    case HeldReason::findings: return "findings";
    case HeldReason::failed: return "failed";
    case HeldReason::health: return "health";
  }
  return "failed";
}

ChainAnswer judge_chain(const ChainQuestion& question) {
  const std::string adopt =
      fmt::format("postern-deploy adopt --environment {} --commit {}", question.environment, question.tip);
  if (!question.descends) {
    return Held{
        HeldReason::not_descendant,
        fmt::format("{} is at {}, which does not descend from {}, the commit deployed here: the ref was reset "
                    "or rewritten. To release: push a commit that descends from {}, or after a review of the "
                    "whole state: {}",
                    question.ref, brief(question.tip), brief(question.deployed), brief(question.deployed), adopt)};
  }
  std::vector<RefMove> chain = find_chain(question);
  if (chain.empty()) {
    const std::string gap = find_gap(question);
    return Held{HeldReason::gap,
                fmt::format("no accepted push is on record that brought {} to {}: it moved past the gateway, or the "
                            "record of that push is unknown. No approval releases a gap. To release: review "
                            "git log {}..{}, then: {}",
                            question.ref, gap, brief(question.deployed), brief(question.tip), adopt)};
  }
  if (const std::string reused = find_reused(question, chain); !reused.empty()) {
    return Held{HeldReason::gap,
                fmt::format("{} was at {} before and was taken back from it on record; no accepted push is on record "
                            "that brought it there again, and the earlier one is not for this. No approval releases a "
                            "gap. To release: review git log {}..{}, then: {}",
                            question.ref, reused, brief(question.deployed), brief(question.tip), adopt)};
  }
  unsigned owed = question.approvals_default;
  std::string why = "every deployment of this environment owes it";
  const auto agent = [&](std::string because) {
    if (question.approvals_agents <= owed) return;
    owed = question.approvals_agents;
    why = std::move(because);
  };
  for (const RefMove& move : chain) {
    if (is_agent(move.author)) {
      agent(fmt::format("{} was pushed by {} ({})", brief(move.new_id), printable(move.author.name, 80),
                        move.author.kind.empty() ? "unknown" : printable(move.author.kind, 20)));
    }
    if (move.truncated) {
      agent(fmt::format("the list of commits of the push to {} is not whole, which counts as an agent's",
                        brief(move.new_id)));
    }
  }
  for (const std::string& commit : question.commits) {
    const auto found = question.introducers.find(commit);
    if (found == question.introducers.end()) {
      agent(fmt::format("nobody is on record as having brought in commit {}, which counts as an agent's", commit));
    } else if (is_agent(found->second)) {
      agent(fmt::format("commit {} was first brought in by {} ({})", commit, printable(found->second.name, 80),
                        found->second.kind.empty() ? "unknown" : printable(found->second.kind, 20)));
    }
  }
  if (owed > 0) {
    return Held{HeldReason::approval,
                fmt::format("{}..{} owes {} approval{}: {}. To release: approvals of a range are not built yet; move "
                            "the work to commits of a person, or after a review: {}",
                            brief(question.deployed), brief(question.tip), owed, owed == 1 ? "" : "s", why, adopt)};
  }
  std::string last_old = chain.back().old_id;
  return Clear{std::move(last_old), std::move(chain)};
}

}  // namespace postern::deploy
