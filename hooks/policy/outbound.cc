#include "hooks/policy/outbound.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "hooks/policy/expression_tokens.h"

namespace postern::policy {
namespace {

using csharp::Token;
using csharp::TokenKind;

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// The length of the {{name}} that starts at `at`, 0 when none does.
std::size_t named_value_at(std::string_view text, std::size_t at) {
  if (!text.substr(at).starts_with("{{")) return 0;
  std::size_t end = at + 2;
  while (end < text.size() && end - at < 260 && is_name_char(text[end])) ++end;
  return end > at + 2 && text.substr(end).starts_with("}}") ? end + 2 - at : 0;
}

// What a string literal begins with; `open` when it is not the whole. An escape ends what is known.
void literal(std::string_view code, const Token& token, Address& out) {
  std::string_view text = code.substr(token.begin, token.end - token.begin);
  while (text.starts_with('$') || text.starts_with('@')) text.remove_prefix(1);
  out.open = true;
  if (text.starts_with("\"\"\"") || !text.starts_with('"') || text.size() < 2) return;
  text = text.substr(1, text.size() - 2);
  std::size_t end = text.size();
  if (token.kind == TokenKind::interpolated && !token.holes.empty()) {
    end = std::min(end, token.holes[0].begin - static_cast<std::size_t>(text.data() - code.data()));
    while (end > 0 && (end == text.size() || text[end] != '{')) --end;  // the brace of the hole
  }
  const std::size_t escape = text.find('\\');
  out.known = text.substr(0, std::min(end, escape));
  out.open = end < text.size() || escape != std::string_view::npos;
}

// The constant beginning of `literal`, `literal + …` and string.Format(literal, …).
void constant_beginning(std::string_view code, Address& out) {
  out.open = true;
  const csharp::Lexed lexed = csharp::lex(code, 0, static_cast<std::uint32_t>(code.size()));
  if (lexed.fault) return;
  const std::vector<Token>& tokens = lexed.tokens;
  std::size_t first = 0;
  bool call = false;
  if (tokens.size() > 5 && (is(tokens[0], "string") || is(tokens[0], "String")) && is(tokens[1], ".") &&
      (is(tokens[2], "Format") || is(tokens[2], "Concat")) && is(tokens[3], "(")) {
    first = 4;
    call = true;
  }
  const Token& start = tokens[first];
  if (start.kind != TokenKind::string && start.kind != TokenKind::interpolated) return;
  int depth = call ? 1 : 0;
  for (std::size_t i = first + 1; i + 1 < tokens.size(); ++i) {
    const Token& token = tokens[i];
    // What follows must add to the literal: "a".Replace(…), "a" == b ? … : … and the like compute something else.
    if (i == first + 1 && !is(token, "+") && !(call && (is(token, ",") || is(token, ")")))) return;
    if (is(token, "(") || is(token, "[") || is(token, "{") || is(token, "?[")) ++depth;
    if (is(token, ")") || is(token, "]") || is(token, "}")) --depth;
    if (call && depth == 0 && i + 2 < tokens.size()) return;
    if (depth == (call ? 1 : 0) && is(token, "?")) return;
  }
  literal(code, start, out);
  if (tokens.size() > first + 2) out.open = true;
  if (call && is(tokens[2], "Format")) {
    // A format's own hole.
    for (std::size_t brace = out.known.find('{'); brace != std::string::npos;) {
      const std::size_t length = named_value_at(out.known, brace);
      if (length == 0) {
        out.known.resize(brace);
        break;
      }
      brace = out.known.find('{', brace + length);
    }
  }
}

class Lister {
 public:
  Lister(const PolicyDocument& document, const Model& model) : d_(document), m_(model) {}

  std::vector<Address> list() {
    for (const ModelElement& e : m_.elements()) {
      if (e.place == Place::payload || e.place == Place::unknown || e.spec == nullptr) continue;
      const Node& node = d_.node(e.node);
      const std::string_view name = d_.name(node);
      if (name == "set-backend-service")
        attribute(node, "base-url");
      else if (name == "proxy" || name == "openid-config" || name == "invoke-request")
        attribute(node, "url");
      else if (name == "set-url")
        text(node);
    }
    return std::move(out_);
  }

 private:
  void expression(std::uint32_t index, Address& out) {
    const Expression& expression = d_.expressions()[index];
    out.open = true;
    if (expression.block || !expression.complete) return;
    const DecodedText code = d_.decoded_code(expression);
    constant_beginning(code.text, out);
  }

  void attribute(const Node& node, std::string_view name) {
    const Attribute* a = d_.attribute(node, name);
    if (a == nullptr || !a->has_value) return;
    Address out;
    out.range = a->value;
    out.where = fmt::format("{} of <{}>", name, d_.name(node));
    if (d_.is_expression(*a)) {
      for (const Part& part : d_.parts(*a))
        if (part.kind == NodeKind::expression) expression(part.expression, out);
    } else {
      out.known = trim(d_.decoded(a->value));
    }
    out_.push_back(std::move(out));
  }

