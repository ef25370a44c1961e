#include "hooks/policy/document.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "hooks/policy/check.h"

using namespace postern::policy;

namespace {

// prefix0suffix prefix1suffix …
std::string numbered(const std::string& prefix, const std::string& suffix, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += prefix + std::to_string(i) + suffix;
  return out;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// The only expression of a document, as written.
std::string expression_of(const std::string& text) {
  const PolicyDocument d = PolicyDocument::parse(text);
  if (d.expressions().size() != 1) return "not one expression";
  return std::string(d.text(d.expressions()[0].range));
}

std::string in_attribute(const std::string& expression) {
  return "<policies><inbound><set-variable name=\"a\" value=\"" + expression + "\" /></inbound></policies>";
}
std::string in_text(const std::string& expression) {
  return "<policies><inbound><set-body>" + expression + "</set-body></inbound></policies>";
}

std::vector<std::string> rules_of(const std::string& text) {
  std::vector<std::string> rules;
  for (const Finding& f : check_policy("p.xml", text, {})) rules.push_back(f.rule);
  return rules;
}

}  // namespace

TEST_CASE("Expressions in raw form end where C sharp ends them") {
  const char* const kExpressions[] = {
      R"~(@(context.Request.Url.Path))~",
      R"~(@("a)b"))~",
      R"~(@("a\")b" + "</set-body>"))~",
      R"~(@(@"a""b)" + "c"))~",
      R"~(@($"a{context.Api.Id}b"))~",
      R"~(@($"{(context.Api.Id == "x" ? "(" : ")")}"))~",
      R"~(@($@"{context.Api.Id:yyyy})"" "))~",
      R"~(@($"{{)}}"))~",
      R"~(@(')'.ToString()))~",
      R"~(@('\''.ToString() + '"'))~",
      R"~(@(context.Variables.GetValueOrDefault<JObject>("x").Value<string>("y")))~",
      R"~(@(a < b && c > d || (e << 2) > 1))~",
      R"~(@(x /* ) */ + 1))~",
      R"~(@{ return "}"; })~",
      R"~(@{ // don't stop at } here
         return 1; })~",
      R"~(@{ var s = @"two
lines with ) and }"; return s; })~",
      R"~(@(&quot;a)&quot; + &quot;b&quot;))~",
      R"~(@(1 &lt; 2 &amp;&amp; 3 &gt; 2))~",
      R"~(@({{named-value}}))~",
      R"~(@("{{named-value}}" + ')'))~",
      R"~(@(""))~",
      R"~(@(x == "" ? "" : ""))~",
  };
  for (const std::string expression : kExpressions) {
    CAPTURE(expression);
    CHECK(expression_of(in_attribute(expression)) == expression);
    CHECK(expression_of(in_text(expression)) == expression);
    CHECK(expression_of(in_text("\n   " + expression + "\n  ")) == expression);
    // In CDATA an entity is its own letters.
    if (expression.find("&quot;") != std::string::npos) continue;
    CHECK(expression_of("<policies><inbound><set-body><![CDATA[" + expression +
                        "]]></set-body></inbound></policies>") == expression);
  }
}

TEST_CASE("An expression may stand in single quotes") {
  CHECK(expression_of("<a b='@(\"x\" + 1)' c='2' />") == "@(\"x\" + 1)");
}

TEST_CASE("A character literal in a single quoted value does not end it") {
  for (const std::string expression :
       {R"(@(context.Request.Url.Path.Split('/')[1]))",
        R"(@{ var c = '"'; return c + '\'' + "it's" + '<' + '\u0041'; })", R"(@("x".Split('{{separator}}').Length))"}) {
    CAPTURE(expression);
    CHECK(expression_of("<a b='" + expression + "' c='2' />") == expression);
  }
  // An expression that never ends still ends with its value.
  const PolicyDocument d = PolicyDocument::parse("<a b='@(f(1' c='2' />");
  REQUIRE(d.faults().size() == 1);
  CHECK(d.faults()[0].rule == "expression-balance");
  CHECK(d.attributes(d.node(d.root())).size() == 2);
}

