#include "gateway/audit/entry.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::audit;

namespace {

AuditEntry sample() {
  AuditEntry entry;
  entry.kind = EntryKind::fetch;
  entry.at = *parse_rfc3339("2026-11-22T14:03:07.123Z");
  entry.request_id = "r1";
  entry.who = {"apim-sync", "workload", "entra", "sub-1", "app-1", "APIM sync"};
  entry.from = "192.0.2.7";
  entry.repository = "platform/policies";
  entry.rule = "sync-reads";
  entry.detail = json::Object{{"wants", json::Array{"a", "b"}}, {"bytes", 12}};
  return entry;
}

}  // namespace

TEST_CASE("the canonical bytes of an entry are the ones written down") {
  // The example of schema/audit_log.md.
  CHECK(*canonical_bytes(sample()) ==
        R"({"v":1,"kind":"fetch","at":"2026-11-22T14:03:07.123Z","request":"r1","who":{"name":"apim-sync",)"
        R"("kind":"workload","issuer":"entra","subject":"sub-1","client":"app-1","display":"APIM sync"},)"
        R"("from":"192.0.2.7","repository":"platform/policies","rule":"sync-reads",)"
        R"("detail":{"wants":["a","b"],"bytes":12}})");
}

TEST_CASE("an entry reads back from its bytes") {
  const auto entry = parse_entry(*canonical_bytes(sample()));
  REQUIRE(entry);
  CHECK(*entry == sample());
}

TEST_CASE("every kind has a name of its own that reads back") {
  for (int i = 0; i <= static_cast<int>(EntryKind::hook_pause); ++i) {
    const auto kind = static_cast<EntryKind>(i);
    REQUIRE(!to_string(kind).empty());
    CHECK(parse_entry_kind(to_string(kind)) == kind);
  }
  CHECK(!parse_entry_kind("push"));
  CHECK(!parse_entry_kind(""));
}

TEST_CASE("bytes that are not UTF-8 are recorded readably and not lost") {
  AuditEntry entry = sample();
  entry.who.subject = "a\xff";
  entry.detail = json::Object{{"text", "b\xc3"}, {"list", json::Array{"\x80"}}};
  const auto bytes = canonical_bytes(entry);
  REQUIRE(bytes);
  CHECK(bytes->find(R"("subject":"a\\xff")") != std::string::npos);
  CHECK(bytes->find(R"("text":"b\\xc3")") != std::string::npos);
  CHECK(bytes->find(R"("list":["\\x80"])") != std::string::npos);
  CHECK(parse_entry(*bytes));
}

TEST_CASE("a second spelling of a record is corrupt") {
  const std::string bytes = *canonical_bytes(sample());
  std::string spaced = bytes;
  spaced.insert(spaced.find(':') + 1, " ");
  for (const std::string& other : {spaced, bytes + "\n", std::string("{}"), std::string("[]"), std::string(),
                                   R"({"v":1,"kind":"nonsense")" + bytes.substr(21)}) {
    const auto entry = parse_entry(other);
    REQUIRE(!entry);
    CHECK(entry.error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("an entry larger than the limit is refused") {
  AuditEntry entry = sample();
  entry.detail = json::Object{{"text", std::string(kMaxEntryBytes, 'x')}};
  const auto bytes = canonical_bytes(entry);
  REQUIRE(!bytes);
  CHECK(bytes.error().code == ErrorCode::limit);
}
