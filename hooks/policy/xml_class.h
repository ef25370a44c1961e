// What a byte may be to the reader of a document.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace postern::policy::xml {

enum : std::uint8_t { kSpace = 1, kNameStart = 2, kNameChar = 4, kTextStop = 8, kValueStop = 16, kIllegal = 32 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    std::uint8_t k = 0;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') k |= kSpace;
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c >= 0x80;
    if (letter) k |= kNameStart | kNameChar;
    if ((c >= '0' && c <= '9') || c == '-' || c == '.') k |= kNameChar;
    if (c < 0x20 && !(k & kSpace)) k |= kIllegal;
    for (char s : {'<', '&', '{', '$', '%', '#', '_', '@', '[', ']'})
      if (c == s) k |= kTextStop;
    for (char s : {'<', '&', '{', '$', '%', '#', '_', '@', '[', '"', '\''})
      if (c == s) k |= kValueStop;
    if (k & kIllegal) k |= kTextStop | kValueStop;
    t[static_cast<std::size_t>(c)] = k;
  }
  return t;
}
inline constexpr std::array<std::uint8_t, 256> kClass = make_classes();

inline bool is(char c, std::uint8_t what) { return (kClass[static_cast<unsigned char>(c)] & what) != 0; }

// Without the white space (XML 1.0 §2.3) at both ends.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is(text.front(), kSpace)) text.remove_prefix(1);
  while (!text.empty() && is(text.back(), kSpace)) text.remove_suffix(1);
  return text;
}

}  // namespace postern::policy::xml
