// What kind of place an address is, for a client that must not be talked into asking its own neighbours.
#pragma once

#include <sys/socket.h>

#include <string_view>

namespace postern::net {

enum class AddressKind {
  public_,
  loopback,
  imds,      // 169.254.169.254, the metadata service of Azure machines
  private_,  // every other address that is not globally reachable (RFC 6890): private, link-local, shared, multicast …
};

// Of a socket address. IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as the inner one; an unknown family is private.
AddressKind address_kind(const sockaddr* address);

// Of a host as it stands in a URL, an IPv6 one in brackets. A name is public but for "localhost".
AddressKind host_kind(std::string_view host);

}  // namespace postern::net