TEST_CASE("The strict form ends the lines of comments and directives with references") {
  for (const std::string expression : {R"(@{&#xD;&#xA; // don't say &quot;( here&#xD;&#xA; return 1;&#xD;&#xA;})",
                                       R"(@{&#10;#region don't (&#10; return 1;&#10;#endregion it's&#10;})",
                                       "@{\n  #region don't (\n  return 'x';\n  #endregion it's\n}"}) {
    CAPTURE(expression);
    CHECK(expression_of(in_attribute(expression)) == expression);
    CHECK(expression_of(in_text(expression)) == expression);
    CHECK(rules_of(in_attribute(expression)).empty());
  }
}

TEST_CASE("References to white space are white space") {
  CHECK(
      rules_of("<policies>&#xD;\n<inbound>&#13;&#10;&#9;&#x20;<base />&#xD;\n"
               "<set-header name=\"a\" exists-action=\"override\">&#xD;\n<value>&#xD;\n@(context.Api.Id)&#xD;\n</value>"
               "&#xD;\n</set-header>&#xD;\n<set-variable name=\"b\" value=\"&#xA; @(context.Api.Id)&#xA;\" />"
               "</inbound></policies>")
          .empty());
  CHECK(expression_of("<a b=\"&#xA; @(1)&#xD;\" />") == "@(1)");
  CHECK(rules_of("<policies><inbound>&#x41;<base /></inbound></policies>") ==
        std::vector<std::string>{"unexpected-text"});
}

TEST_CASE("A lone at sign is text") {
  const PolicyDocument d = PolicyDocument::parse("<a b=\"me@example.org\">FROM c WHERE c.id = @param @class</a>");
  CHECK(d.expressions().empty());
  CHECK(d.faults().empty());
}

TEST_CASE("Nothing in a comment is an expression") {
  const PolicyDocument d = PolicyDocument::parse("<policies><!-- value=\"@( --><!--> @{ <--></policies>");
  CHECK(d.expressions().empty());
  CHECK(d.faults().empty());
}

TEST_CASE("A comment before an expression does not hide it") {
  CHECK(expression_of(in_text("<!-- why --> @(1)")) == "@(1)");
}

TEST_CASE("Placeholders are nodes and parts of their own") {
  for (const std::string mark :
       {"{{name}}", "${var.x}", "%{ if a && b < c }", "#{token}#", "__TOKEN__", "{0}", "{#token#}", "$(pipeline)",
        "@@TOKEN@@", "[[token]]", "{% if x %}", "#TOKEN#", "%TOKEN%"}) {
    CAPTURE(mark);
    const std::string text = "<policies><inbound><a b=\"" + mark + "\">" + mark + "</a></inbound></policies>";
    const PolicyDocument d = PolicyDocument::parse(text);
    CHECK(d.faults().empty());
    const Node* a = nullptr;
    for (const Node& node : d.nodes())
      if (node.kind == NodeKind::element && d.name(node) == "a") a = &node;
    REQUIRE(a != nullptr);
    CHECK(d.has_placeholder(d.attributes(*a)[0]));
    REQUIRE(a->first_child != kNoNode);
    CHECK(d.node(a->first_child).kind == NodeKind::placeholder);
    CHECK(d.text(d.node(a->first_child).range) == mark);
  }
}

TEST_CASE("Columns count code points and a tab is one") {
  const std::string text =
      "\xef\xbb\xbf<policies>\r\n\t<!-- \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 --><bad/>\r\n</policies>";
  const PolicyDocument d = PolicyDocument::parse(text);
  const Position p = d.position(static_cast<std::uint32_t>(text.find("bad")));
  CHECK(p.line == 2);
  CHECK(p.column == 15);
  const Position first = d.position(static_cast<std::uint32_t>(text.find("policies")));
  CHECK(first.line == 1);
  CHECK(first.column == 2);
}

TEST_CASE("Every node has its bytes") {
  const std::string text = "<policies><inbound>\n<set-body>@{ return 1; }</set-body><base /></inbound></policies>";
  const PolicyDocument d = PolicyDocument::parse(text);
  std::string seen;
  for (const Node& node : d.nodes())
    if (node.kind == NodeKind::element) seen += std::string(d.text(node.range).substr(0, 9)) + "|";
  CHECK(seen == "<policies|<inbound>|<set-body|<base />|");
  CHECK(d.text(d.node(d.root()).range) == text);
}

