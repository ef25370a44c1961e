// Rule value-form: addresses, names of headers and methods have the form that HTTP gives them.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "gateway/base/encoding.h"
#include "hooks/policy/address.h"
#include "hooks/policy/attributes.h"
#include "hooks/policy/suggest.h"
#include "hooks/policy/value.h"
#include "hooks/policy/xml_class.h"

namespace postern::policy {
namespace {

constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                                      "CONNECT", "TRACE", "PATCH", "OPTIONS"};

// Marks of named values and of the tools that fill templates: the value is another one later. Stray bytes are told
// elsewhere.
bool is_filled_in(std::string_view value) {
  char last = 0;
  for (const char c : value) {
    switch (c) {
      case '{':
      case '}':
      case '$':
      case '%':
      case '#':
      case '<':
      case '>':
      case '@': return true;
      case '_':
        if (last == '_') return true;
        break;
      default: break;
    }
    last = c;
  }
  return !is_utf8(value);
}

// What stands before the first such mark says whether an address begins as one; empty when nothing is wrong with it.
std::string_view fault_of_filled_in_url(std::string_view value) {
  const std::string prefix(value.substr(0, std::min(value.find_first_of("{$%#<@"), value.find("__"))));
  return prefix.find_first_of("/. ") == std::string::npos ? "" : fault_of_url(prefix + "x");
}

bool is_thumbprint(std::string_view value) {
  std::size_t digits = 0;
  for (const char c : value) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      ++digits;
    else if (c != ' ' && c != ':')
      return false;
  }
  return digits == 40 || digits == 64;  // SHA-1, SHA-256
}

void judge_attribute(Reporter& r, std::string_view element, const Attribute& a, const catalogue::Attribute& entry,
                     const std::string& value) {
  const std::string_view name = entry.name;
  const bool in_header = element == "set-header" || element == "check-header";
  const bool is_url = name == "url" || name == "base-url";
  if (is_filled_in(value) && !(is_url && is_utf8(value))) return;
  constexpr std::array<std::string_view, 13> kNames = {
      "name",        "key",       "variable-name", "response-variable-name", "context-variable-name",
      "counter-key", "from",      "provider-id",   "authorization-id",       "callback-parameter-name",
      "topic",       "logger-id", "template"};
  if (value.empty() && entry.need == catalogue::Need::error && !in_header &&
      std::find(kNames.begin(), kNames.end(), name) != kNames.end()) {
    r.add(a.value, fmt::format("'{}' of <{}> is empty", name, element));
    return;
  }
  if ((in_header && name == "name") || name == "header-name") {
    if (value.empty()) {
      r.add(a.value, fmt::format("'{}' of <{}> is empty", name, element), "write the name of the header");
    } else if (!is_http_token(value)) {
      r.add(a.value, fmt::format("'{}' is no name of a header", shown(value)),
            "a name of a header holds neither blanks nor ':' nor other separators");
    }
  } else if (is_url) {
    const std::string_view fault = value.empty()         ? "is empty"
                                   : is_filled_in(value) ? fault_of_filled_in_url(value)
                                                         : fault_of_url(value);
    if (!fault.empty())
      r.add(a.value, fmt::format("'{}' of <{}> {}", name, element, fault),
            "write the whole address: https://host/path");
  } else if (name == "thumbprint" && !value.empty() && value.find_first_of("0123456789") != std::string::npos) {
    if (!is_thumbprint(value))
      r.add(a.value, fmt::format("'{}' is no thumbprint: 40 hexadecimal digits are due", shown(value)));
  } else if (element == "address-range" && (name == "from" || name == "to")) {
    if (!is_ip_address(value)) r.add(a.value, fmt::format("'{}' is no IP address", shown(value)));
  } else if ((element == "set-status" && name == "code") || name.ends_with("-httpcode")) {
    const std::optional<double> number = number_of(value);
    if (number && (*number < 100 || *number > 999))
      r.add(a.value, fmt::format("{} is no status of HTTP", shown(value)), "it has three digits: 100 to 599");
  }
}

void judge_text(const Subject& s, Reporter& r, const ModelElement& e, std::string_view element) {
  const Range range = s.node(e).content;
  const std::string_view text = xml::trimmed(s.document.text(range));
  if (text.empty() || (element != "set-url" && text.find('&') != std::string_view::npos)) return;
  const bool filled_in = is_filled_in(text);
  if (filled_in && !(element == "set-url" && is_utf8(text))) return;
  const auto begin = static_cast<std::uint32_t>(text.data() - s.document.text(range).data() + range.begin);
  const Range at{begin, static_cast<std::uint32_t>(begin + text.size())};
  if (element == "set-method" || element == "method") {
    if (text == "*") return;
    if (!is_http_token(text)) {
      r.add(at, fmt::format("'{}' is no method of HTTP", shown(text)), "write one, such as GET");
      return;
    }
    std::string upper(text);
    for (char& c : upper)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (std::find(kMethods.begin(), kMethods.end(), upper) != kMethods.end()) return;
    if (const std::string_view meant = closest(upper, kMethods); !meant.empty())
      r.add(at, fmt::format("'{}' is no method of HTTP", shown(text)), fmt::format("did you mean '{}'?", meant));
  } else if (element == "set-url") {
    if (const std::string_view fault = filled_in ? fault_of_filled_in_url(text) : fault_of_url(text); !fault.empty())
      r.add(at, fmt::format("the address in <{}> {}", element, fault), "write the whole address: https://host/path");
  } else if (element == "origin") {
    const std::string_view fault = fault_of_url(text);
    if (text != "*" && text != "null" && !fault.empty())
      r.add(at, fmt::format("this origin {}", fault), "an origin is scheme://host, with its port where it has one");
  } else if (element == "address") {
    if (!is_ip_address(text)) {
      r.add(at, fmt::format("'{}' is no IP address", shown(text)),
            text.find('/') != std::string_view::npos ? "write a range as <address-range from=\"…\" to=\"…\" />" : "");
    }
  }
}

void check(const Subject& s, Reporter& r) {
  for_each_attribute(s, [&](const ModelElement& e, const Attribute& a, const catalogue::Attribute& entry) {
    if (s.document.is_expression(a) || s.node(e).attributes_unsure) return;
    const std::string value = s.document.decoded(a.value);
    if (s.document.has_placeholder(a) || judge_value(entry, value).what.empty())
      judge_attribute(r, s.name(e), a, entry, value);
  });
  for (const ModelElement& e : s.model.elements()) {
    if (e.spec == nullptr || e.guessed || e.place == Place::unknown || e.place == Place::payload) continue;
    const Node& node = s.node(e);
    if (!e.has_literal_text || e.child_count > 0 || !node.closed || e.first_text == kNoNode) continue;
    if (s.document.node(e.first_text).kind != NodeKind::text) continue;
    judge_text(s, r, e, s.name(e));
  }
}

}  // namespace

extern const Rule k_value_form;
const Rule k_value_form = {
    .id = "value-form",
    .severity = Severity::warning,
    .summary = "Addresses, methods and names of headers have the form that HTTP gives them.",
    .why =
        "The service takes the text as it stands; the request that is made of it fails, or a comparison with it never "
        "holds.",
    .bad = "<set-url>htps://a.example</set-url>",
    .good = "<set-url>https://a.example</set-url>",
    .check = check,
    .syntax = false,
};

}  // namespace postern::policy
