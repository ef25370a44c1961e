// Rule inline-secret: no secret is written into a policy.
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hooks/policy/expression_tokens.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/secrets.h"

namespace postern::policy {
namespace {

constexpr std::string_view kHelp =
    "put it into a secret named value, best one that reads from Key Vault, write {{its-name}} here, and renew it: it "
    "stays in the history";

// Where something was said already, so that one secret is one finding.
class Said {
 public:
  Said(const Subject& s, Reporter& r) : s_(s), r_(r) {}
  // `place` is what names the secret, never the secret: not even its length is told.
  void add(Range place, Range around, std::string_view what) {
    if (said_.size() >= Reporter::kMost) return;
    const bool known = std::any_of(said_.begin(), said_.end(),
                                   [&](const Range& one) { return around.begin < one.end && one.begin < around.end; });
    if (known) return;
    said_.push_back(around);
    r_.add(place, fmt::format("{} is written here in plain text", what), std::string(kHelp));
  }
  const Subject& subject() const { return s_; }

 private:
  const Subject& s_;
  Reporter& r_;
  std::vector<Range> said_;
};

void passwords(Said& said, const ModelElement& e) {
  const Subject& s = said.subject();
  const std::string_view element = s.name(e);
  const auto attribute = [&](std::string_view name, std::string_view what) {
    const Attribute* a = s.document.attribute(s.node(e), name);
    if (a == nullptr || !a->has_value || s.document.is_expression(*a) || s.document.has_placeholder(*a)) return;
    if (is_written_password(s.document.decoded(a->value))) said.add(a->name, a->whole, what);
  };
  if (element == "authentication-basic" || element == "proxy" || element == "authentication-certificate")
    attribute("password", "the password");
  if (element == "authentication-certificate") attribute("body", "the certificate with its private key");
}

// The literal text of an element; empty when it holds anything else.
std::string literal_text(const Subject& s, const ModelElement& e) {
  if (e.first_text == kNoNode || !e.has_literal_text) return {};
  std::string out;
  for (NodeId id = s.node(e).first_child; id != kNoNode; id = s.document.node(id).next) {
    const Node& node = s.document.node(id);
    if (node.kind == NodeKind::comment) continue;
    if (node.kind != NodeKind::text && node.kind != NodeKind::cdata) return {};
    out += node.kind == NodeKind::text ? s.document.decoded(node.range) : std::string(s.document.text(node.content));
  }
  return out;
}

void named(Said& said, const ModelElement& e) {
  const Subject& s = said.subject();
  const std::string_view element = s.name(e);
  const Attribute* name = s.document.attribute(s.node(e), "name");
  if (element == "set-header" || element == "set-query-parameter" || element == "check-header") {
    if (name == nullptr || !names_secret(s.document.value(*name))) return;
    for (std::uint32_t index : s.model.children(e)) {
      const ModelElement& value = s.model[index];
      if (looks_secret(literal_text(s, value)))
        said.add(s.name_range(value), s.node(value).range,
                 fmt::format("the value of '{}'", shown(s.document.value(*name))));
    }
  } else if (element == "set-variable") {
    const Attribute* value = s.document.attribute(s.node(e), "value");
    if (name == nullptr || value == nullptr || s.document.is_expression(*value) || s.document.has_placeholder(*value))
      return;
    if (names_secret(s.document.value(*name)) && looks_secret(s.document.decoded(value->value)))
      said.add(name->value, value->whole, fmt::format("the value of '{}'", shown(s.document.value(*name))));
  } else if (element == "key" || element == "zumo-master-key") {
    // A symmetric key signs as well as it verifies. Those with n and e, or a certificate, are public.
    if (e.parent == kNoElement || s.document.attribute(s.node(e), "n") != nullptr) return;
    const std::string_view list = s.name(s.model[e.parent]);
    if (list != "issuer-signing-keys" && list != "decryption-keys") return;
    std::string text = literal_text(s, e);
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
    if (is_binary_base64(text)) said.add(s.name_range(e), s.node(e).range, "a symmetric key");
  }
}

// String literals of an expression, by what stands in front of them.
void literals(Said& said, const Expression& expression) {
  using csharp::Token;
  using csharp::TokenKind;
  const Subject& s = said.subject();
  if (!expression.complete || !may_hold_secret(s.document.text(expression.code))) return;
  const LexedExpression lexed(s.document, expression);
  const std::vector<Token>& tokens = lexed.tokens();
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    if (tokens[i].kind != TokenKind::string) continue;
    const std::string_view value = lexed.content(tokens[i]);
    if (value.size() < 12) continue;
    const Token& before = tokens[i - 1];
    const Token& subject = tokens[i - 2];
    // key = "…", and ("key", "…") as initializers and JProperty have it; not a == "…".
    const bool assigned = before.kind == TokenKind::punctuation && before.text == "=" &&
                          subject.kind == TokenKind::identifier && names_secret(subject.text);
    const bool paired = before.kind == TokenKind::punctuation && before.text == "," &&
                        subject.kind == TokenKind::string && names_secret(lexed.content(subject));
    bool keyed = before.text == "(" && subject.text == "FromBase64String" && is_binary_base64(value);
    for (std::size_t back = 3; !keyed && before.text == "(" && back < 14 && back <= i; ++back) {
      const Token& token = tokens[i - back];
      if (token.text == ";" || token.text == "{") break;
      if (token.kind == TokenKind::identifier && token.text.starts_with("HMAC") &&
          (subject.text == "GetBytes" || subject.text == "FromBase64String"))
        keyed = is_written_password(value);
    }
    if (!keyed && !((assigned || paired) && looks_secret(value))) continue;
    const Range at = lexed.range(tokens[i]);
    const std::string what = assigned ? fmt::format("the value of '{}'", shown(subject.text))
                             : paired ? fmt::format("the value of '{}'", shown(lexed.content(subject)))
                                      : std::string("a key");
    const Range place = assigned || paired ? lexed.range(subject) : Range{at.begin, at.begin};
    said.add(place, at, what);
  }
}

void check(const Subject& s, Reporter& r) {
  Said said(s, r);
  for (const ModelElement& e : s.model.elements()) {
    if (e.place == Place::payload) continue;
    passwords(said, e);
    named(said, e);
  }
  for (const Expression& expression : s.document.expressions()) literals(said, expression);
  // Comments and payloads are read by everybody who reads the repository, too.
  for (const SecretHit& hit : find_secrets(s.document.text()))
    said.add({hit.begin, hit.end}, {hit.begin, hit.end + 1}, hit.what);
}

}  // namespace

extern const Rule k_inline_secret;
const Rule k_inline_secret = {
    .id = "inline-secret",
    .severity = Severity::warning,
    .summary = "No secret is written into a policy.",
    .why =
        "Whoever may read the repository, a log of a build or a fork of it has what is written here, for ever. Found "
        "are passwords of policies, keys in headers, variables and expressions, connection strings, tokens and private "
        "keys, by name, form and randomness; GUIDs, thumbprints, hashes and placeholders are none. The finding never "
        "shows the secret.",
    .bad =
        "<set-header name=\"x-functions-key\" exists-action=\"override\"><value>(the key itself)</value></set-header>",
    .good =
        "<set-header name=\"x-functions-key\" "
        "exists-action=\"override\"><value>{{orders-function-key}}</value></set-header>",
    .check = check,
    .syntax = false,
    .hides_source = true,
};

}  // namespace postern::policy
