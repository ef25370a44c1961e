// Attack 19: last N records and their checkpoint removed; log forked; whole log rewritten and re-signed with the stolen
// key. Each is named.
#include "gateway/audit/verify.h"

#include <catch2/catch.hpp>

#include "gateway/audit/entry.h"

using namespace postern;
using namespace postern::audit;

namespace {

const std::string kChain = "00112233445566778899aabbccddeeff";

const identity::SigningKey& signing_key() {
  static const identity::SigningKey key = *identity::SigningKey::generate_ed25519();
  return key;
}

std::string entry_bytes(int number, std::string_view repository = "platform/policies") {
  AuditEntry entry;
  entry.kind = EntryKind::fetch;
  entry.at = WallTime(std::chrono::milliseconds(1000 * number));
  entry.request_id = "r" + std::to_string(number);
  entry.repository = repository;
  return *canonical_bytes(entry);
}

// A log as a gateway leaves it: records, stored checkpoints, and what the witness holds.
struct Log {
  std::vector<Record> records;
  std::vector<std::string> checkpoints;
  std::string witness;
  AuditChain chain{kChain};

  void append(int count, std::string_view repository = "platform/policies") {
    for (int i = 0; i < count; ++i) {
      records.push_back(chain.append(entry_bytes(static_cast<int>(records.size()) + 1, repository)));
    }
  }
  void checkpoint(bool to_witness = true) {
    const std::int64_t number = static_cast<std::int64_t>(checkpoints.size()) + 1;
    const std::string previous = checkpoints.empty() ? "" : checkpoint_digest(checkpoints.back());
    checkpoints.push_back(*sign_checkpoint({number, WallTime(), previous, {chain.head()}}, signing_key()));
    if (to_witness) witness += checkpoints.back() + "\n";
  }
};

// Ten records, checkpoints after the 4th and the 8th.
Log honest() {
  Log log;
  log.append(4);
  log.checkpoint();
  log.append(4);
  log.checkpoint();
  log.append(2);
  return log;
}

VerifyReport verify(const Log& log, bool with_witness = true) {
  Verifier verifier({signing_key().public_key()});
  if (with_witness) verifier.add_witness("w", log.witness);
  for (std::size_t i = 0; i < log.checkpoints.size(); ++i) {
    verifier.add_stored_checkpoint(static_cast<std::int64_t>(i) + 1, log.checkpoints[i]);
  }
  for (const Record& record : log.records) verifier.add_record(record);
  return verifier.finish();
}

// "kind seq" of every fault.
std::vector<std::string> faults(const VerifyReport& report) {
  std::vector<std::string> out;
  for (const Fault& fault : report.faults)
    out.push_back(std::string(to_string(fault.kind)) + " " + std::to_string(fault.seq));
  return out;
}

using Faults = std::vector<std::string>;

}  // namespace

TEST_CASE("an honest log holds and names the records that no checkpoint covers") {
  const VerifyReport report = verify(honest());
  CHECK(report.fault_count == 0);
  CHECK(report.records == 10);
  CHECK(report.checkpoints == 2);
  REQUIRE(report.uncovered.size() == 1);
  CHECK(report.uncovered[0].first == 9);
  CHECK(report.uncovered[0].last == 10);
  CHECK(to_text(report) ==
        "uncovered: chain 00112233445566778899aabbccddeeff: no checkpoint covers records 9 to 10 yet\n"
        "the log holds: 10 records, 1 chains, 2 checkpoints, 0 faults\n");
}

TEST_CASE("without a witness the report says what it cannot see") {
  const VerifyReport report = verify(honest(), false);
  CHECK(report.fault_count == 0);
  REQUIRE(report.notes.size() == 1);
  CHECK(report.notes[0].find("no witness was given") != std::string::npos);
}

TEST_CASE("one changed byte is named with its record") {
  Log log = honest();
  for (std::size_t at = 0; at < log.records[4].bytes.size(); at += 7) {
    Log bent = log;
    bent.records[4].bytes[at] ^= 1;
    CHECK(faults(verify(bent)) == Faults{"changed 5"});
  }
}

TEST_CASE("a changed record with its hash made anew is named by the record after it") {
  Log log = honest();
  Record& record = log.records[4];
  record.bytes = entry_bytes(5, "other/repo");
  record.hash = record_hash(record.chain, record.seq, record.previous, record.bytes);
  CHECK(faults(verify(log)) == Faults{"changed 5"});
}

