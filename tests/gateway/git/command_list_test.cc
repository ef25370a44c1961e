#include "gateway/git/command_list.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::git;

namespace {

const std::string kZero(40, '0');
const std::string kOne(40, '1');
const std::string kTwo(40, '2');
const std::string kCaps = " report-status-v2 side-band-64k agent=git/2.39.5";

std::string frame(std::string_view payload) {
  std::string out;
  append_pkt(out, payload);
  return out;
}

std::string command(const std::string& old_id, const std::string& new_id, const std::string& ref,
                    const std::string& caps = {}) {
  std::string line = old_id + " " + new_id + " " + ref;
  if (!caps.empty()) (line += '\0') += caps;
  return frame(line);
}

struct Outcome {
  Result<PushHeadParser::State> state = PushHeadParser::State::more;
  PushHeadParser parser;
  std::string rest;
};

Outcome parse(std::string_view body, std::size_t piece = 1 << 20, const PushHeadLimits& limits = {}) {
  Outcome outcome{PushHeadParser::State::more, PushHeadParser(limits), {}};
  while (!body.empty()) {
    std::string_view input = body.substr(0, piece);
    body.remove_prefix(input.size());
    if (outcome.state && *outcome.state != PushHeadParser::State::more) {
      outcome.rest += input;
      continue;
    }
    outcome.state = outcome.parser.feed(input);
    if (!outcome.state) return outcome;
    outcome.rest += input;
  }
  return outcome;
}

bool is_error(const std::string& body) { return !parse(body).state.has_value(); }

// What is refused, by the sentence that says why: a broken head is often wrong in a second way as well.
std::string error_of(const std::string& body, const PushHeadLimits& limits = {}) {
  const Outcome outcome = parse(body, 1 << 20, limits);
  return outcome.state ? "no error" : outcome.state.error().message;
}
bool is_complete(const Outcome& outcome) {
  return outcome.state.has_value() && *outcome.state == PushHeadParser::State::complete;
}

}  // namespace

TEST_CASE("a push head is read to the first byte of its pack in whatever pieces") {
  const std::string head =
      command(kOne, kTwo, "refs/heads/main", kCaps) + command(kZero, kTwo, "refs/tags/v1\n") + "0000";
  const std::string body = head + "PACK\0\0\0\2rest";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    const Outcome outcome = parse(body, piece);
    REQUIRE(is_complete(outcome));
    CHECK(outcome.parser.head_bytes() == head.size());
    CHECK(outcome.rest.starts_with("PACK"));
    const PushRequest& request = outcome.parser.request();
    REQUIRE(request.commands.size() == 2);
    CHECK(request.commands[0].ref == "refs/heads/main");
    CHECK(request.commands[1].ref == "refs/tags/v1");
    CHECK(request.commands[1].is_create());
    CHECK(request.capabilities.report_status_v2);
    CHECK_FALSE(request.capabilities.report_status);
    CHECK(request.capabilities.side_band_64k);
    CHECK(request.capabilities.agent == "git/2.39.5");
    CHECK(request.expects_pack);
  }
}

TEST_CASE("the probe of a large push is recognised") {
  const Outcome outcome = parse("0000");
  REQUIRE(is_complete(outcome));
  CHECK(outcome.parser.request().is_probe);
  CHECK_FALSE(outcome.parser.request().expects_pack);
  CHECK(write_push_head(outcome.parser.request(), {}) == "0000");
}

TEST_CASE("a push that only deletes has no pack") {
  const Outcome outcome = parse(command(kOne, kZero, "refs/heads/a", kCaps) + "0000");
  REQUIRE(is_complete(outcome));
  CHECK_FALSE(outcome.parser.request().expects_pack);
  PackGuard guard(false);
  CHECK(guard.finish().has_value());
  CHECK_FALSE(guard.feed("P").has_value());
}

