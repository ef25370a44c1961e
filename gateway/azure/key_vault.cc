#include "gateway/azure/key_vault.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"

namespace postern::azure {
namespace {

bool is_name(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

}  // namespace

Result<Secret> read_key_vault_secret(net::HttpClient& http, TokenCache& tokens, std::string_view reference) {
  const auto first = reference.find('/');
  const std::string_view vault = reference.substr(0, first);
  const std::string_view rest = first == std::string_view::npos ? std::string_view() : reference.substr(first + 1);
  const auto second = rest.find('/');
  const std::string_view name = rest.substr(0, second);
  const std::string_view version = second == std::string_view::npos ? std::string_view() : rest.substr(second + 1);
  // A vault's name becomes a host name: nothing but its own alphabet may pass, or the token goes elsewhere.
  if (!is_name(vault, 3, 24) || !is_name(name, 1, 127) ||
      (second != std::string_view::npos && !is_name(version, 1, 64))) {
    return fail(ErrorCode::bad_usage,
                fmt::format("keyvault:{}: expected keyvault:VAULT/NAME or keyvault:VAULT/NAME/VERSION",
                            printable(reference, 160)));
  }
  const std::string audience = "https://vault.azure.net";  // without a slash: with one, Key Vault refuses the token
  net::HttpRequest request;
  request.url = fmt::format("https://{}.vault.azure.net/secrets/{}{}{}?api-version=7.4", vault, name,
                            version.empty() ? "" : "/", version);
  request.headers = {{"Accept", "application/json"}};
  for (int attempt = 0;; ++attempt) {
    auto token = tokens.token(audience);
    if (!token) return fail(token.error());
    request.bearer = std::move(*token);
    auto response = http.send(request);
    const std::string what = fmt::format("keyvault:{}", reference);
    if (!response) return fail(in_context(what, response.error()));
    auto parsed = json::parse(response->body);
    if (response->status == 200) {
      const auto* value = parsed ? parsed->find_string("value") : nullptr;
      if (value == nullptr) return fail(ErrorCode::invalid_input, what + ": no value in the answer");
      return Secret(*value);
    }
    if (response->status == 401 && attempt == 0) {
      tokens.drop(audience);
      continue;
    }
    std::string code = "?";
    const json::Value* error = parsed ? parsed->find("error") : nullptr;
    if (error != nullptr && error->find_string("code") != nullptr) code = *error->find_string("code");
    if (const json::Value* inner = error != nullptr ? error->find("innererror") : nullptr) {
      if (inner->find_string("code") != nullptr) code += "/" + *inner->find_string("code");
    }
    const int status = response->status;
    const ErrorCode kind = status == 404                    ? ErrorCode::not_found
                           : status == 401 || status == 403 ? ErrorCode::denied
                                                            : ErrorCode::unavailable;
    return fail(kind, fmt::format("{}: {} ({})", what, status, printable(code, 80)));
  }
}

}  // namespace postern::azure
