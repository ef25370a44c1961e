#include "gateway/audit/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/audit/entry.h"
#include "gateway/base/encoding.h"

namespace postern::audit {
namespace {

constexpr std::array kFaultNames = {
    std::pair{FaultKind::changed, std::string_view("changed")},
    std::pair{FaultKind::removed, std::string_view("removed")},
    std::pair{FaultKind::removed_tail, std::string_view("removed-tail")},
    std::pair{FaultKind::rewritten, std::string_view("rewritten")},
    std::pair{FaultKind::fork, std::string_view("fork")},
    std::pair{FaultKind::checkpoint_removed, std::string_view("checkpoint-removed")},
    std::pair{FaultKind::checkpoint_invalid, std::string_view("checkpoint-invalid")},
    std::pair{FaultKind::table, std::string_view("table")},
};

constexpr std::string_view kCompactAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

std::string range(std::int64_t first, std::int64_t last) {
  return first == last ? fmt::format("record {}", first) : fmt::format("records {} to {}", first, last);
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  for (const auto& [value, name] : kFaultNames) {
    if (value == kind) return name;
  }
  return "";
}

void Verifier::fault(FaultKind kind, std::string chain, std::int64_t seq, std::string message) {
  ++report_.fault_count;
  if (report_.faults.size() < kMaxFaults) report_.faults.push_back({kind, std::move(chain), seq, std::move(message)});
}

void Verifier::add_table_fault(std::string message) { fault(FaultKind::table, "", 0, std::move(message)); }

void Verifier::take(std::string_view where, std::string_view jws, Result<Checkpoint> checkpoint, bool witnessed) {
  const std::string digest = checkpoint_digest(jws);
  if (digests_.contains(digest)) return;
  if (!checkpoint) {
    fault(FaultKind::checkpoint_invalid, "", 0, fmt::format("{}: {}", where, checkpoint.error().message));
    return;
  }
  digests_.insert(digest);
  ++report_.checkpoints;
  auto& same_number = by_number_[checkpoint->number];
  for (const std::size_t index : same_number) {
    // Both in the witness: two gateways signed as one. One of them only in the store: the store was made anew.
    if (witnessed && seen_[index].witnessed) {
      fault(FaultKind::fork, "", 0,
            fmt::format("{}: there are two checkpoints {}: the log went on in two places", where, checkpoint->number));
      fork_from_ = std::min(fork_from_.value_or(checkpoint->number), checkpoint->number);
    } else if (!fork_from_ || checkpoint->number < *fork_from_) {
      fault(FaultKind::rewritten, "", 0,
            fmt::format("{}: checkpoint {} is not the one that the witness holds: it was signed anew", where,
                        checkpoint->number));
    }
    break;
  }
  same_number.push_back(seen_.size());
  for (const Head& head : checkpoint->heads) {
    heads_[head.chain][head.seq].push_back({head.hash, checkpoint->number, witnessed});
  }
  seen_.push_back({digest, std::move(*checkpoint), witnessed});
}

// Numbers without holes, each naming the one before. The oldest may be any: a witness is rotated.
void Verifier::check_continuity(std::string_view where, const std::map<std::int64_t, std::string>& digests) {
  std::optional<std::int64_t> before;
  for (const auto& [number, digest] : digests) {
    if (before && number != *before + 1) {
      fault(FaultKind::checkpoint_removed, "", 0,
            fmt::format("{}: {} missing", where,
                        *before + 2 == number ? fmt::format("checkpoint {} is", *before + 1)
                                              : fmt::format("checkpoints {} to {} are", *before + 1, number - 1)));
    }
    before = number;
  }
}

void Verifier::add_witness(std::string_view name, std::string_view content) {
  has_witness_ = true;
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content = end == std::string_view::npos ? std::string_view() : content.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (const std::size_t blank = line.find_last_of(" \t"); blank != std::string_view::npos) {
      line.remove_prefix(blank + 1);
    }
    lines.push_back(line);
  }
  std::map<std::int64_t, std::string> digests;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    if (line.empty()) continue;
    const std::string where = fmt::format("witness {} line {}", name, i + 1);
    auto checkpoint = open_checkpoint(line, keys_);
    if (checkpoint) {
      digests[checkpoint->number] = checkpoint_digest(line);
      take(where, line, std::move(checkpoint), true);
      continue;
    }
    // A crash in mid-line: the same checkpoint was written again afterwards, or will be.
    const bool is_last = std::all_of(lines.begin() + static_cast<std::ptrdiff_t>(i) + 1, lines.end(),
                                     [](std::string_view later) { return later.empty(); });
    const bool cut_off = std::any_of(lines.begin(), lines.end(), [&](std::string_view other) {
      return other.size() > line.size() && other.starts_with(line);
    });
    if (cut_off || (is_last && line.find_first_not_of(kCompactAlphabet) == std::string_view::npos &&
                    std::count(line.begin(), line.end(), '.') < 2)) {
      report_.notes.push_back(where + ": cut off in mid-line");
      continue;
    }
    take(where, line, std::move(checkpoint), true);  // names what is wrong with it
  }
  check_continuity(fmt::format("witness {}", name), digests);
}

