#include "gateway/git/report_status.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::git;

namespace {

std::string frame(std::string_view payload) {
  std::string out;
  append_pkt(out, payload);
  return out;
}

std::string band(char number, std::string_view payload) {
  std::string out;
  append_band(out, number, payload);
  return out;
}

PushRequest two_refs(bool side_band, bool reports) {
  PushRequest request;
  request.capabilities.side_band_64k = side_band;
  request.capabilities.report_status = reports;
  const ObjectId id = *ObjectId::parse(std::string(40, '1'));
  request.commands = {{id, ObjectId::zero(), "refs/heads/a"}, {id, ObjectId::zero(), "refs/heads/b"}};
  return request;
}

const std::string kDeclined = frame("unpack ok\n") + frame("ng refs/heads/a pre-receive hook declined\n") +
                              frame("ok refs/heads/b\n") + frame("option forced-update\n") + "0000";

}  // namespace

TEST_CASE("an upstream report is read in whatever pieces and the hook's reasons are put in") {
  // The report itself cut over two band packets, progress before and after, a keepalive between.
  const std::string answer = band(2, "hello\n") + band(1, kDeclined.substr(0, 30)) + "0005\x02" +
                             band(1, kDeclined.substr(30)) + band(2, "bye\n") + "0000";
  for (std::size_t piece = 1; piece <= answer.size(); ++piece) {
    ReportReader reader(true);
    std::string out;
    for (std::size_t at = 0; at < answer.size(); at += piece) {
      REQUIRE(reader.feed(std::string_view(answer).substr(at, piece), out).has_value());
    }
    Result<PushReport> report = reader.finish();
    REQUIRE(report.has_value());
    REQUIRE(report->refs.size() == 2);
    CHECK_FALSE(report->find("refs/heads/a")->ok);
    CHECK(report->find("refs/heads/b")->ok);
    CHECK(report->find("refs/heads/b")->options == std::vector<std::string>{"forced-update"});
    CHECK(report->find("refs/heads/c") == nullptr);
    CHECK(replace_hook_reasons(
        *report, {{"refs/heads/a", "policy: 2 errors, see above [unknown-element]"}, {"refs/heads/b", "never used"}}));
    out += reader.rest(*report);
    ReportReader again(true);
    std::string progress;
    REQUIRE(again.feed(out, progress).has_value());
    CHECK(progress == band(2, "hello\n") + "0005\x02" + band(2, "bye\n"));
    const PushReport seen = *again.finish();
    CHECK(seen.find("refs/heads/a")->reason == "policy: 2 errors, see above [unknown-element]");
    CHECK(seen.find("refs/heads/b")->ok);
  }
}

TEST_CASE("a reason that git itself gave is not replaced") {
  PushReport report;
  report.unpack = "ok";
  report.refs.push_back({"refs/heads/a", false, "failed to update ref", {}});
  CHECK_FALSE(replace_hook_reasons(report, {{"refs/heads/a", "ours"}}));
  CHECK(report.refs[0].reason == "failed to update ref");
}

TEST_CASE("a report without bands is read") {
  ReportReader reader(false);
  std::string out;
  REQUIRE(reader.feed(kDeclined, out).has_value());
  CHECK(out.empty());
  const PushReport report = *reader.finish();
  CHECK(reader.rest(report) == kDeclined);
}

TEST_CASE("the empty answer to a probe is no report and no error") {
  ReportReader reader(true);
  const Result<PushReport> report = reader.finish();
  REQUIRE(report.has_value());
  CHECK_FALSE(report->has_report());
  CHECK(reader.rest(*report).empty());
}

TEST_CASE("an answer that is cut short says so") {
  const std::string whole = band(1, kDeclined) + "0000";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ReportReader reader(true);
    std::string out;
    if (!reader.feed(std::string_view(whole).substr(0, size), out)) continue;
    CHECK_FALSE(reader.finish().has_value());
  }
}

TEST_CASE("an answer that is no receive-pack result is refused") {
  for (const std::string& answer :
       {std::string("<html>"), band(7, "x"), std::string("0004"), std::string("0001"),
        band(1, frame("ok refs/heads/a\n")), band(1, frame("unpack ok\n") + frame("hm\n")),
        band(1, frame("unpack ok\n") + frame("ng refs/heads/a\n")), band(1, frame("unpack ok\n") + "0000" + "0000")}) {
    ReportReader reader(true);
    std::string out;
    CHECK_FALSE(reader.feed(answer, out).has_value());
  }
}

TEST_CASE("a report larger than its limit is refused") {
  ReportReader reader(false, 100);
  std::string out;
  std::string answer = frame("unpack ok\n");
  for (int i = 0; i < 20; ++i) answer += frame("ok refs/heads/a" + std::to_string(i) + "\n");
  const Status fed = reader.feed(answer, out);
  REQUIRE_FALSE(fed.has_value());
  CHECK(fed.error().code == ErrorCode::limit);
}

TEST_CASE("a fatal message of the upstream goes on to the client") {
  ReportReader reader(true);
  std::string out;
  REQUIRE(reader.feed(band(3, "disk full\n"), out).has_value());
  CHECK(out == band(3, "disk full\n"));
  CHECK(reader.saw_fatal());
}

TEST_CASE("a refusal names every ref behind bands") {
  const std::vector<std::string> reasons{"delete is not granted [nobody-rewrites-main]", ""};
  const std::vector<std::string> lines{"postern: refused", "fix: ask\x1b[31m"};
  const RefusalAnswer answer = write_refusal(two_refs(true, true), reasons, lines);
  CHECK(answer.status == 200);
  CHECK(answer.content_type == "application/x-git-receive-pack-result");
  ReportReader reader(true);
  std::string progress;
  REQUIRE(reader.feed(answer.body, progress).has_value());
  CHECK(progress == band(2, "postern: refused\nfix: ask [31m\n"));
  const PushReport report = *reader.finish();
  CHECK(report.unpack == "ok");
  CHECK(report.find("refs/heads/a")->reason == reasons[0]);
  CHECK(report.find("refs/heads/b")->reason == "not judged: another ref of this push was refused");
}

TEST_CASE("a refusal without bands is a bare report and without report a 403") {
  const std::vector<std::string> reasons{"no", "no"};
  const std::vector<std::string> lines{"postern: refused"};
  const RefusalAnswer bare = write_refusal(two_refs(false, true), reasons, lines);
  CHECK(bare.body == frame("unpack ok\n") + frame("ng refs/heads/a no\n") + frame("ng refs/heads/b no\n") + "0000");
  const RefusalAnswer none = write_refusal(two_refs(true, false), reasons, lines);
  CHECK(none.status == 403);
  CHECK(none.content_type.starts_with("text/plain"));
  CHECK(none.body == "postern: refused\n");
}

TEST_CASE("a reason is one line of at most 199 bytes") {
  CHECK(report_line("a\nb\rc\x1b") == "a b c ");
  CHECK(report_line("a\xc2\x9b"
                    "2J\xe2\x80\xae") == "a\\xc2\\x9b2J\\xe2\\x80\\xae");
  CHECK(report_line("\xff") == "\\xff");
  CHECK(report_line(std::string(500, 'x')).size() == 199);
  CHECK(report_line(std::string(500, '\xff')).size() <= 199);
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "\xc3\xa4";
  CHECK(report_line(umlauts).size() <= 199);
  CHECK(report_line(umlauts).ends_with("\xc3\xa4..."));
}