TEST_CASE("Decoded code knows where each byte came from") {
  const std::string text = "<a b=\"@(&quot;x&quot; + &#65; + y)\" />";
  const PolicyDocument d = PolicyDocument::parse(text);
  REQUIRE(d.expressions().size() == 1);
  const DecodedText code = d.decoded_code(d.expressions()[0]);
  CHECK(code.text == "\"x\" + A + y");
  CHECK(text[code.source(static_cast<std::uint32_t>(code.text.find('y')))] == 'y');
  CHECK(text.substr(code.source(0), 6) == "&quot;");
  CHECK(text.substr(code.source(2), 6) == "&quot;");
}

TEST_CASE("A quote that is missing behind an expression is one error where the expression ends") {
  const auto findings_of = [](std::string_view tag) {
    const std::string text = "<policies>\n<inbound>\n<base />\n" + std::string(tag) +
                             "\n<set-query-parameter name=\"a\" exists-action=\"skip\"><value>b</value>"
                             "</set-query-parameter>\n</inbound>\n</policies>";
    return check_policy("p.xml", text, {});
  };
  const std::vector<std::string_view> tags = {
      "<set-variable name=\"v\" value=\"@{\nreturn context.Api.Id + \"\";\n} />",
      "<set-variable name=\"v\" value=\"@{\nreturn context.Api.Id + \"\";\n}' />",
      "<set-variable name='v' value='@{\nreturn context.Api.Id + \"\";\n} />",
      "<rate-limit-by-key counter-key=\"@{\nreturn context.Api.Id + \"\";\n} calls=\"5\" renewal-period=\"60\" />",
      "<choose><when condition=\"@{\nreturn context.Api.Id == \"\";\n}>\n<set-method>GET</set-method></when></choose>",
  };
  for (const std::string_view tag : tags) {
    INFO(tag);
    const std::vector<Finding> findings = findings_of(tag);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "xml-syntax");
    CHECK(findings[0].severity == Severity::error);
    CHECK(findings[0].line == 6);
  }
}

TEST_CASE("A quote that is missing before an attribute on the next line is one error on its line") {
  for (const std::string_view text :
       {"<policies><inbound><base />\n<set-header\nname=\"X-A\n  exists-action=\"override\"\n>"
        "<value>a</value></set-header></inbound></policies>",
        "<policies><inbound><base />\n<set-variable\nname=\"a\r\n  "
        "value=\"@(context.Api.Id)\"\n/></inbound></policies>"}) {
    const std::vector<Finding> findings = check_policy("p.xml", text, {});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "xml-syntax");
    CHECK(findings[0].line == 3);
  }
}

TEST_CASE("A named value that lost a brace in a string of code is told and braces of JSON and GraphQL are not") {
  const auto rules = [](std::string_view code) {
    return rules_of("<policies><inbound><base /><set-body>@(" + std::string(code) +
                    ")</set-body></inbound></policies>");
  };
  const std::vector<std::string> told = {"lost-mark"};
  CHECK(rules("\"{{client-id}\"") == told);
  CHECK(rules("\"{client-id}}\"") == told);
  CHECK(rules("\"id={{client-id}&secret={{client-secret}}\"") == told);
  CHECK(rules("@\"C:\\{{folder}\"") == told);
  CHECK(rules("\"{{client-id}}:{{client-secret}}\"").empty());
  CHECK(rules("\"query { me {id}}\"").empty());
  CHECK(rules("\"{\\\"me\\\":{id}}\"").empty());
  CHECK(rules("string.Format(\"{{{0}}} {{\\\"a\\\":{1}}}\", 1, 2)").empty());
  CHECK(rules("Regex.Replace(\"x\", @\"[0-9]{2}}\", \"\")").empty());
  CHECK(rules("$\"{context.Api.Id}}}\"").empty());
}

