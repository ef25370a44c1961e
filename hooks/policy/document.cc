#include "hooks/policy/document.h"

#include <algorithm>
#include <array>

#include "hooks/policy/expression_span.h"
#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// The code point of a numeric reference that logical_char() already measured.
std::uint32_t code_point(std::string_view entity) {
  const bool hex = entity.size() > 2 && entity[2] == 'x';
  std::uint32_t value = 0;
  for (char c : entity.substr(hex ? 3 : 2)) {
    if (c == ';') break;
    const std::uint32_t digit = c <= '9'   ? static_cast<std::uint32_t>(c - '0')
                                : c <= 'F' ? static_cast<std::uint32_t>(c - 'A' + 10)
                                           : static_cast<std::uint32_t>(c - 'a' + 10);
    value = value * (hex ? 16 : 10) + digit;
  }
  return value;
}

}  // namespace

std::uint32_t next_column(std::string_view text, std::uint32_t at, std::uint32_t end) {
  // A lead byte and its continuation bytes are one column; a byte that belongs to nothing is one, too.
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::uint32_t more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
  ++at;
  for (std::uint32_t i = 0; i < more && at < end && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; ++i) ++at;
  return at;
}

std::uint32_t DecodedText::source(std::uint32_t offset) const {
  auto it = std::upper_bound(map.begin(), map.end(), offset,
                             [](std::uint32_t value, const auto& pair) { return value < pair.first; });
  if (it == map.begin()) return offset;
  --it;
  return it->second + (offset - it->first);
}

std::span<const Attribute> PolicyDocument::attributes(const Node& node) const {
  return {attributes_.data() + node.first_attribute, node.attribute_count};
}

const Attribute* PolicyDocument::attribute(const Node& node, std::string_view wanted) const {
  for (const Attribute& a : attributes(node))
    if (name(a) == wanted) return &a;
  return nullptr;
}

std::span<const Part> PolicyDocument::parts(const Attribute& attribute) const {
  return {parts_.data() + attribute.first_part, attribute.part_count};
}

bool PolicyDocument::is_expression(const Attribute& attribute) const {
  bool seen = false;
  for (const Part& part : parts(attribute)) {
    if (part.kind == NodeKind::expression && !seen) {
      seen = true;
      continue;
    }
    if (part.kind != NodeKind::text) return false;
    if (skip_blank(text(part.range), 0) < part.range.size()) return false;
  }
  return seen;
}

bool PolicyDocument::has_placeholder(const Attribute& attribute) const {
  bool expression = false;
  for (const Part& part : parts(attribute)) {
    if (part.kind == NodeKind::placeholder) return true;
    if (part.kind == NodeKind::expression) expression = true;
  }
  return expression && !is_expression(attribute);
}

// Where the next '&' from `at` on stands, or `end`.
static std::uint32_t next_reference(std::string_view text, std::uint32_t at, std::uint32_t end) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(text.substr(0, end).find('&', at), end));
}

DecodedText PolicyDocument::decoded_code(const Expression& expression) const {
  DecodedText out;
  const Range range = expression.code;
  out.text.reserve(range.size());
  out.map.emplace_back(0, range.begin);
  for (std::uint32_t at = range.begin; at < range.end;) {
    const std::uint32_t plain = expression.in_cdata ? range.end : next_reference(text_, at, range.end);
    out.text.append(text_, at, plain - at);
    at = plain;
    if (at == range.end) break;
    const LogicalChar c = logical_char(text_.substr(0, range.end), at, true);
    if (!c.entity) {
      out.text += text_[at++];
      continue;
    }
    const std::string_view entity = text_.substr(at, c.length);
    if (entity[1] == '#')
      append_utf8(out.text, code_point(entity));
    else
      out.text += c.value;
    at += c.length;
    out.map.emplace_back(static_cast<std::uint32_t>(out.text.size()), at);
  }
  return out;
}

std::string PolicyDocument::decoded(Range range) const {
  std::string out;
  out.reserve(range.size());
  const std::string_view window = text_.substr(0, range.end);
  for (std::uint32_t at = range.begin; at < range.end;) {
    const std::uint32_t plain = next_reference(text_, at, range.end);
    out.append(text_, at, plain - at);
    at = plain;
    if (at == range.end) break;
    const LogicalChar c = logical_char(window, at, true);
    if (!c.entity) {
      out += text_[at++];
      continue;
    }
    const std::string_view entity = text_.substr(at, c.length);
    if (entity[1] == '#')
      append_utf8(out, code_point(entity));
    else
      out += c.value;
    at += c.length;
  }
  return out;
}

Position PolicyDocument::position(std::uint32_t offset) const {
  offset = std::min<std::uint32_t>(offset, static_cast<std::uint32_t>(text_.size()));
  auto it = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const std::size_t index = it == lines_.begin() ? 0 : static_cast<std::size_t>(it - lines_.begin()) - 1;
  const std::uint32_t begin = lines_.empty() ? 0 : lines_[index];
  Position position;
  position.line = static_cast<unsigned>(index) + 1;
  position.column = 1;
  std::uint32_t at = begin;
  const auto mark = std::upper_bound(columns_.begin(), columns_.end(), offset,
                                     [](std::uint32_t value, const auto& pair) { return value < pair.first; });
  if (mark != columns_.begin() && (mark - 1)->first >= begin) {
    at = (mark - 1)->first;
    position.column = (mark - 1)->second;
  } else if (at == 0 && text_.starts_with("\xef\xbb\xbf")) {
    at = std::min<std::uint32_t>(3, offset);
  }
  while (at < offset) {
    at = next_column(text_, at, offset);
    ++position.column;
  }
  return position;
}

bool looks_like_policy(std::string_view text) {
  constexpr std::array<std::string_view, 6> kRoots = {
      "policies", "fragment", "http-data-source", "sql-data-source", "cosmosdb-data-source", "graphql-data-source"};
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  while (true) {
    at = text.find('<', at);
    if (at == std::string_view::npos) return false;
    const std::string_view rest = text.substr(at);
    std::size_t end = 0;
    if (rest.starts_with("<!--")) {
      end = rest.find("-->", 4);
      // A comment that never ends hides the root; whoever wrote it wants to hear of it.
      const std::string_view comment = rest.substr(0, end);
      const bool holds_root =
          comment.find("<policies") != std::string_view::npos || comment.find("<fragment") != std::string_view::npos;
      if (end == std::string_view::npos) return holds_root;
      // Nor does one that only ends where another was to.
      if (holds_root && comment.find("<!--", 4) != std::string_view::npos) return true;
    } else if (rest.starts_with("<?")) {
      end = rest.find("?>", 2);
    } else if (rest.starts_with("<!")) {
      end = rest.starts_with("<!-") ? rest.find("-->") : rest.find('>');
    } else {
      const std::string_view name = rest.substr(1, rest.find_first_of(" \t\r\n/>", 1) - 1);
      // The root may be what is missing.
      const auto holds = [&](std::string_view tag) { return rest.find(tag) != std::string_view::npos; };
      if (name == "inbound" && (holds("<base") || holds("<outbound"))) return true;
      return std::any_of(kRoots.begin(), kRoots.end(), [&](std::string_view root) {
        return name == root || (!name.starts_with(root) && edit_cost(name, root, 2) <= 2);  // or one slip away
      });
    }
    if (end == std::string_view::npos) return false;
    at += end + 1;
  }
}

}  // namespace postern::policy
