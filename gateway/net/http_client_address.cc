#include "gateway/net/http_client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "gateway/base/encoding.h"

namespace postern::net {
namespace {

struct Range {
  std::uint32_t network;
  int bits;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's special-purpose registry for IPv4, the entries that are not globally reachable.
constexpr std::array<Range, 14> kPrivateV4 = {{{v4(0, 0, 0, 0), 8},
                                               {v4(10, 0, 0, 0), 8},
                                               {v4(100, 64, 0, 0), 10},
                                               {v4(168, 63, 129, 16), 32},  // the platform's own server on Azure
                                               {v4(169, 254, 0, 0), 16},
                                               {v4(172, 16, 0, 0), 12},
                                               {v4(192, 0, 0, 0), 24},
                                               {v4(192, 0, 2, 0), 24},
                                               {v4(192, 88, 99, 0), 24},
                                               {v4(192, 168, 0, 0), 16},
                                               {v4(198, 18, 0, 0), 15},
                                               {v4(198, 51, 100, 0), 24},
                                               {v4(203, 0, 113, 0), 24},
                                               {v4(224, 0, 0, 0), 3}}};

bool inside(std::uint32_t address, const Range& range) { return ((address ^ range.network) >> (32 - range.bits)) == 0; }

AddressKind kind_v4(std::uint32_t address) {
  if (inside(address, {v4(127, 0, 0, 0), 8})) return AddressKind::loopback;
  if (address == v4(169, 254, 169, 254)) return AddressKind::imds;
  for (const Range& range : kPrivateV4) {
    if (inside(address, range)) return AddressKind::private_;
  }
  return AddressKind::public_;
}

std::uint32_t v4_at(const std::uint8_t* bytes) { return v4(bytes[0], bytes[1], bytes[2], bytes[3]); }

AddressKind kind_v6(const std::uint8_t* bytes) {
  constexpr std::array<std::uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};
  if (std::memcmp(bytes, kLoopback.data(), kLoopback.size()) == 0) return AddressKind::loopback;
  if (std::memcmp(bytes, kMapped.data(), kMapped.size()) == 0) return kind_v4(v4_at(bytes + 12));
  if (std::memcmp(bytes, kNat64.data(), kNat64.size()) == 0) return kind_v4(v4_at(bytes + 12));
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return kind_v4(v4_at(bytes + 2));
  // Only 2000::/3 is handed out for the whole world; 2001:db8::/32 is for documents, 2001::/32 is Teredo.
  const bool global = (bytes[0] & 0xe0) == 0x20;
  const bool reserved = bytes[0] == 0x20 && bytes[1] == 0x01 &&
                        ((bytes[2] == 0x0d && bytes[3] == 0xb8) || (bytes[2] == 0 && bytes[3] == 0));
  return global && !reserved ? AddressKind::public_ : AddressKind::private_;
}

}  // namespace

AddressKind address_kind(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return kind_v4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    return kind_v6(in.sin6_addr.s6_addr);
  }
  return AddressKind::private_;
}

AddressKind host_kind(std::string_view host) {
  if (ascii_lower(host) == "localhost") return AddressKind::loopback;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host);
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return kind_v4(ntohl(four.s_addr));
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) == 1) return kind_v6(six.s6_addr);
  return AddressKind::public_;
}

}  // namespace postern::net