TEST_CASE("Plain words beside a placeholder are text and marks of other tools are not") {
  const auto rules = [](std::string_view inside) {
    return rules_of("<policies><inbound><base />" + std::string(inside) + "</inbound></policies>");
  };
  const std::vector<std::string> told = {"unexpected-text"};
  CHECK(rules("<set-header name=\"A\" exists-action=\"override\">Bearer {{token}}</set-header>") == told);
  CHECK(rules(" ; {{policies}}") == told);
  CHECK(rules("{{policies}}").empty());
  CHECK(rules("${indent(4, policies)}").empty());
  CHECK(rules("<set-header name=\"A\" exists-action=\"override\">{{value}}</set-header>").empty());
  CHECK(rules("@@PART@@ {{policies}}").empty());
}

TEST_CASE("An address is judged up to its first placeholder") {
  const auto rules = [](std::string_view url) {
    return rules_of("<policies><inbound><base /><set-backend-service base-url=\"" + std::string(url) +
                    "\" /></inbound></policies>");
  };
  const std::vector<std::string> told = {"value-form"};
  CHECK(rules("login.a.example/{{tenant}}") == told);
  CHECK(rules("https:// {{host}}/a") == told);
  CHECK(rules("htps://{{host}}/a") == told);
  CHECK(rules("https://{{host}}/a").empty());
  CHECK(rules("{{host}}/a").empty());
  CHECK(rules("http${s}://a.example").empty());
  CHECK(rules("{{scheme}}://a.example").empty());
}

TEST_CASE("A condition that is a string or number is a warning and one of unknown type is not") {
  const auto findings = [](std::string_view condition) {
    return check_policy("p.xml",
                        "<policies><inbound><base /><choose><when condition=\"" + std::string(condition) +
                            "\"><set-method>GET</set-method></when></choose></inbound></policies>",
                        {});
  };
  for (const std::string_view bad :
       {"@(\"true\")", "@(context.Response.StatusCode)", "@(context.Request.Headers.GetValueOrDefault(\"a\", \"\"))"}) {
    INFO(bad);
    const std::vector<Finding> found = findings(bad);
    REQUIRE(found.size() == 1);
    CHECK(found[0].rule == "expression-operand");
    CHECK(found[0].severity == Severity::warning);
  }
  for (const std::string_view good :
       {"@(context.Variables[\"a\"])", "@((bool)context.Variables[\"a\"])", "@(bool.Parse(\"true\"))",
        "@(context.User?.Groups.Any(g => g.Name == \"a\") ?? false)",
        "@(context.Variables.GetValueOrDefault(\"a\"))"}) {
    INFO(good);
    CHECK(findings(good).empty());
  }
}

TEST_CASE("An unclosed tag is one finding that names it and where it opened") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n<choose>\n<when "
      "condition=\"@(true)\">\n<set-method>GET</set-method>\n</choose>\n</inbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "unclosed-tag");
  CHECK(findings[0].line == 5);
  CHECK(findings[0].message.find("<when> is never closed") != std::string::npos);
}

TEST_CASE("An empty tag whose slash stands behind it is told where the slash is") {
  const std::vector<Finding> findings = check_policy("p.xml",
                                                     "<policies>\n<inbound>\n<base />\n<set-variable name=\"a\" "
                                                     "value=\"@{\nreturn 1;\n}\" >/\n</inbound>\n</policies>",
                                                     {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "unclosed-tag");
  CHECK(findings[0].line == 6);
}

TEST_CASE("A section without its end tag does not swallow the next one") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n<backend>\n<base />\n</backend>\n<outbound>\n<base "
      "/>\n</outbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "unclosed-tag");
  CHECK(findings[0].line == 2);
}

TEST_CASE("A missing start tag is one finding at its end tag") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n<value>1</value>\n</set-header>\n</inbound>\n<backend>\n<base "
      "/>\n</backend>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "mismatched-tag");
  CHECK(findings[0].line == 5);
}

TEST_CASE("A misspelt start tag is told where it is misspelt") {
  const std::string text =
      "<policies><inbound>\n<set-heder name=\"a\" "
      "exists-action=\"override\">\n<value>1</value>\n</set-header>\n</inbound></policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "unknown-element");
  CHECK(findings[0].line == 2);
  CHECK(findings[0].help == "did you mean <set-header>?");
}

