// Comments that accept findings: what they cover, and what is said of those that do not count.
#include "hooks/policy/suppression.h"

#include <catch2/catch.hpp>

#include "hooks/policy/check.h"

using namespace postern::policy;

namespace {

constexpr std::int64_t kToday = 20000;  // 2024-10-04

struct Judged {
  std::vector<std::string> findings;  // "LINE RULE"
  std::vector<std::string> messages;
  unsigned suppressed = 0;
};

Judged judge(const std::string& comment, std::vector<std::string> may_suppress = {"*"},
             const std::string& between = "") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n" + comment + "\n" + between +
      "<rate-limit-by-key calls=\"1\" renewal-period=\"360\" counter-key=\"a\" />\n</inbound>\n</policies>\n";
  CheckOptions options;
  options.today = kToday;
  options.may_suppress = std::move(may_suppress);
  CheckCounts counts;
  Judged out;
  for (const Finding& one : check_policy("a.xml", text, options, &counts)) {
    out.findings.push_back(std::to_string(one.line) + " " + one.rule);
    out.messages.push_back(one.message);
  }
  out.suppressed = counts.suppressed;
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a complete suppression takes the finding away and is counted") {
  const Judged judged = judge("<!-- postern-allow value-range until 2024-10-04: agreed with the partner -->");
  CHECK(judged.findings == Lines{});
  CHECK(judged.suppressed == 1);
  // Without any comment it is there.
  CHECK(judge("").findings == Lines{"5 value-range"});
}

TEST_CASE("a suppression ends on its day and says so") {
  const Judged judged = judge("<!-- postern-allow value-range until 2024-10-03: agreed with the partner -->");
  CHECK(judged.findings == Lines{"4 suppression", "5 value-range"});
  CHECK(judged.messages[0] == "this suppression ended on 2024-10-03 and has no effect any more");
  CHECK(judged.suppressed == 0);
}

TEST_CASE("a suppression that the platform does not allow is a finding and has no effect") {
  const std::string comment = "<!-- postern-allow value-range until 2999-01-01: why -->";
  const Judged judged = judge(comment, {"missing-base"});
  CHECK(judged.findings == Lines{"4 suppression", "5 value-range"});
  CHECK(judged.messages[0] == "rule 'value-range' may not be suppressed here; this comment has no effect");
  CHECK(judge(comment, {"value-range"}).findings == Lines{});
  CHECK(judge(comment, {}).findings.size() == 2);
}

TEST_CASE("a malformed suppression is a finding and has no effect") {
  for (const char* comment :
       {"<!-- postern-allow value-range -->", "<!-- postern-allow value-range until 2999-01-01 -->",
        "<!-- postern-allow value-range until 2999-01-01: -->", "<!-- postern-allow value-range until soon: why -->",
        "<!-- postern-allow value-range until 2999-02-30: why -->",
        "<!-- postern-allow value-rnage until 2999-01-01: why -->",
        "<!-- postern-allow suppression until 2999-01-01: why -->"}) {
    CAPTURE(comment);
    const Judged judged = judge(comment);
    CHECK(judged.findings == Lines{"4 suppression", "5 value-range"});
    CHECK(judged.suppressed == 0);
  }
}

TEST_CASE("a suppression covers the next element alone") {
  CHECK(judge("<!-- postern-allow value-range until 2999-01-01: why -->", {"*"}, "<set-method>GET</set-method>\n")
            .findings == Lines{"6 value-range"});
}

TEST_CASE("fingerprints stay when lines move and differ between equal lines") {
  const std::string line = "<rate-limit-by-key calls=\"1\" renewal-period=\"360\" counter-key=\"a\" />\n";
  const auto prints = [](const std::string& text) {
    std::vector<std::string> out;
    for (const Finding& one : check_policy("a.xml", text, {})) out.push_back(one.fingerprint);
    return out;
  };
  const auto one = prints("<policies><inbound><base />\n" + line + line + "</inbound></policies>");
  const auto moved =
      prints("<policies><inbound><base />\n\n<!-- new -->\n  " + line + "\n\n\t" + line + "</inbound></policies>");
  REQUIRE(one.size() == 2);
  CHECK(one == moved);
  CHECK(one[0] != one[1]);
}
