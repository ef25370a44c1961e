#include "gateway/app/cmd_config.h"

#include <fmt/core.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "gateway/access/rules.h"
#include "gateway/app/cmd_shared.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/identity/claims.h"
#include "gateway/net/http_client.h"

namespace postern::app {

namespace {

constexpr std::size_t kClaimsMax = std::size_t{1} << 20;

Result<json::Value> read_claims(const std::string& path) {
  Result<std::string> text;
  if (path == "-") {
    text = std::string(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    text = read_file(path, kClaimsMax);
  }
  if (!text) return fail(text.error());
  if (text->size() > kClaimsMax) return fail(ErrorCode::limit, "the claims are larger than 1 MiB");
  // A whole token must not be pasted into files: what is wanted is its middle.
  if (text->find('{') == std::string::npos) {
    return fail(ErrorCode::bad_usage, path + ": not JSON; accepted: the payload of a token, {\"sub\": …}");
  }
  auto claims = json::parse(*text, {.bytes = kClaimsMax, .depth = 16, .values = 50000});
  if (!claims) return fail(in_context(path, claims.error()));
  if (claims->as_object() == nullptr) return fail(ErrorCode::bad_usage, path + ": not a JSON object");
  return claims;
}

const config::IssuerConfig* find_issuer(const config::Config& config, const std::string& name,
                                        const json::Value& claims) {
  for (const auto& issuer : config.issuers) {
    const std::string* iss = claims.find_string("iss");
    if (name.empty() ? iss != nullptr && *iss == issuer.issuer : issuer.name == name) return &issuer;
  }
  return nullptr;
}

// The token that these claims would be of, if it were in order; and what is not in order.
identity::VerifiedToken token_of(json::Value claims, const config::IssuerConfig& from, std::string& fault) {
  identity::IssuerConfig issuer;
  issuer.name = from.name;
  issuer.issuer = from.issuer;
  issuer.audiences = from.audiences;
  issuer.clock_skew = from.clock_skew;
  issuer.max_token_age = from.max_token_age;
  issuer.name_claim = from.name_claim;
  const WallTime now = SystemClock().wall();
  auto outcome = identity::judge_claims(claims, issuer, now);
  if (auto* token = std::get_if<identity::VerifiedToken>(&outcome)) return std::move(*token);
  const auto& refused = std::get<identity::Refused>(outcome);
  fault = refused.reason + ": " + refused.advice;
  identity::VerifiedToken token;
  token.issuer_name = from.name;
  if (const auto* subject = claims.find_string("sub")) token.subject = *subject;
  for (const std::string_view name : {"azp", "appid", "client_id"}) {
    if (const auto* client = claims.find_string(name); client != nullptr && token.client.empty())
      token.client = *client;
  }
  token.has_actor = claims.find("act") != nullptr;
  token.claims = std::move(claims);
  return token;
}

std::string origin_text(const access::Origin& origin) {
  return origin.file.empty() ? "" : fmt::format(" ({}:{})", origin.file, origin.line);
}

std::string list_text(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "none" : text;
}

}  // namespace

int cmd_config_check(const std::string& config_path) {
  const auto loaded = load_or_say(config_path);
  if (!loaded) return kExitBadUsage;
  const auto rules = rules_or_say(loaded->config);
  if (!rules) return kExitBadUsage;
  const auto& set = loaded->config.rules;
  const auto ended = lapsed(loaded->config, SystemClock().wall());
  for (const auto& sentence : ended) fmt::print(stderr, "warning: {}\n", sentence);
  fmt::print("{}: fine ({} issuers, {} identities, {} groups, {} grants, {} denies, {} environments; {} warnings)\n",
             loaded->config.file, loaded->config.issuers.size(), set.identities.size(), set.groups.size(),
             set.grants.size(), set.denies.size(), loaded->config.environments.size(),
             loaded->warnings.size() + ended.size());
  fmt::print("rules: {}\n", rules->digest());
  return kExitFine;
}

int cmd_reload(const std::string& config_path, const std::string& socket) {
  const auto loaded = load_or_say(config_path);
  if (!loaded) {
    say_error("not reloaded: what is in force stays in force");
    return kExitBadUsage;
  }
  std::string path = socket;
  for (const auto& listen : loaded->config.server.listen) {
    if (path.empty() && listen.is_unix) path = listen.path;
  }
  if (path.empty()) {
    say_error("[server] listen names no Unix socket; accepted: --socket PATH");
    return kExitBadUsage;
  }
  const auto http = net::make_http_client();
  net::HttpRequest request;
  request.method = "POST";
  request.url = "unix:" + path + ":/-/api/v1/reload";
  request.timeout = std::chrono::seconds(60);
  const auto response = http->send(request);
  if (!response) {
    say_error(fmt::format("asking the gateway: {}; fix: postern doctor", response.error().message));
    return kExitCouldNotFinish;
  }
  if (response->status == 200) {
    const auto answer = json::parse(response->body);
    const std::string* digest = answer ? answer->find_string("rules") : nullptr;
    fmt::print("reloaded, in force now\nrules: {}\n", digest == nullptr ? "?" : printable(*digest, 80));
    return kExitFine;
  }
  say_error(fmt::format("the gateway answered {}: {}", response->status, problem_detail(response->body)));
  if (response->status == 401 || response->status == 403 || response->status == 404) {
    say_error("fix: your account needs an [[identity]] of issuer \"unix\" and a [[role]] that may \"admin\"");
    return kExitFindings;
  }
  return kExitCouldNotFinish;
}

int cmd_access_explain(const ExplainOptions& options) {
  const auto repo = git::RepoPath::parse(options.repository);
  if (!repo) {
    say_error("--repo: " + repo.error().message);
    return kExitBadUsage;
  }
  const auto verb = access::parse_verb(options.verb);
  if (!verb) {
    say_error(fmt::format("--verb: \"{}\" is no verb; accepted: read, create, update, force, delete",
                          printable(options.verb)));
    return kExitBadUsage;
  }
  if (*verb != access::Verb::read && !git::is_valid_ref_name(options.ref)) {
    say_error("--ref: not a full ref name; accepted: such as refs/heads/main");
    return kExitBadUsage;
  }
  std::optional<IpAddress> address;
  if (!options.address.empty()) {
    const auto parsed = IpAddress::parse(options.address);
    if (!parsed) {
      say_error("--address: " + parsed.error().message);
      return kExitBadUsage;
    }
    address = *parsed;
  }
  if (options.claims_file.empty() == options.gogs_user.empty()) {
    say_error("accepted: --claims FILE or --gogs-user NAME, one of them");
    return kExitBadUsage;
  }
  const auto loaded = load_or_say(options.config_path, /*with_warnings=*/false);
  if (!loaded) return kExitBadUsage;
  const auto rules = rules_or_say(loaded->config);
  if (!rules) return kExitBadUsage;

  identity::Identity who;
  if (!options.gogs_user.empty()) {
    who = rules->identify_gogs_user(options.gogs_user);
  } else {
    auto claims = read_claims(options.claims_file);
    if (!claims) {
      say_error("--claims: " + claims.error().message);
      return kExitBadUsage;
    }
    identity::VerifiedToken token;
    std::string fault;
    if (options.issuer == access::kUnixIssuer) {
      token.issuer_name = options.issuer;
      for (const std::string_view name : {"user", "uid"}) {
        if (const auto* text = claims->find_string(name); text != nullptr && token.subject.empty())
          token.subject = *text;
      }
      token.claims = *std::move(claims);
    } else {
      const auto* issuer = find_issuer(loaded->config, options.issuer, *claims);
      if (issuer == nullptr) {
        std::vector<std::string> names{"unix"};
        for (const auto& known : loaded->config.issuers) names.push_back(known.name);
        say_error(fmt::format(
            "--issuer: {}; accepted: {}",
            options.issuer.empty() ? "the claims' `iss` is that of no [[issuer]]" : "no [[issuer]] has this name",
            list_text(names)));
        return kExitBadUsage;
      }
      token = token_of(*std::move(claims), *issuer, fault);
    }
    if (!fault.empty()) fmt::print("note: a token with these claims is refused before any rule is asked: {}\n", fault);
    auto identified = rules->identify(token);
    if (const auto* refusal = std::get_if<access::IdentifyRefusal>(&identified)) {
      fmt::print("who: nobody ({}): {}\n", refusal->reason, refusal->advice);
      if (!refusal->names.empty()) fmt::print("     identities it came near to: {}\n", list_text(refusal->names));
      return kExitFindings;
    }
    who = std::get<identity::Identity>(std::move(identified));
  }
  fmt::print("who: {} ({}, issuer {}, subject {}; groups: {})\n", printable(who.name), identity::to_string(who.kind),
             who.issuer, printable(who.subject), list_text(who.groups));
  const access::Governance governance = rules->governance_of(*repo);
  fmt::print("where: {}{}\n", repo->full_name(),
             governance.governed ? fmt::format(" (governed, {}, direct writes: {})", access::to_string(governance.mode),
                                               access::to_string(governance.direct))
                                 : std::string(" (not governed: no hook looks)"));
  const WallTime now = SystemClock().wall();
  const auto lines = rules->explain(who, *repo, options.ref, *verb, address, now);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    fmt::print("  {} {}{}: {}\n", lines[i].applies ? "*" : "-", lines[i].rule, origin_text(lines[i].origin),
               lines[i].because);
  }
  const access::Decision decision = rules->decide(who, *repo, options.ref, *verb, address, now);
  fmt::print("{}: {}\n", decision.allowed ? "allowed" : "denied", decision.reason);
  if (decision.allowed && *verb != access::Verb::read) {
    if (!decision.allowed_paths.empty()) fmt::print("  only paths: {}\n", list_text(decision.allowed_paths));
    if (!decision.denied_paths.empty()) fmt::print("  never paths: {}\n", list_text(decision.denied_paths));
    std::vector<std::string> verbs;
    for (const access::Verb granted : decision.verbs) verbs.emplace_back(access::to_string(granted));
    fmt::print("  verbs on this ref: {}\n", list_text(verbs));
  }
  return decision.allowed ? kExitFine : kExitFindings;
}

}  // namespace postern::app