TEST_CASE("A misspelt end tag is told where it is misspelt") {
  const std::string text =
      "<policies><inbound>\n<set-header name=\"a\" "
      "exists-action=\"override\">\n<value>1</value>\n</set-heder>\n</inbound></policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "mismatched-tag");
  CHECK(findings[0].line == 4);
}

TEST_CASE("A forgotten quote is one finding on its line") {
  for (const std::string tag :
       {"<set-header name=\"a exists-action=\"override\">", "<set-header name=\"a\" exists-action=\"override>",
        "<set-header name=a\" exists-action=\"override\">"}) {
    CAPTURE(tag);
    const std::string text =
        "<policies>\n<inbound>\n<base />\n" + tag + "\n<value>1</value>\n</set-header>\n</inbound>\n</policies>";
    const std::vector<Finding> findings = check_policy("p.xml", text, {});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "xml-syntax");
    CHECK(findings[0].line == 4);
  }
}

TEST_CASE("An expression that never closes is one finding and the rest is still judged") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n<set-variable name=\"a\" "
      "value=\"@(context.Request.Headers.GetValueOrDefault(\"a\",\"b\")\" />\n"
      "<set-variable name=\"b\" value=\"@(\"x\")\" />\n<set-heder name=\"c\" />\n</inbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 4);
  CHECK(findings[1].rule == "unknown-element");
  CHECK(findings[1].line == 6);
}

TEST_CASE("A string that never ends is told at the string") {
  const std::string text =
      "<policies>\n<inbound>\n<base />\n<set-body>@{\nvar a = \"abc;\nreturn a;\n}</set-body>\n<set-heder "
      "/>\n</inbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 5);
  CHECK(findings[1].line == 8);
}

TEST_CASE("A bracket without a partner inside an expression is told at the bracket") {
  const std::string text =
      "<policies>\n<inbound>\n<set-body>@{\nvar a = foo(1;\nreturn a;\n}</set-body>\n</inbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 4);
}

TEST_CASE("A bracket too many behind an expression is a finding") {
  const std::string text =
      "<policies>\n<inbound>\n<set-variable name=\"a\" value=\"@(context.Api.Id))\" />\n</inbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 3);
}

TEST_CASE("A file that was cut off is one finding") {
  CHECK(rules_of("<policies>\n<inbound>\n<base />\n<choose>\n<when condition=\"@(true)\">\n") ==
        std::vector<std::string>{"unclosed-tag"});
}

TEST_CASE("A doctype with entities is refused and one without is a warning") {
  const auto with = check_policy("p.xml", "<!DOCTYPE p [<!ENTITY a \"b\">]><policies />", {});
  REQUIRE(with.size() == 1);
  CHECK(with[0].rule == "doctype");
  CHECK(with[0].severity == Severity::error);
  const auto without = check_policy("p.xml", "<!DOCTYPE policies><policies />", {});
  REQUIRE(without.size() == 1);
  CHECK(without[0].severity == Severity::warning);
}

TEST_CASE("Bytes that are no text are one clear finding") {
  CHECK(rules_of(std::string("<policies><inbound>\0\0<base /></inbound></policies>", 50)) ==
        std::vector<std::string>{"xml-syntax"});
  CHECK(rules_of("<policies><!-- caf\xe9 --><inbound><base /></inbound></policies>") ==
        std::vector<std::string>{"encoding"});
  CHECK(rules_of("") == std::vector<std::string>{"document-root"});
  CHECK(rules_of("\xef\xbb\xbf<policies />").empty());
}

