// What an organisation declares about its policies besides severities (postern-policy.toml).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/glob.h"
#include "hooks/policy/scope.h"

namespace postern::policy {

// Value: "api.contoso.com", "*.contoso.com" (every host below, not itself), each with an optional ":port".
class HostPattern {
 public:
  // nullopt when it is none: a scheme, a path, or a star elsewhere than as the first label.
  static std::optional<HostPattern> parse(std::string_view text);
  // `host` in lower case without a closing dot; `port` empty when the URL names none.
  bool matches(std::string_view host, std::string_view port) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string host_;  // without "*."
  std::string port_;  // empty: any
  bool below_ = false;
};

// Value: one [[required]] or [[forbidden]].
struct PolicyDemand {
  std::vector<std::string> policies;  // required: one of them; forbidden: each
  std::vector<Scope> scopes;          // forbidden: empty is every scope; required: what must have it
  std::uint8_t sections = 0;          // bits of catalogue::Section; 0: any
  std::vector<Glob> paths;            // of the files it is about; empty: all
  bool conditional = false;           // required: in a branch of <choose> is enough
  std::string why;                    // told with the finding; may be empty

  bool is_about(std::string_view path) const;
  bool is_about(Scope scope) const;
};

// Value. Default: nothing is declared, and the rules that need a declaration are silent.
struct Guardrails {
  std::optional<std::vector<HostPattern>> allowed_hosts;  // empty list: none
  std::vector<PolicyDemand> required;
  std::vector<PolicyDemand> forbidden;
  std::uint8_t gateways = 0;  // bits of catalogue::Policy::gateways; 0: not said
};

// The names of the bits, in order: classic, v2, consumption, self-hosted, workspace.
std::vector<std::string_view> gateway_names(std::uint8_t bits);
std::uint8_t gateway_bit(std::string_view name);  // 0: there is none of that name

}  // namespace postern::policy