TEST_CASE("a changed hash or link is named") {
  Log log = honest();
  log.records[4].hash[3] ^= 1;
  CHECK(faults(verify(log)) == Faults{"changed 5"});
  log = honest();
  log.records[4].previous[3] ^= 1;
  CHECK(faults(verify(log)) == Faults{"changed 5"});
  log = honest();
  log.records[0].previous[3] ^= 1;
  CHECK(faults(verify(log)) == Faults{"changed 1"});
}

TEST_CASE("a removed record is named by its number") {
  Log log = honest();
  log.records.erase(log.records.begin() + 4);
  const VerifyReport report = verify(log);
  CHECK(faults(report) == Faults{"removed 5"});
  CHECK(report.faults[0].message == "chain " + kChain + ": record 5 is missing");
  log = honest();
  log.records.erase(log.records.begin(), log.records.begin() + 3);
  CHECK(faults(verify(log)) == Faults{"removed 1"});
}

TEST_CASE("a removed record whose followers were numbered anew is named") {
  Log log = honest();
  log.records.erase(log.records.begin() + 4);
  for (std::size_t i = 4; i < log.records.size(); ++i) --log.records[i].seq;
  const auto found = faults(verify(log));
  REQUIRE(!found.empty());
  CHECK(found[0] == "changed 5");
}

TEST_CASE("two records that changed places are named") {
  Log log = honest();
  std::swap(log.records[4].bytes, log.records[5].bytes);
  CHECK(faults(verify(log)) == Faults{"changed 5", "changed 6"});
}

TEST_CASE("a removed tail is named by the stored checkpoint and a tail with its checkpoint by the witness") {
  Log log = honest();
  log.records.resize(6);
  CHECK(faults(verify(log, false)) == Faults{"removed-tail 7"});
  log.checkpoints.resize(1);
  CHECK(faults(verify(log, false)).empty());  // why there is a witness
  const VerifyReport report = verify(log);
  CHECK(faults(report) == Faults{"checkpoint-removed 0", "removed-tail 7"});
  CHECK(report.faults[1].message ==
        "chain " + kChain + ": records 7 to 8 are missing at the end: checkpoint 2 signed up to record 8");
}

TEST_CASE("an emptied log is named by the witness") {
  Log log;
  log.witness = honest().witness;
  CHECK(faults(verify(log)) == Faults{"checkpoint-removed 0", "removed-tail 1"});
}

TEST_CASE("a log rewritten and signed anew with the stolen key is named by the witness") {
  Log log;
  log.append(2);
  log.append(2, "attacker/wrote-this");
  log.checkpoint(false);
  log.append(4);
  log.checkpoint(false);
  log.append(2);
  CHECK(faults(verify(log, false)).empty());  // hangs together
  log.witness = honest().witness;
  const VerifyReport report = verify(log);
  CHECK(faults(report) == Faults{"rewritten 0", "rewritten 0", "rewritten 4"});
  CHECK(report.faults[2].message.find("record 4 is not the one that checkpoint 1 of the witness signed") !=
        std::string::npos);
  CHECK(report.uncovered.size() == 1);
}

TEST_CASE("a rewrite after a witnessed checkpoint names the record it begins behind") {
  Log log;
  log.append(4);
  log.checkpoint(false);
  log.append(4, "attacker/wrote-this");
  log.checkpoint(false);
  log.witness = honest().witness;
  const VerifyReport report = verify(log);
  CHECK(faults(report) == Faults{"rewritten 0", "rewritten 8"});
  CHECK(report.faults[1].message.find("somewhere after record 4") != std::string::npos);
}

TEST_CASE("a rewritten log without stored checkpoints is named by the witness") {
  Log log;
  log.append(10, "attacker/wrote-this");
  log.witness = honest().witness;
  CHECK(faults(verify(log)) == Faults{"rewritten 4", "checkpoint-removed 0"});
}

TEST_CASE("a forked log is named when both ends reached the witness") {
  Log log = honest();
  Log other = honest();
  other.records.clear();
  log.append(1);
  log.checkpoint();
  other.chain.append(entry_bytes(77, "other/side"));
  other.checkpoint();
  log.witness += other.checkpoints.back() + "\n";
  CHECK(faults(verify(log)) == Faults{"fork 0"});
}

TEST_CASE("two records of one number are a fork") {
  Log log = honest();
  log.records.insert(log.records.begin() + 5, log.records[4]);
  CHECK(faults(verify(log)) == Faults{"fork 5"});
}