TEST_CASE("Hostile documents are answered in bounded time") {
  const std::string kHostile[] = {
      std::string(1 << 20, '<'),
      repeat("<a>", 100000),
      repeat("<a>", 100000) + repeat("</a>", 100000),
      repeat("<a>@(", 200000),
      repeat("<a b=\"@(x\">", 100000),
      repeat("<a b=\"", 100000),
      repeat("<a b=\"@(\" c='@{' />", 50000),
      "<policies><inbound>" + repeat("</b>", 250000),
      "<policies>" + repeat("<inbound><base>", 70000) + "</policies>",
      repeat("<!--", 250000),
      "<policies>" + repeat("<![CDATA[@(", 90000),
      "<policies>" + std::string(1 << 20, '&'),
      "<policies><inbound><set-body>" + repeat("{{", 500000),
      "<policies><inbound><set-body>@(" + repeat("$\"{", 300000),
      "<policies>" + std::string(1 << 20, '_'),
      std::string(1 << 20, '\0'),
      "<policies " + repeat("a=\"1\" ", 100000) + "/>",
      "<policies><inbound><set-header " + numbered("a", "=\"@(1)\" ", 60000) + "/></inbound></policies>",
      "<policies><inbound><set-body>" + repeat("<a>{{b}}", 100000),
  };
  for (const std::string& text : kHostile) {
    CAPTURE(text.substr(0, 40));
    const auto started = std::chrono::steady_clock::now();
    const std::vector<Finding> findings = check_policy("p.xml", text, {});
    list_references(text);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    CHECK_FALSE(findings.empty());
    CHECK(findings.size() < 3000);
    // Sanitizers and a busy machine included; what is quadratic takes minutes.
    CHECK(seconds < 30);
  }
}

TEST_CASE("What ARM gives back is the same document in canonical form") {
  const std::string sent =
      "\xef\xbb\xbf<!-- ours -->\r\n<policies>\r\n  <inbound>\r\n    <base />\r\n    <set-variable name='a' "
      "value=\"@(context.Request.Headers[\"x\"].Any(v => v != \"<\"))\" "
      "/>\r\n    <set-body>@{\r\n return \"a & b\";\r\n}</set-body>\r\n  </inbound>\r\n</policies>\r\n";
  const std::string back =
      "<policies>\n\t<inbound>\n\t\t<base></base>\n\t\t<set-variable name=\"a\" "
      "value=\"@(context.Request.Headers[&quot;x&quot;].Any(v =&gt; v != &quot;&lt;&quot;))\" />\n"
      "\t\t<set-body>@{\n return \"a &amp; b\";\n}</set-body>\n\t</inbound>\n</policies>";
  CHECK(canonical(sent) == canonical(back));
  CHECK(canonical(sent) != canonical(back + "<x/>"));
  std::string other = back;
  other.replace(other.find("a &amp; b"), 9, "a &amp; c");
  CHECK(canonical(sent) != canonical(other));
}

TEST_CASE("A policy document is known by its first element") {
  CHECK(looks_like_policy("<policies>"));
  CHECK(looks_like_policy("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- <project> -->\n<fragment/>"));
  CHECK_FALSE(looks_like_policy("<policiesx>"));
  CHECK_FALSE(looks_like_policy("<project><policies/></project>"));
  CHECK_FALSE(looks_like_policy("no markup"));
  CHECK_FALSE(looks_like_policy(""));
  CHECK_FALSE(looks_like_policy("<!-- never ends"));
}

TEST_CASE("An escaped quote between quotes that stand raw is no fault") {
  CHECK(rules_of(in_text(R"~(@{
    string Xml(string s) => s.Replace("<", "&lt;").Replace("\"", "&quot;");
    return Xml("x");
  })~"))
            .empty());
  CHECK(rules_of(in_text(R"~(@(&quot;a&quot; + &quot;b))~")) == std::vector<std::string>{"expression-balance"});
}

TEST_CASE("Tokens of a deployment tool are not judged by type") {
  for (const char* value : {"%calls%", "%CALLS%", "#{calls}#", "__calls__", "{calls}", "$(calls)", "@@calls@@"}) {
    INFO(value);
    CHECK(rules_of("<policies><inbound><base /><rate-limit calls=\"" + std::string(value) +
                   "\" renewal-period=\"60\" /></inbound></policies>")
              .empty());
  }
}

