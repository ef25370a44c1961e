// Attack 18: a flood of anonymous 401s fills the disk through the audit log, and "no record, no access" closes the
// gate.
#include "gateway/audit/aggregate.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::audit;

namespace {
WallTime at(std::string_view text) { return *parse_rfc3339(text); }
}  // namespace

TEST_CASE("ten thousand refusals of one address in one minute are one record") {
  RefusalAggregator refusals;
  const WallTime start = at("2026-11-22T14:03:00.000Z");
  for (int i = 0; i < 10000; ++i) {
    refusals.note("192.0.2.7", i % 4 == 0 ? "expired" : "no_credential", start + std::chrono::milliseconds(i));
  }
  CHECK(refusals.take_closed(start + std::chrono::seconds(59)).empty());
  const auto entries = refusals.take_closed(start + std::chrono::minutes(1));
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].kind == EntryKind::auth_refused_aggregate);
  CHECK(entries[0].from == "192.0.2.7");
  CHECK(json::dump(entries[0].detail) ==
        R"({"minute":"2026-11-22T14:03:00.000Z","count":10000,"first":"2026-11-22T14:03:00.000Z",)"
        R"("last":"2026-11-22T14:03:09.999Z","reasons":{"expired":2500,"no_credential":7500}})");
  CHECK(refusals.take_closed(start + std::chrono::hours(1)).empty());
}

TEST_CASE("each address and each minute has its record") {
  RefusalAggregator refusals;
  refusals.note("192.0.2.7", "no_credential", at("2026-11-22T14:03:59.999Z"));
  refusals.note("192.0.2.7", "no_credential", at("2026-11-22T14:04:00.000Z"));
  refusals.note("192.0.2.8", "no_credential", at("2026-11-22T14:04:00.000Z"));
  const auto entries = refusals.take_closed(at("2026-11-22T14:05:00.000Z"));
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].from == "192.0.2.7");
  CHECK(entries[2].from == "192.0.2.8");
}

TEST_CASE("IPv6 counts by its network and IPv4 in IPv6 as IPv4") {
  CHECK(aggregate_address("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(aggregate_address("2001:db8:1:2::") == "2001:db8:1:2::/64");
  CHECK(aggregate_address("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(aggregate_address("192.0.2.7") == "192.0.2.7");
  CHECK(aggregate_address("unix") == "unix");
  CHECK(aggregate_address("a\nb") == "a\\x0ab");
}

TEST_CASE("a flood from very many networks stays bounded") {
  RefusalAggregator refusals(100);
  const WallTime start = at("2026-11-22T14:03:00.000Z");
  for (int i = 0; i < 5000; ++i) {
    refusals.note("2001:db8:" + std::to_string(i) + "::1", "reason" + std::to_string(i), start);
  }
  const auto entries = refusals.take_all();
  REQUIRE(entries.size() == 101);
  std::int64_t total = 0;
  for (const AuditEntry& entry : entries) {
    total += *entry.detail.find_int("count");
    CHECK(entry.detail.find("reasons")->as_object()->size() <= 17);
  }
  CHECK(total == 5000);
  CHECK(refusals.take_all().empty());
}
