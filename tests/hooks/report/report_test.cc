#include "hooks/report/report.h"

#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"

using namespace postern;
using namespace postern::report;
using policy::Finding;
using policy::Severity;

namespace {

Finding finding() {
  Finding f;
  f.path = "apis/a b/policy.xml";
  f.line = 2;
  f.column = 3;
  f.end_line = 2;
  f.end_column = 6;
  f.rule = "unknown-element";
  f.severity = Severity::error;
  f.message = "there is no policy <bad>";
  f.help = "did you mean <base>?";
  f.fingerprint = "0123456789abcdef0123456789abcdef";
  return f;
}

Summary summary() {
  Summary s;
  s.files = 1;
  s.errors = 1;
  return s;
}

std::optional<std::string> source(const std::string&) { return "<policies>\r\n\t<bad/>\r\n</policies>"; }

}  // namespace

TEST_CASE("Text is a line, the source, a caret and the fix") {
  TextStyle style;
  style.summary = false;
  CHECK(write_text({finding()}, summary(), source, style) ==
        "apis/a b/policy.xml:2:3: error: there is no policy <bad> [unknown-element]\n"
        "\t<bad/>\n"
        "\t ^~~\n"
        "fix: did you mean <base>?\n");
}

TEST_CASE("Text without its source is still a line and the fix") {
  TextStyle style;
  style.summary = false;
  const SourceText none = [](const std::string&) { return std::optional<std::string>(); };
  CHECK(write_text({finding()}, summary(), none, style) ==
        "apis/a b/policy.xml:2:3: error: there is no policy <bad> [unknown-element]\nfix: did you mean <base>?\n");
}

TEST_CASE("The summary counts what was found") {
  TextStyle style;
  style.source = false;
  Summary s = summary();
  s.suppressed = 2;
  s.baselined = 3;
  const std::string text = write_text({}, s, source, style);
  CHECK(text == "1 file: 1 error, 0 warnings, 2 suppressed, 3 in the baseline (0.00 s)\n");
}

TEST_CASE("Colour is written only when asked for") {
  TextStyle style;
  CHECK(write_text({finding()}, summary(), source, style).find('\x1b') == std::string::npos);
  style.color = true;
  CHECK(write_text({finding()}, summary(), source, style).find('\x1b') != std::string::npos);
}