TEST_CASE("push options follow their own flush and keep their order") {
  const Outcome outcome = parse(command(kOne, kTwo, "refs/heads/a", kCaps + " push-options") + "0000" +
                                frame("ci.skip") + frame("b=c\n") + "0000PACK");
  REQUIRE(is_complete(outcome));
  CHECK(outcome.parser.request().options == std::vector<std::string>{"ci.skip", "b=c"});
  CHECK(outcome.rest == "PACK");
}

TEST_CASE("a ticket is put behind the client's own options") {
  const Outcome outcome =
      parse(command(kOne, kTwo, "refs/heads/a", kCaps + " push-options") + "0000" + frame("mine") + "0000PACK");
  const std::vector<std::string> added{"postern-ticket=abc"};
  const std::string head = write_push_head(outcome.parser.request(), added);
  const Outcome again = parse(head + "PACK");
  REQUIRE(is_complete(again));
  CHECK(again.parser.request().options == std::vector<std::string>{"mine", "postern-ticket=abc"});
  CHECK(again.parser.request().commands == outcome.parser.request().commands);
  CHECK(again.parser.head_bytes() == head.size());
}

TEST_CASE("a ticket brings the push-options capability with it when the client listed none") {
  const Outcome outcome = parse(command(kOne, kTwo, "refs/heads/a", kCaps) + "0000PACK");
  const std::vector<std::string> added{"postern-ticket=abc"};
  const Outcome again = parse(write_push_head(outcome.parser.request(), added) + "PACK");
  REQUIRE(is_complete(again));
  CHECK(again.parser.request().capabilities.push_options);
  CHECK(again.parser.request().options == added);
  CHECK_FALSE(parse(write_push_head(outcome.parser.request(), {}) + "PACK").parser.request().capabilities.push_options);
}

TEST_CASE("shallow lines before the commands are kept") {
  const std::string head = frame("shallow " + kOne) + command(kOne, kTwo, "refs/heads/a", kCaps) + "0000";
  const Outcome outcome = parse(head + "PACK");
  REQUIRE(is_complete(outcome));
  REQUIRE(outcome.parser.request().shallow.size() == 1);
  CHECK(parse(write_push_head(outcome.parser.request(), {}) + "PACK").parser.request().shallow.size() == 1);
}

TEST_CASE("what git would read differently - a delimiter ends no command list") {
  const std::string said =
      "push request: a delimiter packet (0001, 0002) has no place in a push; the list ends with 0000";
  CHECK(error_of(command(kOne, kTwo, "refs/heads/a", kCaps) + "0001" + command(kOne, kTwo, "refs/heads/b") + "0000") ==
        said);
  CHECK(error_of(command(kOne, kTwo, "refs/heads/a", kCaps) + "0002" + "0000") == said);
  CHECK(error_of("0001") == said);
  CHECK(error_of(command(kOne, kTwo, "refs/heads/a", kCaps + " push-options") + "0000" + "0001") == said);
}

TEST_CASE("what git would read differently - the end of the body ends no command list") {
  const Outcome outcome = parse(command(kOne, kTwo, "refs/heads/a", kCaps));
  CHECK(*outcome.state == PushHeadParser::State::more);
  CHECK_FALSE(outcome.parser.finish().has_value());
}

TEST_CASE("what git would read differently - shallow lines after a command") {
  CHECK(is_error(command(kOne, kTwo, "refs/heads/a", kCaps) + frame("shallow " + kOne) + "0000PACK"));
  CHECK(is_error(frame("shallow " + kOne) + "0000"));
  CHECK(is_error(frame("shallow xyz") + command(kOne, kTwo, "refs/heads/a", kCaps) + "0000PACK"));
}

TEST_CASE("what git would read differently - capabilities on a later line") {
  CHECK(is_error(command(kOne, kTwo, "refs/heads/a") + command(kOne, kTwo, "refs/heads/b", " push-options") + "0000"));
}