void Verifier::add_stored_checkpoint(std::int64_t number, std::string_view jws) {
  const std::string where = fmt::format("store, checkpoint {}", number);
  auto checkpoint = open_checkpoint(jws, keys_);
  const std::int64_t own = checkpoint ? checkpoint->number : number;
  take(where, jws, std::move(checkpoint), false);
  stored_[number] = checkpoint_digest(jws);
  // A copy of another one would fill the hole that a removed checkpoint leaves.
  if (own != number) {
    fault(FaultKind::checkpoint_invalid, "", 0, fmt::format("{}: it is checkpoint {}", where, own));
  }
}

void Verifier::check_heads(const Record& record, ChainState& state, bool sound) {
  const auto chain = heads_.find(record.chain);
  if (chain == heads_.end()) return;
  const auto here = chain->second.find(record.seq);
  if (here == chain->second.end()) return;
  for (const ExpectedHead& head : here->second) {
    if (head.hash == record.hash) {
      state.matched = record.seq;
      continue;
    }
    if (fork_from_ && head.number >= *fork_from_) continue;  // named as a fork
    if (state.rewritten_named || !sound) continue;
    state.rewritten_named = true;
    fault(FaultKind::rewritten, record.chain, record.seq,
          fmt::format("chain {}: record {} is not the one that checkpoint {}{} signed: the log was rewritten somewhere "
                      "after record {}",
                      record.chain, record.seq, head.number, head.witnessed ? " of the witness" : "", state.matched));
  }
}

void Verifier::add_record(const Record& record) {
  ++report_.records;
  auto [place, is_new] = chains_.try_emplace(record.chain);
  ChainState& state = place->second;
  if (is_new) state.hash = genesis_hash(record.chain);

  if (!is_new && record.seq <= state.last) {
    fault(FaultKind::fork, record.chain, record.seq,
          fmt::format("chain {}: there is more than one record {}", record.chain, record.seq));
    return;
  }
  bool sound = true;
  if (record.seq != state.last + 1) {
    fault(FaultKind::removed, record.chain, state.last + 1,
          fmt::format("chain {}: {} missing", record.chain,
                      range(state.last + 1, record.seq - 1) + (state.last + 2 == record.seq ? " is" : " are")));
  } else if (record.previous != state.hash && state.last_sound) {
    // The one before agrees with itself, so either it was replaced whole or this one's link was bent.
    if (record_hash(record.chain, record.seq, record.previous, record.bytes) == record.hash && state.last > 0) {
      fault(FaultKind::changed, record.chain, state.last,
            fmt::format("chain {}: record {} was replaced: record {} names another hash before it", record.chain,
                        state.last, record.seq));
    } else {
      fault(FaultKind::changed, record.chain, record.seq,
            fmt::format("chain {}: record {} does not continue the record before it", record.chain, record.seq));
      sound = false;
    }
  }
  if (sound && record_hash(record.chain, record.seq, record.previous, record.bytes) != record.hash) {
    fault(FaultKind::changed, record.chain, record.seq,
          fmt::format("chain {}: record {} was changed: its hash does not fit its content", record.chain, record.seq));
    sound = false;
  }
  if (sound) {
    if (const auto entry = parse_entry(record.bytes); !entry) {
      fault(FaultKind::changed, record.chain, record.seq,
            fmt::format("chain {}: record {}: {}", record.chain, record.seq, entry.error().message));
      sound = false;
    }
  }
  check_heads(record, state, sound);
  state.last = record.seq;
  state.hash = record.hash;
  state.last_sound = sound;
}

