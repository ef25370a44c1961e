#include "gateway/identity/ecdsa_signature.h"

#include <algorithm>

namespace postern::identity {
namespace {

// The orders of the groups, big-endian (SEC 2, §2.4.2 and §2.5.1).
constexpr std::array<std::uint8_t, 32> kOrderP256 = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
constexpr std::array<std::uint8_t, 48> kOrderP384 = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};

template <std::size_t N>
bool in_range(std::string_view number, const std::array<std::uint8_t, N>& order) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(number.data());
  const bool zero = std::all_of(bytes, bytes + N, [](std::uint8_t byte) { return byte == 0; });
  return !zero && std::lexicographical_compare(bytes, bytes + N, order.begin(), order.end());
}

}  // namespace

void DerSignature::append_integer(std::string_view big_endian) {
  while (big_endian.size() > 1 && big_endian.front() == '\0') big_endian.remove_prefix(1);
  const bool needs_sign_byte = (static_cast<std::uint8_t>(big_endian.front()) & 0x80) != 0;
  append_byte(0x02);
  append_byte(static_cast<std::uint8_t>(big_endian.size() + (needs_sign_byte ? 1 : 0)));
  if (needs_sign_byte) append_byte(0);
  for (const char c : big_endian) append_byte(static_cast<std::uint8_t>(c));
}

std::optional<DerSignature> ecdsa_to_der(Curve curve, std::string_view raw) {
  const std::size_t width = curve == Curve::p256 ? kOrderP256.size() : kOrderP384.size();
  if (raw.size() != 2 * width) return std::nullopt;
  for (const std::string_view number : {raw.substr(0, width), raw.substr(width)}) {
    if (!(curve == Curve::p256 ? in_range(number, kOrderP256) : in_range(number, kOrderP384))) return std::nullopt;
  }
  DerSignature der;
  der.append_byte(0x30);
  der.append_byte(0);  // the length; below 128 for both curves, so one byte does
  der.append_integer(raw.substr(0, width));
  der.append_integer(raw.substr(width));
  der.bytes_[1] = static_cast<std::uint8_t>(der.size_ - 2);
  return der;
}

}  // namespace postern::identity
