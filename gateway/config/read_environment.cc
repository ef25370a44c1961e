// [[environment]] and [deploy].
#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/config/known_names.h"
#include "gateway/config/sections.h"
#include "gateway/config/values.h"

namespace postern::config {
namespace {

constexpr std::string_view kServiceWanted =
    "/subscriptions/…/resourceGroups/…/providers/Microsoft.ApiManagement/service/NAME";

bool is_service_id(std::string_view id) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= id.size();) {
    const std::size_t end = std::min(id.find('/', at), id.size());
    parts.emplace_back(id.substr(at, end - at));
    at = end + 1;
  }
  if (!id.starts_with('/') || parts.size() != 8) return false;
  const auto is = [&](std::size_t part, std::string_view word) {
    return ascii_lower(parts[part]) == ascii_lower(word);
  };
  const bool words = is(0, "subscriptions") && is(2, "resourceGroups") && is(4, "providers") &&
                     is(5, "Microsoft.ApiManagement") && is(6, "service");
  return words && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || c == '.' || c == '(' || c == ')';
           });
         });
}

void credential(Section& in, EnvironmentConfig& environment) {
  static constexpr std::string_view kAccepted =
      "managed-identity, workload-identity, client-secret:REFERENCE (env:, file: or keyvault:), azure-cli";
  const auto text = in.text("credential", false, kAccepted);
  environment.client_id = in.text("client_id").value_or("");
  environment.tenant = in.text("tenant").value_or("");
  if (!text) return;
  if (*text == "managed-identity" || *text == "workload-identity" || *text == "azure-cli") {
    environment.credential = *text;
  } else if (text->starts_with("client-secret:")) {
    environment.credential = "client-secret";
    auto reference = parse_secret_ref(std::string_view(*text).substr(14), in.base(), true);
    if (!reference) {
      in.error("credential", reference.error().message);
    } else {
      environment.client_secret = *std::move(reference);
    }
    if (environment.client_id.empty() || environment.tenant.empty()) {
      in.error("credential", "client-secret needs client_id and tenant beside it");
    }
  } else {
    // It may be the secret itself.
    in.error("credential", fmt::format("is none of them; accepted: {}", kAccepted));
  }
}

}  // namespace

void read_environment(Section& in, Config& config) {
  EnvironmentConfig environment;
  environment.origin = in.origin();
  environment.name = in.own_name();
  if (!is_plain_name(environment.name) && !environment.name.empty())
    in.error("name", "is no name; accepted: up to 64 letters, digits, - _ .");
  for (const auto& other : config.environments) {
    if (other.name == environment.name)
      in.error("name", fmt::format("is already the name of the environment at line {}", other.origin.line));
  }
  using Mode = EnvironmentConfig::Mode;
  const Words<Mode> modes{{"plan", Mode::plan}, {"apply", Mode::apply}};
  in.choice("mode", environment.mode, modes);
  environment.repo = ascii_lower(in.text("repo", true, "owner/name").value_or(""));
  if (!environment.repo.empty() && !git::RepoPath::parse(environment.repo)) {
    in.error("repo", "names no single repository; accepted: owner/name");
  }
  environment.ref = in.text("ref", true, "a branch such as refs/heads/main").value_or("");
  if (!environment.ref.empty() &&
      (!environment.ref.starts_with("refs/heads/") || !git::is_valid_ref_name(environment.ref))) {
    in.error("ref", "is no branch; accepted: a full name such as refs/heads/main");
  }
  environment.after = in.texts("after");
  environment.service = in.text("service", true, kServiceWanted).value_or("");
  while (environment.service.ends_with('/')) environment.service.pop_back();
  if (!environment.service.empty() && !is_service_id(environment.service)) {
    in.error("service", fmt::format("is no id of a service; accepted: {}", kServiceWanted));
  }
  credential(in, environment);
  environment.kinds = in.texts("kinds");
  if (!in.has("kinds")) environment.kinds = {"policy", "fragment"};
  const auto& kinds = known_names().kinds;
  for (const auto& kind : environment.kinds) {
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    in.error("kinds", fmt::format("\"{}\" is no kind{}; accepted: {}", printable(kind, 40), Section::meant(kind, kinds),
                                  join(kinds)));
  }
  in.count("max_deletes", environment.max_deletes, 0, 1'000'000);
  if (const TomlValue* table = in.table("approvals", "a table { agents, default, by }")) {
    Section approvals = in.inner(*table, "approvals", in.line_of_key("approvals"));
    approvals.count("agents", environment.approvals.agents, 0, 20);
    approvals.count("default", environment.approvals.default_, 0, 20);
    environment.approvals.by = approvals.texts("by");
    if (environment.approvals.agents < environment.approvals.default_) {
      approvals.error("agents",
                      "is less than default: an agent's commit must never owe fewer approvals than a person's");
    }
    approvals.finish();
  }
  environment.overrides = in.text("overrides").value_or("");
  if (!environment.overrides.empty() && !is_repository_path(environment.overrides)) {
    in.error("overrides", "is no path of a file in the repository");
  }
  for (const TomlValue* table : in.tables("health", "tables { get, expect }")) {
    Section health = in.inner(*table, "health");
    HealthCheck check;
    check.get = health.text("get", true, "a URL").value_or("");
    // A health URL may well have a query; only its protection is judged.
    if (!check.get.empty()) {
      const auto url = parse_url(check.get.substr(0, check.get.find('?')), {});
      if (!url) health.error("get", url.error().message);
    }
    health.count("expect", check.expect, 100, 599);
    environment.health.push_back(std::move(check));
    health.finish();
  }
  config.environments.push_back(std::move(environment));
}

void read_deploy(Section& in, Config& config) {
  DeployConfig deploy;
  if (const auto url = in.parsed("store", false, "sqlite:PATH",
                                 [&](std::string_view text) { return parse_store_url(text, in.base()); })) {
    deploy.store = *url;
  }
  if (const auto gateway =
          in.parsed("gateway", false, "unix:PATH or a URL", [&](std::string_view text) -> Result<std::string> {
            if (text.find("://") == std::string_view::npos && !text.starts_with("unix:")) {
              return fail(ErrorCode::bad_usage, "is no address of a gateway; accepted: unix:PATH, https://host[:port]");
            }
            if (!text.starts_with("unix:")) return parse_url(text, {.path_allowed = false});
            const auto path = parse_path(text.substr(5), in.base());
            if (!path) return fail(ErrorCode::bad_usage, "unix: must be followed by a path");
            return "unix:" + *path;
          })) {
    deploy.gateway = *gateway;
  }
  deploy.git_url = in.url("git_url", "", true, {});
  deploy.git_credential = in.secret("git_credential");
  deploy.arm_endpoint = in.url("arm_endpoint", deploy.arm_endpoint, false, {.path_allowed = false});
  deploy.arm_ca_file = in.path("arm_ca_file", "");
  deploy.imds_endpoint =
      in.url("imds_endpoint", deploy.imds_endpoint, false, {.path_allowed = true, .imds_allowed = true});
  in.duration("poll", deploy.poll, std::chrono::seconds(1), std::chrono::hours(24));
  config.deploy = std::move(deploy);
}

}  // namespace postern::config