VerifyReport Verifier::finish() {
  check_continuity("store", stored_);
  if (!stored_.empty() && stored_.begin()->first != 1) {
    fault(FaultKind::checkpoint_removed, "", 0,
          fmt::format("store: checkpoints before {} are missing", stored_.begin()->first));
  }
  // A checkpoint names the digest of the one before: a link that leads nowhere is one that was exchanged.
  for (const auto& [number, indices] : by_number_) {
    const auto before = by_number_.find(number - 1);
    if (before == by_number_.end()) continue;
    for (const std::size_t index : indices) {
      const bool linked = std::any_of(before->second.begin(), before->second.end(), [&](std::size_t other) {
        return seen_[other].digest == seen_[index].checkpoint.previous;
      });
      if (!linked) {
        fault(FaultKind::rewritten, "", 0,
              fmt::format("checkpoint {} does not continue the checkpoint {} that is there", number, number - 1));
      }
    }
  }
  const std::int64_t newest_stored = stored_.empty() ? 0 : stored_.rbegin()->first;
  std::int64_t newest_witnessed = 0;
  for (const Seen& seen : seen_) {
    if (seen.witnessed) newest_witnessed = std::max(newest_witnessed, seen.checkpoint.number);
  }
  if (newest_witnessed > newest_stored) {
    fault(
        FaultKind::checkpoint_removed, "", 0,
        fmt::format("store: the witness holds checkpoint {}, the store ends with {}", newest_witnessed, newest_stored));
  }
  if (has_witness_ && newest_stored > newest_witnessed) {
    report_.notes.push_back(
        fmt::format("the witness ends with checkpoint {}, the store with {}: the last ones rest on "
                    "the store alone",
                    newest_witnessed, newest_stored));
  }
  if (!has_witness_) {
    report_.notes.push_back(
        "no witness was given: a removed tail or a log rewritten by the holder of the signing key would go unseen");
  }
  for (const auto& [chain, heads] : heads_) {
    const std::int64_t signed_last = heads.rbegin()->first;
    const auto place = chains_.find(chain);
    const std::int64_t last = place == chains_.end() ? 0 : place->second.last;
    if (signed_last > last) {
      fault(FaultKind::removed_tail, chain, last + 1,
            last == 0 ? fmt::format("chain {} is missing: a checkpoint signed {} of it", chain, range(1, signed_last))
                      : fmt::format("chain {}: {} missing at the end: checkpoint {} signed up to record {}", chain,
                                    range(last + 1, signed_last) + (last + 1 == signed_last ? " is" : " are"),
                                    heads.rbegin()->second.front().number, signed_last));
    }
  }
  report_.chains = static_cast<std::int64_t>(chains_.size());
  for (const auto& [chain, state] : chains_) {
    if (state.matched < state.last) report_.uncovered.push_back({chain, state.matched + 1, state.last});
  }
  return std::move(report_);
}

std::string to_text(const VerifyReport& report) {
  std::string out;
  for (const Fault& fault : report.faults) {
    out += fmt::format("{}: {}\n", to_string(fault.kind), printable(fault.message, 1000));
  }
  if (report.fault_count > static_cast<std::int64_t>(report.faults.size())) {
    out += fmt::format("and {} more\n", report.fault_count - static_cast<std::int64_t>(report.faults.size()));
  }
  for (const Uncovered& span : report.uncovered) {
    out += fmt::format("uncovered: chain {}: no checkpoint covers {} yet\n", span.chain, range(span.first, span.last));
  }
  for (const std::string& note : report.notes) out += fmt::format("note: {}\n", printable(note, 1000));
  out += fmt::format("{}: {} records, {} chains, {} checkpoints, {} faults\n",
                     report.fault_count == 0 ? "the log holds" : "THE LOG DOES NOT HOLD", report.records, report.chains,
                     report.checkpoints, report.fault_count);
  return out;
}

json::Value to_json(const VerifyReport& report) {
  json::Array faults;
  for (const Fault& fault : report.faults) {
    faults.push_back(json::Object{{"kind", to_string(fault.kind)},
                                  {"chain", fault.chain},
                                  {"seq", fault.seq},
                                  {"message", printable(fault.message, 1000)}});
  }
  json::Array uncovered;
  for (const Uncovered& span : report.uncovered) {
    uncovered.push_back(json::Object{{"chain", span.chain}, {"first", span.first}, {"last", span.last}});
  }
  json::Array notes;
  for (const std::string& note : report.notes) notes.push_back(note);
  return json::Object{{"holds", report.fault_count == 0},  {"records", report.records},
                      {"chains", report.chains},           {"checkpoints", report.checkpoints},
                      {"fault_count", report.fault_count}, {"faults", std::move(faults)},
                      {"uncovered", std::move(uncovered)}, {"notes", std::move(notes)}};
}

}  // namespace postern::audit