TEST_CASE("A pushed file cannot write control characters to the terminal") {
  Finding f = finding();
  f.path = "a\x1b[2Jb.xml";
  f.message = "bad \x1b]0;x\x07 value";
  const SourceText hostile = [](const std::string&) { return std::optional<std::string>("x\n\x1b[31m<bad/>\n"); };
  const std::string text = write_text({f}, summary(), hostile);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  for (const std::string& line : compact_lines({f})) {
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("A long source line is cut around the place") {
  Finding f = finding();
  f.line = 1;
  f.column = 5000;
  f.end_line = 1;
  f.end_column = 5003;
  const SourceText longer = [](const std::string&) { return std::optional<std::string>(std::string(100000, 'x')); };
  const std::string text = write_text({f}, summary(), longer);
  CHECK(text.size() < 1000);
  CHECK(text.find('^') != std::string::npos);
}

TEST_CASE("Compact lines say how many more there are") {
  const std::vector<Finding> many(25, finding());
  const std::vector<std::string> lines = compact_lines(many, 2);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "apis/a b/policy.xml:2:3: error: there is no policy <bad> [unknown-element]");
  CHECK(lines[1] == "fix: did you mean <base>?");
  CHECK(lines[4].find("23 more") != std::string::npos);
}

TEST_CASE("JSON holds every member of a finding and the summary") {
  const auto root = json::parse(write_json({finding()}, summary()));
  REQUIRE(root);
  CHECK(*root->find_int("version") == 1);
  const json::Value& f = root->find("findings")->as_array()->at(0);
  CHECK(*f.find_string("path") == "apis/a b/policy.xml");
  CHECK(*f.find_int("line") == 2);
  CHECK(*f.find_int("column") == 3);
  CHECK(*f.find_int("end_line") == 2);
  CHECK(*f.find_int("end_column") == 6);
  CHECK(*f.find_string("rule") == "unknown-element");
  CHECK(*f.find_string("severity") == "error");
  CHECK(*f.find_string("message") == "there is no policy <bad>");
  CHECK(*f.find_string("help") == "did you mean <base>?");
  CHECK(*f.find_string("fingerprint") == "0123456789abcdef0123456789abcdef");
  for (const char* name : {"files", "errors", "warnings", "suppressed", "baselined"})
    CHECK(root->find("summary")->find_int(name) != nullptr);
  CHECK(root->find("summary")->find("seconds") != nullptr);
}

TEST_CASE("SARIF carries rules fingerprints and exclusive regions in code points") {
  const policy::Rule rule{.id = "unknown-element",
                          .severity = Severity::error,
                          .summary = "Known elements.",
                          .why = "Because.",
                          .bad = {},
                          .good = {}};
  const std::vector<const policy::Rule*> all{&rule};
  const auto root = json::parse(write_sarif({finding()}, all));
  REQUIRE(root);
  CHECK(*root->find_string("version") == "2.1.0");
  const json::Value& run = root->find("runs")->as_array()->at(0);
  CHECK(*run.find_string("columnKind") == "unicodeCodePoints");
  const json::Value& driver = *run.find("tool")->find("driver");
  CHECK(*driver.find("rules")->as_array()->at(0).find_string("id") == "unknown-element");
  const json::Value& result = run.find("results")->as_array()->at(0);
  CHECK(*result.find_string("ruleId") == "unknown-element");
  CHECK(*result.find_int("ruleIndex") == 0);
  CHECK(*result.find_string("level") == "error");
  const json::Value& location = *result.find("locations")->as_array()->at(0).find("physicalLocation");
  CHECK(*location.find("artifactLocation")->find_string("uri") == "apis/a%20b/policy.xml");
  CHECK(*location.find("artifactLocation")->find_string("uriBaseId") == "%SRCROOT%");
  CHECK(*location.find("region")->find_int("startColumn") == 3);
  CHECK(*location.find("region")->find_int("endColumn") == 6);
  CHECK(*result.find("partialFingerprints")->find_string("postern/v1") == finding().fingerprint);
  CHECK(*result.find("partialFingerprints")->find_string("primaryLocationLineHash") == finding().fingerprint);
}

TEST_CASE("SARIF lists every rule with its help and examples even without findings") {
  const policy::Rule a{"a", Severity::error, "One.", "Because.", "<bad/>", "<good/>"};
  const policy::Rule b{"b", Severity::warning, "Two.", "", "", ""};
  const std::vector<const policy::Rule*> all{&a, &b};
  const auto root = json::parse(write_sarif({}, all));
  REQUIRE(root);
  const json::Value& run = root->find("runs")->as_array()->at(0);
  CHECK(run.find("results")->as_array()->empty());
  const json::Array& rules = *run.find("tool")->find("driver")->find("rules")->as_array();
  REQUIRE(rules.size() == 2);
  CHECK(*rules[0].find("help")->find_string("text") == "One. Because.");
  CHECK(rules[0].find("help")->find_string("markdown")->find("````xml\n<bad/>\n````") != std::string::npos);
  CHECK(rules[0].find_string("helpUri")->starts_with("https://"));
  CHECK(*rules[1].find("defaultConfiguration")->find_string("level") == "warning");
  CHECK(*rules[1].find("fullDescription")->find_string("text") == "Two.");
}

TEST_CASE("SARIF names an absolute path by a file URI and a dotted one without the dot") {
  Finding absolute = finding();
  absolute.path = "/srv/a.xml";
  Finding dotted = finding();
  dotted.path = "./a.xml";
  const auto root = json::parse(write_sarif({absolute, dotted}, {}));
  REQUIRE(root);
  const json::Array& results = *root->find("runs")->as_array()->at(0).find("results")->as_array();
  auto artifact = [&](std::size_t i) {
    return *results.at(i).find("locations")->as_array()->at(0).find("physicalLocation")->find("artifactLocation");
  };
  CHECK(*artifact(0).find_string("uri") == "file:///srv/a.xml");
  CHECK(artifact(0).find("uriBaseId") == nullptr);
  CHECK(*artifact(1).find_string("uri") == "a.xml");
}

TEST_CASE("A file name that is no UTF-8 makes no broken JSON") {
  Finding f = finding();
  f.path = "a\xff.xml";
  for (const std::string& text : {write_json({f}, summary()), write_sarif({f}, {}), write_gitlab({f})}) {
    CHECK(json::parse(text));
    CHECK(is_utf8(text));
  }
}

TEST_CASE("JUnit has a case per file and escapes what it holds") {
  Summary s = summary();
  const std::string text = write_junit({finding()}, {"apis/a b/policy.xml", "ok.xml"}, s);
  CHECK(text.find("tests=\"2\" failures=\"1\"") != std::string::npos);
  CHECK(text.find("name=\"ok.xml\" file=\"ok.xml\" time=\"0\" />") != std::string::npos);
  CHECK(text.find("&lt;bad&gt;") != std::string::npos);
  CHECK(text.find("<bad>") == std::string::npos);
}

TEST_CASE("JUnit fails a file from the severity that the exit code counts") {
  Finding mild = finding();
  mild.severity = Severity::warning;
  const std::string passed = write_junit({mild}, {}, summary());
  CHECK(passed.find("failures=\"0\"") != std::string::npos);
  CHECK(passed.find("<failure") == std::string::npos);
  CHECK(passed.find("<system-out>apis/a b/policy.xml:2:3: warning:") != std::string::npos);
  const std::string failed = write_junit({mild}, {}, summary(), Severity::warning);
  CHECK(failed.find("failures=\"1\"") != std::string::npos);
  CHECK(failed.find("<system-out") == std::string::npos);
}

TEST_CASE("JUnit holds no character that XML has not") {
  Finding f = finding();
  f.message = "a\x01\xff\xef\xbf\xbf]]>&\"b";
  const std::string text = write_junit({f}, {}, summary());
  CHECK(text.find("message=\"a\\x01\\xff?]]&gt;&amp;&quot;b\"") != std::string::npos);
}

TEST_CASE("GitHub annotations escape the characters that end them") {
  Finding f = finding();
  f.path = "a,b:c.xml";
  f.message = "100% bad\nreally";
  f.help.clear();
  CHECK(write_github({f}) ==
        "::error file=a%2Cb%3Ac.xml,line=2,col=3,endLine=2,endColumn=6,title=unknown-element::100%25 bad%0Areally\n");
}

TEST_CASE("GitLab issues have fingerprint severity and lines") {
  const auto root = json::parse(write_gitlab({finding()}));
  REQUIRE(root);
  const json::Value& issue = root->as_array()->at(0);
  CHECK(*issue.find_string("fingerprint") == finding().fingerprint);
  CHECK(*issue.find_string("check_name") == "unknown-element");
  CHECK(*issue.find("location")->find("lines")->find_int("begin") == 2);
}

TEST_CASE("GitLab sees two findings of one fingerprint as two issues") {
  const auto root = json::parse(write_gitlab({finding(), finding()}));
  REQUIRE(root);
  CHECK(*root->as_array()->at(0).find_string("fingerprint") != *root->as_array()->at(1).find_string("fingerprint"));
}

TEST_CASE("the line of a secret is shown by no finding") {
  Finding secret;
  secret.path = "a.xml";
  secret.line = 2;
  secret.column = 3;
  secret.rule = "inline-secret";
  secret.message = "the password is written here in plain text";
  secret.hides_source = true;
  Finding other = secret;
  other.rule = "bad-value";
  other.message = "no value";
  other.hides_source = false;
  Finding next = other;
  next.line = 3;
  const auto source = [](const std::string&) { return std::optional<std::string>("one\n  hunter2\nthree\n"); };
  const std::string text = report::write_text({secret, other, next}, {}, source);
  CHECK(text.find("hunter2") == std::string::npos);
  CHECK(text.find("three") != std::string::npos);
}
