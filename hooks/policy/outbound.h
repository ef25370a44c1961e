// The addresses that a document sends requests to, and the hosts in them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/check.h"
#include "hooks/policy/rule.h"

namespace postern::policy {

// Value: what is known of one address.
struct Address {
  Range range;
  std::string where;  // "base-url of <set-backend-service>"
  // The known beginning, decoded; named values stand in it as {{name}}. Empty for what an expression computes.
  std::string known;
  bool open = false;  // more may follow what is known
};

// Every address of set-backend-service, send-request and its like, proxy, openid-config and the data sources, in
// document order. Constant beginnings of expressions ("https://host/" + …, $"https://host/{…}") are read.
std::vector<Address> list_addresses(const PolicyDocument& document, const Model& model);

struct Host {
  std::string name;  // lower case, no closing dot; IPv6 in its brackets
  std::string port;  // the scheme's own where none stands
};

// Why a host is not known.
enum class Unknown { none, named_value, computed, no_address };

struct HostReading {
  Host host;
  Unknown unknown = Unknown::none;
};

// The host of an absolute URL that begins with `known`. Whatever two readers of URLs might read differently (user
// names, backslashes, percent signs, blanks) is read as the later host or not at all.
HostReading host_of(std::string_view known, bool open);

bool is_allowed(const std::vector<HostPattern>& hosts, const Host& host);
// "allowed: 'a', 'b'" for a help text.
std::string allowed_text(const std::vector<HostPattern>& hosts);

// For what looks at a document with more than the document at hand: an address whose host a named value gives.
struct NamedAddress {
  std::string known;
  bool open = false;
  std::string where;
  Position begin;
  Position end;
};
std::vector<NamedAddress> list_named_addresses(std::string_view text);

// `known` with each {{name}} replaced that `value` knows; what it does not know stays.
std::string with_values(std::string_view known,
                        const std::function<std::optional<std::string>(std::string_view name)>& value);

}  // namespace postern::policy
