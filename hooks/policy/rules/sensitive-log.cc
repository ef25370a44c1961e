// Rule sensitive-log: logs hold neither bodies nor credentials.
#include <fmt/core.h>

#include <string>

#include "hooks/policy/expression_tokens.h"
#include "hooks/policy/rule.h"
#include "hooks/policy/secrets.h"

namespace postern::policy {
namespace {

using csharp::Token;
using csharp::TokenKind;

bool is_message(const Subject& s, NodeId element) {
  for (NodeId id = element; id != kNoNode; id = s.document.node(id).parent) {
    const std::string_view name = s.document.name(s.document.node(id));
    if (name == "trace" || name == "log-to-eventhub") return true;
    if (name != "message" && name != "metadata") return false;
  }
  return false;
}

// Whether a value that ends before `next` is asked for one of its fields, not written as it is.
bool picks_a_field(const std::vector<Token>& tokens, std::size_t next) {
  if (next + 1 >= tokens.size()) return false;
  if (is(tokens[next], "[") || is(tokens[next], "?[")) return true;
  return (is(tokens[next], ".") || is(tokens[next], "?.")) && !is(tokens[next + 1], "ToString");
}

// Whether every use of the local, from `first` on, picks a field or asks for null.
bool is_used_by_field(const std::vector<Token>& tokens, std::size_t first, std::string_view local) {
  for (std::size_t i = first; i + 1 < tokens.size(); ++i) {
    if (tokens[i].kind == TokenKind::interpolated &&
        tokens[i].text.find("{" + std::string(local) + "}") != std::string_view::npos)
      return false;
    if (!is(tokens[i], local) || is(tokens[i - 1], ".") || is(tokens[i - 1], "?.")) continue;
    if (!picks_a_field(tokens, i + 1) && !is(tokens[i + 1], "==") && !is(tokens[i + 1], "!=")) return false;
  }
  return true;
}

// Body.As<JObject>(…) of which fields alone are used: the count of tokens, a model's name. `body` is the token Body.
bool reads_fields(const std::vector<Token>& tokens, std::size_t body) {
  std::size_t at = body + 3;  // behind As
  if (at + 1 >= tokens.size() || !is(tokens[at], "<") || !tokens[at + 1].text.starts_with('J')) return false;
  while (at < tokens.size() && !is(tokens[at], "(")) ++at;
  int depth = 0;
  for (; at < tokens.size(); ++at) {
    if (is(tokens[at], "(")) ++depth;
    if (is(tokens[at], ")") && --depth == 0) break;
  }
  ++at;
  if (picks_a_field(tokens, at)) return true;
  // local = context.Response.Body.As<JObject>(…);
  const bool is_kept = body >= 6 && is(tokens[body - 4], "context") && is(tokens[body - 5], "=") &&
                       tokens[body - 6].kind == TokenKind::identifier && at < tokens.size() && is(tokens[at], ";");
  return is_kept && is_used_by_field(tokens, at, tokens[body - 6].text);
}

void check(const Subject& s, Reporter& r) {
  for (const Expression& expression : s.document.expressions()) {
    if (!expression.complete || expression.element == kNoNode || !is_message(s, expression.element)) continue;
    const LexedExpression lexed(s.document, expression);
    const std::vector<Token>& tokens = lexed.tokens();
    for (std::size_t i = 2; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      const bool member = is(tokens[i - 1], ".") || is(tokens[i - 1], "?.");
      // Body.As<…>() reads it; a comparison with null does not.
      if (member && is(token, "Body") && i + 2 < tokens.size() && (is(tokens[i + 1], ".") || is(tokens[i + 1], "?.")) &&
          tokens[i + 2].text.starts_with("As") && (is(tokens[i - 2], "Request") || is(tokens[i - 2], "Response"))) {
        if (reads_fields(tokens, i)) continue;
        r.add(lexed.range(token), "a whole body goes into the log, with whatever callers and backends put into it",
              "log what identifies the call, such as context.RequestId, and fields that are known to be harmless");
        break;
      }
      if (token.kind == TokenKind::string &&
          (is(tokens[i - 1], "[") || is(tokens[i - 1], "(") || is(tokens[i - 1], "?[")) &&
          is_secret_header(lexed.content(token))) {
        const bool of_headers = is(tokens[i - 2], "Headers") ||
                                (i >= 4 && is(tokens[i - 2], "GetValueOrDefault") && is(tokens[i - 4], "Headers"));
        if (!of_headers) continue;
        r.add(lexed.range(token), fmt::format("the header '{}' goes into the log", shown(lexed.content(token))),
              "log that it was there, not what it was");
        break;
      }
      if (member && is(tokens[i - 2], "Subscription") &&
          (is(token, "Key") || is(token, "PrimaryKey") || is(token, "SecondaryKey"))) {
        r.add(lexed.range(token), "the key of the caller's subscription goes into the log",
              "log context.Subscription.Id");
        break;
      }
    }
  }
}

}  // namespace

extern const Rule k_sensitive_log;
const Rule k_sensitive_log = {
    .id = "sensitive-log",
    .severity = Severity::warning,
    .summary = "Logs hold neither bodies nor credentials.",
    .why =
        "What trace and log-to-eventhub write is read by more people, and kept longer, than the calls themselves: "
        "tokens in it can be used again, and bodies hold personal data.",
    .bad =
        "<log-to-eventhub "
        "logger-id=\"audit\">@(context.Request.Headers.GetValueOrDefault(\"Authorization\",\"\"))</log-to-eventhub>",
    .good =
        "<log-to-eventhub logger-id=\"audit\">@(context.RequestId + \" \" + "
        "context.Response.StatusCode)</log-to-eventhub>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
