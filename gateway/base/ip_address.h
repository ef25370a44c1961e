// Addresses of peers and ranges of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern {

// Value: an IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) is the IPv4 one,
// so that a dual-stack listener and a rule never disagree.
class IpAddress {
 public:
  // Dotted quad or RFC 4291 text, no brackets, no zone, no port; invalid_input otherwise.
  static Result<IpAddress> parse(std::string_view text);

  bool is_v4() const { return v4_; }
  bool is_loopback() const;
  std::string to_string() const;  // canonical (RFC 5952)
  bool operator==(const IpAddress&) const = default;

 private:
  friend class IpNetwork;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4: the first four
  bool v4_ = false;
};

// Value: an address and a prefix length; a bare address is the network of itself.
class IpNetwork {
 public:
  // "10.0.0.0/8", "fd00::/8", "192.0.2.7". invalid_input when bits behind the prefix are set: then the writer meant
  // something else.
  static Result<IpNetwork> parse(std::string_view text);

  bool contains(const IpAddress& address) const;  // never across families
  std::string to_string() const;
  bool operator==(const IpNetwork&) const = default;

 private:
  IpAddress base_;
  unsigned prefix_ = 0;
};

}  // namespace postern