TEST_CASE("a checkpoint missing from the witness or the store is named") {
  Log log = honest();
  log.checkpoint();
  log.append(1);
  log.checkpoint();
  Log torn = log;
  torn.witness = log.checkpoints[0] + "\n" + log.checkpoints[3] + "\n";
  CHECK(faults(verify(torn)) == Faults{"checkpoint-removed 0"});
  CHECK(verify(torn).faults[0].message == "witness w: checkpoints 2 to 3 are missing");
  Verifier verifier({signing_key().public_key()});
  verifier.add_witness("w", log.witness);
  for (const std::int64_t number : {1, 2, 4}) {
    verifier.add_stored_checkpoint(number, log.checkpoints[static_cast<std::size_t>(number) - 1]);
  }
  for (const Record& record : log.records) verifier.add_record(record);
  CHECK(faults(verifier.finish()) == Faults{"checkpoint-removed 0"});
}

TEST_CASE("a checkpoint signed anew with the stolen key is named by the one after it") {
  Log log = honest();
  Checkpoint first = *open_checkpoint(log.checkpoints[0], std::vector{signing_key().public_key()});
  first.at += std::chrono::milliseconds(1);
  log.checkpoints[0] = *sign_checkpoint(first, signing_key());
  const VerifyReport report = verify(log, false);
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].kind == FaultKind::rewritten);
  CHECK(report.faults[0].message == "checkpoint 2 does not continue the checkpoint 1 that is there");
}

TEST_CASE("a copy of another checkpoint does not stand in for one that was removed") {
  Log log = honest();
  log.checkpoints[1] = log.checkpoints[0];
  const VerifyReport report = verify(log);
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].kind == FaultKind::checkpoint_invalid);
  CHECK(report.faults[0].message == "store, checkpoint 2: it is checkpoint 1");
}

TEST_CASE("a store that lost its first checkpoints says so without any witness") {
  const Log log = honest();
  Verifier verifier({signing_key().public_key()});
  verifier.add_stored_checkpoint(2, log.checkpoints[1]);
  for (const Record& record : log.records) verifier.add_record(record);
  const VerifyReport report = verifier.finish();
  REQUIRE(report.faults.size() == 1);
  CHECK(report.faults[0].kind == FaultKind::checkpoint_removed);
  CHECK(report.faults[0].message == "store: checkpoints before 2 are missing");
}

TEST_CASE("a rotated witness that begins later is no fault") {
  Log log = honest();
  log.append(1);
  log.checkpoint();
  log.witness = log.checkpoints[1] + "\n" + log.checkpoints[2] + "\n";
  CHECK(verify(log).fault_count == 0);
}

TEST_CASE("lines of syslog and doubled lines are understood") {
  Log log = honest();
  log.witness = "Nov 22 14:03:07 host postern-gateway[12]: postern-checkpoint " + log.checkpoints[0] + "\n\n" +
                log.checkpoints[1] + "\r\n" + log.checkpoints[1] + "\n";
  CHECK(verify(log).fault_count == 0);
}

TEST_CASE("a line cut off by a crash is a note and not a fault") {
  Log log = honest();
  const std::string cut = log.checkpoints[1].substr(0, 50);
  log.witness = log.checkpoints[0] + "\n" + cut + "\n" + log.checkpoints[1] + "\n";
  VerifyReport report = verify(log);
  CHECK(report.fault_count == 0);
  CHECK(report.notes == std::vector<std::string>{"witness w line 2: cut off in mid-line"});
  log.witness = log.checkpoints[0] + "\n" + cut;
  CHECK(verify(log).fault_count == 0);
}

TEST_CASE("a checkpoint of a foreign key or a bent one is named") {
  Log log = honest();
  const auto other = *identity::SigningKey::generate_ed25519();
  log.witness += *sign_checkpoint({3, WallTime(), "", {log.chain.head()}}, other) + "\n";
  CHECK(faults(verify(log)) == Faults{"checkpoint-invalid 0"});
  log = honest();
  log.checkpoints[1].back() = log.checkpoints[1].back() == 'A' ? 'Q' : 'A';
  const auto found = faults(verify(log));
  REQUIRE(!found.empty());
  CHECK(found[0] == "checkpoint-invalid 0");
}

TEST_CASE("the list of faults is bounded and says so") {
  Log log;
  log.append(500);
  for (Record& record : log.records) record.bytes += " ";
  const VerifyReport report = verify(log);
  CHECK(report.fault_count == 500);
  CHECK(report.faults.size() == kMaxFaults);
  CHECK(to_text(report).find("and 300 more\n") != std::string::npos);
}