TEST_CASE("what git would read differently - capabilities twice or with values or control characters") {
  const auto error_of_caps = [](const std::string& caps) {
    return error_of(command(kOne, kTwo, "refs/heads/a", caps) + "0000" + "0000PACK");
  };
  CHECK(error_of_caps(" atomic atomic") == "push request: the capability 'atomic' stands twice");
  CHECK(error_of_caps(" agent=a agent=b") == "push request: the capability 'agent' stands twice");
  for (const char* flag : {"report-status", "report-status-v2", "side-band-64k", "quiet", "atomic", "push-options"}) {
    CHECK(error_of_caps(" " + std::string(flag) + "=x") ==
          "push request: the capability '" + std::string(flag) + "' takes no value");
  }
  CHECK(error_of_caps(" agent=") == "push request: the capability 'agent' needs a value");
  CHECK(error_of_caps(" agent") == "push request: the capability 'agent' needs a value");
  CHECK(error_of_caps(" report-status\tpush-options") == "push request: the capabilities hold a control character");
  CHECK(error_of_caps(std::string(" a\0b", 4)) == "push request: the capabilities hold a control character");
  CHECK(error_of_caps(" object-format=md5") == "push request: object-format 'md5' is not sha1 or sha256");
}

TEST_CASE("what git would read differently - object ids in upper case become one spelling") {
  const Outcome outcome = parse(command(std::string(40, 'A'), kTwo, "refs/heads/a", kCaps) + "0000PACK");
  REQUIRE(is_complete(outcome));
  CHECK(outcome.parser.request().commands[0].old_id.hex() == std::string(40, 'a'));
}

TEST_CASE("what git would read differently - ids of another object format") {
  const std::string long_id(64, '1');
  CHECK(is_error(command(long_id, std::string(64, '2'), "refs/heads/a", kCaps) + "0000PACK"));
  CHECK(is_error(command(kOne, kTwo, "refs/heads/a", kCaps + " object-format=sha256") + "0000PACK"));
  CHECK(is_complete(
      parse(command(long_id, std::string(64, '2'), "refs/heads/a", kCaps + " object-format=sha256") + "0000PACK")));
}

TEST_CASE("what git would read differently - a funny ref name refuses that ref by name") {
  for (const char* ref :
       {"refs/x", "HEAD", "refs/heads/a b", "refs/heads/..", "refs/heads/a.lock", "refs/heads/\xff"}) {
    const Outcome outcome =
        parse(command(kOne, kTwo, "refs/heads/good", kCaps) + command(kOne, kTwo, ref) + "0000PACK");
    REQUIRE(outcome.state.has_value());
    CHECK(*outcome.state == PushHeadParser::State::refused);
    REQUIRE(outcome.parser.refusals().size() == 2);
    CHECK(outcome.parser.refusals()[0].empty());
    CHECK(outcome.parser.refusals()[1].find("funny refname") == 0);
  }
  CHECK(is_error(command(kOne, kTwo, "refs/heads/a\nb", kCaps) + "0000PACK"));
  CHECK(is_error(command(kOne, kTwo, "refs/heads/a\x1b[1m", kCaps) + "0000PACK"));
}

TEST_CASE("what git would read differently - two refs that differ in case are two refs") {
  const Outcome outcome =
      parse(command(kOne, kTwo, "refs/heads/main", kCaps) + command(kOne, kTwo, "refs/heads/MAIN") + "0000PACK");
  REQUIRE(is_complete(outcome));
  CHECK(outcome.parser.request().commands[1].ref == "refs/heads/MAIN");
}

TEST_CASE("what git would read differently - the same ref twice is refused") {
  const Outcome outcome =
      parse(command(kOne, kTwo, "refs/heads/a", kCaps) + command(kOne, kZero, "refs/heads/a") + "0000PACK");
  REQUIRE(outcome.state.has_value());
  CHECK(*outcome.state == PushHeadParser::State::refused);
  CHECK(outcome.parser.refusals()[0].empty());
  CHECK_FALSE(outcome.parser.refusals()[1].empty());
}