  void text(const Node& node) {
    Address out;
    out.where = "<set-url>";
    bool any = false;
    for (NodeId id = node.first_child; id != kNoNode; id = d_.node(id).next) {
      const Node& child = d_.node(id);
      if (child.kind == NodeKind::comment || child.kind == NodeKind::element) continue;
      const Range inside = child.kind == NodeKind::cdata ? child.content : child.range;
      if (trim(d_.text(inside)).empty()) continue;
      if (!any) out.range = inside;
      out.range.end = inside.end;
      any = true;
      if (child.kind == NodeKind::expression) {
        out.known.clear();
        expression(child.expression, out);
        break;
      }
      if (child.kind == NodeKind::cdata && child.next != kNoNode && d_.node(child.next).kind == NodeKind::expression)
        continue;
      out.known += child.kind == NodeKind::cdata ? std::string(d_.text(inside)) : d_.decoded(inside);
    }
    if (!any) return;
    out.known = trim(out.known);
    out_.push_back(std::move(out));
  }

  const PolicyDocument& d_;
  const Model& m_;
  std::vector<Address> out_;
};

}  // namespace

std::vector<Address> list_addresses(const PolicyDocument& document, const Model& model) {
  return Lister(document, model).list();
}

HostReading host_of(std::string_view known, bool open) {
  HostReading out;
  if (known.empty()) {
    out.unknown = open ? Unknown::computed : Unknown::no_address;
    return out;
  }
  const std::size_t scheme_end = known.find("://");
  const std::size_t authority = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  std::size_t end = authority;
  bool named = false;
  bool computed = false;
  // A placeholder in front of the end of the authority may bring anything, an end of its own as well.
  for (std::size_t at = 0; at < known.size();) {
    if (at >= authority && (known[at] == '/' || known[at] == '\\' || known[at] == '?' || known[at] == '#') &&
        scheme_end != std::string_view::npos) {
      end = at;
      break;
    }
    if (const std::size_t length = named_value_at(known, at); length > 0) {
      named = true;
      at += length;
    } else if (const std::uint32_t other = placeholder_length(known, static_cast<std::uint32_t>(at)); other > 0) {
      computed = true;
      at += other;
    } else {
      ++at;
    }
    end = at;
  }
  if (named || computed) {
    out.unknown = computed ? Unknown::computed : Unknown::named_value;
    return out;
  }
  if (scheme_end == std::string_view::npos) {
    out.unknown = open || known.starts_with('@') ? Unknown::computed : Unknown::no_address;
    return out;
  }
  if (end == known.size() && open) {
    out.unknown = Unknown::computed;
    return out;
  }
  std::string host = ascii_lower(known.substr(authority, end - authority));
  if (const std::size_t user = host.rfind('@'); user != std::string::npos) host.erase(0, user + 1);
  const std::size_t bracket = host.rfind(']');
  if (const std::size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
      colon != std::string::npos) {
    out.host.port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (out.host.port.empty()) {
    const std::string scheme = ascii_lower(known.substr(0, scheme_end));
    out.host.port = scheme == "http" || scheme == "ws" ? "80" : scheme == "https" || scheme == "wss" ? "443" : "";
  }
  if (host.ends_with('.')) host.pop_back();
  const bool odd = std::any_of(host.begin(), host.end(),
                               [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '%' || c == 0x7f; });
  if (host.empty() || odd) {
    out.unknown = Unknown::no_address;
    return out;
  }
  out.host.name = std::move(host);
  return out;
}

bool is_allowed(const std::vector<HostPattern>& hosts, const Host& host) {
  return std::any_of(hosts.begin(), hosts.end(),
                     [&](const HostPattern& one) { return one.matches(host.name, host.port); });
}

std::string allowed_text(const std::vector<HostPattern>& hosts) {
  if (hosts.empty()) return "no host is allowed";
  std::vector<std::string_view> names;
  for (const HostPattern& one : hosts) names.push_back(one.text());
  return "allowed: " + any_of(names);
}

std::vector<NamedAddress> list_named_addresses(std::string_view text) {
  const PolicyDocument document = PolicyDocument::parse(text);
  const Model model = Model::build(document);
  std::vector<NamedAddress> out;
  for (Address& address : list_addresses(document, model)) {
    if (host_of(address.known, address.open).unknown != Unknown::named_value) continue;
    out.push_back({std::move(address.known), address.open, std::move(address.where),
                   document.position(address.range.begin), document.position(address.range.end)});
  }
  return out;
}

std::string with_values(std::string_view known,
                        const std::function<std::optional<std::string>(std::string_view name)>& value) {
  std::string out;
  for (std::size_t at = 0; at < known.size();) {
    const std::size_t length = named_value_at(known, at);
    if (length == 0) {
      out += known[at++];
      continue;
    }
    const std::optional<std::string> text = value(known.substr(at + 2, length - 4));
    out += text ? *text : std::string(known.substr(at, length));
    at += length;
  }
  return out;
}

}  // namespace postern::policy