TEST_CASE("A stray byte is a warning and UTF-16 an error") {
  const auto severity = [](const std::string& text) {
    const std::vector<Finding> findings = check_policy("p.xml", text, {});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "encoding");
    return findings[0].severity;
  };
  CHECK(severity("<policies><!-- caf\xe9 --><inbound><base /></inbound></policies>") == Severity::warning);
  CHECK(severity("<policies><!-- a --><inbound><base /><set-method>caf\xe9</set-method></inbound></policies>") ==
        Severity::warning);
  for (const std::string_view mark : {"\xff\xfe", ""}) {
    std::string little(mark);
    for (const char c : std::string_view("<policies>\n<inbound />\n</policies>")) (little += c) += '\0';
    CHECK(severity(little) == Severity::error);
  }
}

TEST_CASE("A tag that lost its first bracket is told beside placeholders too") {
  const std::vector<Finding> findings = check_policy(
      "p.xml", "<policies><inbound><base />rewrite-uri template=\"/{{version}}/a\" />{{more}}</inbound></policies>",
      {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "unexpected-text");
  CHECK(findings[0].help == "is this a tag without its '<'?");
  CHECK(rules_of("<policies><inbound><base />{{more}} {{policies}}</inbound></policies>").empty());
}

TEST_CASE("A policy document whose root is what is missing or hidden is still one") {
  CHECK(looks_like_policy("<inbound><base /></inbound><backend /></policies>"));
  CHECK(looks_like_policy("<!-- a <policies><!-- b --><inbound /></policies>"));
  CHECK_FALSE(looks_like_policy("<inbound><queue /></inbound>"));
  CHECK_FALSE(looks_like_policy("<!-- like <policies> --><project />"));
}

TEST_CASE("A string over two lines of an attribute is a warning at the string and nothing else") {
  const std::vector<Finding> findings =
      check_policy("p.xml", in_attribute("@{\n  return \"a\n b\" + context.Api.Id;\n}"), {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == Severity::warning);
  CHECK(findings[0].line == 2);
  CHECK(rules_of(in_text("@{\n  return \"a\n b\";\n}")) == std::vector<std::string>{"expression-balance"});
}

TEST_CASE("A string without its end in text is told alone though strings before it hold tags") {
  const std::string text =
      "<policies><inbound><set-body>@{\n// </soap:Body> and <a/>\nvar s = \"</soap:Envelope>\" + \"/>\" + \">);\n"
      "return s.IndexOf(\"<soap:Body>\");\n}</set-body></inbound></policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 3);
}

TEST_CASE("A named value that has lost a brace does not reach for the next one") {
  const std::string text =
      "<policies><inbound><send-request mode=\"new\" response-variable-name=\"r\"><set-url>{{url}</set-url>\n"
      "<set-method>POST</set-method><set-body>{{body}}</set-body></send-request></inbound></policies>";
  CHECK(rules_of(text) == std::vector<std::string>{"lost-mark"});
  CHECK(placeholder_length("{{a}</b>\n<c>{{d}}", 0) == 0);
  CHECK(placeholder_length("{{a},\"b\":{{c}}", 0) == 0);
  CHECK(placeholder_length("{{ a\n  | Append: \"x\" }}", 0) == 23);
}

TEST_CASE("A verbatim string that lost its end is told where it begins and swallows nothing") {
  const std::string text =
      "<policies>\n<inbound>\n<set-body>@{\nvar json = @\"{ \"\"a\"\": 1 };\nreturn json;\n}</set-body>\n"
      "<set-variable name=\"a\" value=\"@{\nreturn $@\"{{ \"\"b\"\": \"\"{context.Api.Id}\"\" }};\n}\" />\n"
      "<set-header name=\"c\" exists-action=\"override\"><value>@(\"x\" + \"y\")</value></set-header>\n"
      "</inbound>\n<outbound>\n<set-body>@{ return @\"two\nlines\"; }</set-body>\n</outbound>\n</policies>";
  const std::vector<Finding> findings = check_policy("p.xml", text, {});
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].rule == "expression-balance");
  CHECK(findings[0].line == 4);
  CHECK(findings[0].message == "this string in the expression never ends");
  CHECK(findings[1].rule == "expression-balance");
  CHECK(findings[1].line == 8);
}