TEST_CASE("what git would read differently - a command from zero to zero is refused") {
  const Outcome outcome = parse(command(kZero, kZero, "refs/heads/a", kCaps) + "0000");
  REQUIRE(outcome.state.has_value());
  CHECK(*outcome.state == PushHeadParser::State::refused);
}

TEST_CASE("what git would read differently - a push certificate is refused") {
  const std::string line = std::string("push-cert\0", 10) + " report-status";
  const std::string said = "push request: signed pushes (push-cert) are not taken; push without --signed";
  CHECK(error_of(frame(line) + frame("certificate version 0.1\n") + "0000") == said);
  CHECK(error_of(command(kOne, kTwo, "refs/heads/a", kCaps) + frame("push-cert") + "0000") == said);
}

TEST_CASE("what git would read differently - a missing pack and bytes after a deletion") {
  PackGuard guard(true);
  CHECK_FALSE(guard.finish().has_value());
  CHECK(guard.feed("PA").has_value());
  CHECK(guard.feed("CK and more").has_value());
  CHECK(guard.finish().has_value());
  PackGuard other(true);
  CHECK_FALSE(other.feed("0000").has_value());
}

TEST_CASE("push options hold no NUL and no line end") {
  const std::string head = command(kOne, kTwo, "refs/heads/a", kCaps + " push-options") + "0000";
  CHECK(is_error(head + frame(std::string("a\0b", 3)) + "0000PACK"));
  CHECK(is_error(head + frame("a\nb") + "0000PACK"));
  CHECK(is_error(head + frame("") + "0000PACK"));
  CHECK(is_error(head + "0001PACK"));
}

TEST_CASE("push options larger than their limit are refused with the limit") {
  const std::string head = command(kOne, kTwo, "refs/heads/a", kCaps + " push-options") + "0000";
  PushHeadLimits limits;
  limits.option_bytes = 10;
  CHECK(error_of(head + frame("12345") + frame("67890") + "0000", limits) == "no error");
  CHECK(error_of(head + frame("12345") + frame("67890") + frame("1") + "0000", limits) ==
        "push request: the push options exceed 10 bytes");
}

TEST_CASE("capabilities that nobody here knows are not sent on") {
  const Outcome outcome = parse(command(kOne, kTwo, "refs/heads/a", kCaps + " push-magic=1 ofs-delta") + "0000PACK");
  REQUIRE(is_complete(outcome));
  const std::string head = write_push_head(outcome.parser.request(), {});
  CHECK(head.find("push-magic") == std::string::npos);
  CHECK(head.find("agent=git/2.39.5") != std::string::npos);
}

TEST_CASE("a command list larger than its limits is refused with the limit") {
  std::string body = command(kOne, kTwo, "refs/heads/a", kCaps);
  for (int i = 0; i < 10; ++i) body += command(kOne, kTwo, "refs/heads/a" + std::to_string(i));
  body += "0000PACK";
  const Outcome commands = parse(body, 1 << 20, {.commands = 5});
  REQUIRE_FALSE(commands.state.has_value());
  CHECK(commands.state.error().code == ErrorCode::limit);
  const Outcome bytes = parse(body, 1 << 20, {.head_bytes = 200});
  REQUIRE_FALSE(bytes.state.has_value());
  CHECK(bytes.state.error().code == ErrorCode::limit);
}

TEST_CASE("half a command is no command") {
  CHECK(is_error(frame(kOne + " " + kTwo) + "0000"));
  CHECK(is_error(frame(kOne) + "0000"));
  CHECK(is_error(frame("") + "0000"));
  CHECK(is_error(frame(kOne + " " + kTwo + " ") + "0000"));
  CHECK(is_error("PACK"));
}
