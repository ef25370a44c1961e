#include "gateway/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace postern {

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const auto bad = [&] { return fail(ErrorCode::invalid_input, "not an IPv4 or IPv6 address"); };
  // The longest spelling has 45 bytes; the system's parser wants a terminated text.
  if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos) return bad();
  const std::string terminated(text);
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) != 1) return bad();
    address.v4_ = true;
    return address;
  }
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) != 1) return bad();
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::copy(bytes.begin() + 12, bytes.end(), address.bytes_.begin());
    address.v4_ = true;
  } else {
    address.bytes_ = bytes;
  }
  return address;
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; }) && bytes_[15] == 1;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return fail(ErrorCode::invalid_input, "not an address or a network such as 10.0.0.0/8 or fd00::/8");
  IpNetwork network;
  network.base_ = *base;
  // Written as ::ffff:a.b.c.d the prefix would count from the wrong end.
  const bool mapped = base->v4_ && text.substr(0, slash).find(':') != std::string_view::npos;
  const unsigned bits = base->v4_ ? 32 : 128;
  network.prefix_ = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix_);
    if (mapped || digits.empty() || digits.size() > 3 || error != std::errc{} || end != digits.data() + digits.size() ||
        network.prefix_ > bits) {
      return fail(ErrorCode::invalid_input,
                  "not a prefix length: 0 to 32 behind an IPv4 address, 0 to 128 behind an IPv6 address");
    }
  }
  for (unsigned bit = network.prefix_; bit < bits; ++bit) {
    if ((network.base_.bytes_[bit / 8] & (0x80U >> (bit % 8))) != 0) {
      return fail(ErrorCode::invalid_input, "bits are set behind the prefix: write the network's own address");
    }
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
  if (address.v4_ != base_.v4_) return false;
  const unsigned whole = prefix_ / 8;
  if (std::memcmp(address.bytes_.data(), base_.bytes_.data(), whole) != 0) return false;
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xffU << (8 - rest));
  return (address.bytes_[whole] & mask) == (base_.bytes_[whole] & mask);
}

std::string IpNetwork::to_string() const { return base_.to_string() + "/" + std::to_string(prefix_); }

}  // namespace postern
