#include "gateway/app/gate.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "gateway/git/advertisement.h"
#include "gateway/identity/credential.h"

namespace postern::app {
namespace {

using audit::EntryKind;
using net::Task;

constexpr std::size_t kSmallAnswer = std::size_t{64} << 10;
constexpr std::size_t kWantsMax = 64;
constexpr std::size_t kKnownMax = 1024;

std::string account_name(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

// The commits a fetch asks for, as far as the first piece of its body shows them: `want <oid>`, bare or in pkt-lines.
json::Array wants_in(std::string_view body) {
  json::Array wants;
  git::PktReader reader;
  while (wants.size() < kWantsMax) {
    Result<std::optional<git::Pkt>> pkt = reader.next(body);
    if (!pkt || !*pkt) break;
    const std::string_view line = (*pkt)->line();
    if (!line.starts_with("want ")) continue;
    Result<git::ObjectId> id = git::ObjectId::parse(line.substr(5, line.find(' ', 5) - 5));
    if (id) wants.emplace_back(id->hex());
  }
  return wants;
}

}  // namespace

Gate::Gate(net::EventLoop& loop, net::Upstream& upstream, GateParts parts, std::shared_ptr<const InForce> in_force)
    : loop_(loop),
      upstream_(upstream),
      parts_(parts),
      in_force_(std::move(in_force)),
      facts_(upstream, parts.clock),
      id_prefix_(hex_encode(random_bytes(8)) + "-") {}

// ---- one request --------------------------------------------------------------------------------------------------

Request Gate::make_request(std::shared_ptr<net::Exchange> exchange) {
  parts_.metrics.add(Metrics::requests);
  Request request;
  request.exchange = std::move(exchange);
  request.in_force = in_force_;
  std::array<char, 20> number{};
  const char* const end = std::to_chars(number.begin(), number.end(), ++id_count_).ptr;
  request.id.reserve(id_prefix_.size() + number.size());
  request.id.append(id_prefix_).append(number.cbegin(), end);
  request.now = parts_.clock.wall();
  return request;
}

Task<void> Gate::handle(Request& request) {
  // classify: method, exact path, exact query; everything else is 404 before anything is opened
  std::optional<git::GitRequest> git = git::classify(request.exchange->method(), request.exchange->target());
  if (!git) {
    answer_not_found(request);
    co_return;
  }
  // identify
  const bool identified = co_await identify(request, &git->repo);
  if (!identified) co_return;
  // decide -> record -> forward
  switch (git->action) {
    case git::Action::advertise: co_await advertise(request, std::move(*git)); break;
    case git::Action::rpc:
      if (git->service == git::Service::receive_pack) {
        co_await push(request, std::move(*git));
      } else {
        co_await fetch(request, std::move(*git));
      }
      break;
    case git::Action::lfs_batch: co_await lfs_batch(request, std::move(*git)); break;
    case git::Action::lfs_download:
    case git::Action::lfs_upload:
    case git::Action::lfs_verify: co_await lfs_object(request, std::move(*git)); break;
  }
}

// ---- identify -----------------------------------------------------------------------------------------------------

Task<bool> Gate::identify(Request& request, const git::RepoPath* passthrough) {
  const net::Exchange& exchange = *request.exchange;
  const net::Peer& peer = exchange.peer();
  if (peer.is_unix) {
    request.from = "unix";
  } else if (Result<IpAddress> address = IpAddress::parse(peer.address); address) {
    request.address = *address;
    const std::vector<IpNetwork>& trusted = request.in_force->config.server.trusted_proxies;
    const auto is_trusted = [&](const IpAddress& at) {
      return std::any_of(trusted.begin(), trusted.end(),
                         [&](const IpNetwork& network) { return network.contains(at); });
    };
    // Of two lines one may be the client's own, and header() knows neither: the address would be the proxy's.
    if (exchange.header_count("x-forwarded-for") > 1 && is_trusted(*request.address)) {
      answer_text(request, 400, "postern: X-Forwarded-For stands there more than once; let the proxy send one line");
      co_return false;
    }
    // From the right, the first address that no proxy of ours vouches for is the client's.
    std::optional<std::string_view> forwarded = exchange.header("x-forwarded-for");
    while (forwarded && !forwarded->empty() && is_trusted(*request.address)) {
      const std::size_t comma = forwarded->rfind(',');
      std::string_view last = comma == std::string_view::npos ? *forwarded : forwarded->substr(comma + 1);
      while (last.starts_with(' ')) last.remove_prefix(1);
      while (last.ends_with(' ')) last.remove_suffix(1);
      Result<IpAddress> named = IpAddress::parse(last);
      if (!named) {
        answer_text(request, 400, "postern: X-Forwarded-For holds something that is no address");
        co_return false;
      }
      request.address = *named;
      forwarded = comma == std::string_view::npos ? std::string_view{} : forwarded->substr(0, comma);
    }
    request.from = *request.address == *address ? peer.address : request.address->to_string();
  }

  const std::optional<std::string_view> sent = exchange.header("authorization");
  const std::span<const std::string_view> values = sent ? std::span(&*sent, 1) : std::span<const std::string_view>();
  const identity::Credential credential = identity::credential_of(values);
  identity::Presented presented;
  presented.token = identity::token_in(credential);
  if (peer.is_unix) {
    auto [name, is_new] = user_names_.try_emplace(peer.uid);
    if (is_new) name->second = account_name(peer.uid);
    presented.peer = identity::UnixPeer{peer.uid, peer.gid, name->second};
  }

  identity::AuthOutcome outcome = identity::NotMine{};
  if (const auto* refused = std::get_if<identity::Refused>(&credential)) {
    outcome = *refused;
  } else if (!presented.token.empty() || presented.peer) {
    outcome = request.in_force->providers->authenticate(presented);
    if (std::holds_alternative<identity::NeedsKeys>(outcome)) {
      // Only here the network is needed; the loop goes on while a worker asks.
      const std::string token(presented.token);
      const std::optional<identity::UnixPeer> unix_peer = presented.peer;
      const std::shared_ptr<const InForce> in_force = request.in_force;
      // Named, not written into the co_await: g++ 12 destroys a closure that is a temporary there twice.
      auto wait = [in_force, token, unix_peer] {
        identity::Presented again;
        again.token = token;
        again.peer = unix_peer;
        return in_force->providers->authenticate_waiting(again);
      };
      outcome = co_await net::on_worker(parts_.workers, loop_, std::move(wait));
      request.now = parts_.clock.wall();
    }
  }

  if (const auto* held = std::get_if<std::shared_ptr<const identity::VerifiedToken>>(&outcome)) {
    const identity::VerifiedToken* token = held->get();
    const bool is_current = request.in_force == in_force_;  // a reload may have come while keys were waited for
    if (const auto known = known_.find(token); is_current && known != known_.end()) {
      request.who = known->second.who;
      co_return true;
    }
    auto identified = request.rules().identify(*token);
    if (auto* who = std::get_if<identity::Identity>(&identified)) {
      request.who = std::move(*who);
      // A peer of the Unix socket has a token of its own each time, which nobody else holds.
      if (is_current && held->use_count() > 1) {
        if (known_.size() >= kKnownMax) known_.clear();
        known_.emplace(token, Known{*held, request.who});
      }
      co_return true;
    }
    const auto& refusal = std::get<access::IdentifyRefusal>(identified);
    std::string names;
    for (const std::string& name : refusal.names) names += (names.empty() ? "" : ",") + name;
    log::info("auth.refused", {{"request", request.id},
                               {"reason", refusal.reason},
                               {"issuer", token->issuer_name},
                               {"subject", token->subject},
                               {"client", token->client},
                               {"names", names},
                               {"from", request.from}});
    parts_.metrics.add(Metrics::unauthenticated);
    audit::AuditEntry entry = make_entry(request, EntryKind::auth_refused);
    entry.who.issuer = token->issuer_name;
    entry.who.subject = token->subject;
    entry.who.client = token->client;
    entry.detail.set("reason", refusal.reason);
    if (!record_soon(request, std::move(entry))) co_return false;
    answer_unauthorized(request, refusal.advice);
    co_return false;
  }
  if (const auto* unavailable = std::get_if<identity::Unavailable>(&outcome)) {
    log::warning("auth.unavailable", {{"request", request.id}, {"reason", unavailable->reason}});
    answer_unavailable(request, "your token cannot be verified now: " + unavailable->reason);
    co_return false;
  }
  if (std::holds_alternative<identity::NotMine>(outcome) && passthrough != nullptr &&
      request.in_force->passes_through(*passthrough, request.now) &&
      !std::holds_alternative<identity::BearerCredential>(credential)) {
    const auto* basic = std::get_if<identity::BasicCredential>(&credential);
    request.own_authorization = basic != nullptr ? std::string(*sent) : std::string();
    if (basic != nullptr) {
      request.who = request.rules().identify_gogs_user(ascii_lower(basic->user));
    } else {
      request.who.name = "anonymous";
      request.who.issuer = "gogs";
    }
    co_return true;
  }
  std::string reason = "no_credential";
  std::string advice =
      "a token is needed: as the Basic password (any user name), or as `Authorization: Bearer`; for git, "
      "a credential helper gives it";
  if (const auto* refused = std::get_if<identity::Refused>(&outcome)) {
    reason = refused->reason;
    advice = refused->advice;
  } else if (!std::holds_alternative<identity::NoCredential>(credential)) {
    reason = "not_a_token";
    advice = "what stands in the password is no token; passwords are not taken here";
  }
  parts_.metrics.add(Metrics::unauthenticated);
  parts_.refusals.note(request.from, reason, request.now);
  // The first request of every git client comes without a credential: that is no event.
  if (reason == "no_credential") {
    log::debug("auth.refused", {{"request", request.id}, {"reason", reason}, {"from", request.from}});
  } else {
    log::info("auth.refused", {{"request", request.id}, {"reason", reason}, {"from", request.from}});
  }
  answer_unauthorized(request, advice);
  co_return false;
}

// ---- advertise ----------------------------------------------------------------------------------------------------

// Any verb gives both advertisements: a push that will be refused must get far enough to be refused readably.
bool Gate::may_ask(Request& request, const git::RepoPath& repo) {
  if (request.own_authorization) return true;  // the upstream judges its own accounts
  return request.rules().may_any(request.who, repo, request.address, request.now);
}

Task<void> Gate::advertise(Request& request, git::GitRequest git) {
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::advertise, &git.repo);
  entry.detail.set("service", git::to_string(git.service));
  if (!record_soon(request, std::move(entry))) co_return;

  const std::unique_ptr<net::UpstreamCall> call = co_await open_answer(request, upstream_request(request, git), {});
  if (!call) co_return;
  const std::string content_type = "application/x-" + std::string(git::to_string(git.service)) + "-advertisement";
  const Result<const net::UpstreamResponse*> response = co_await call->response();
  const std::string_view upstream_type = response ? (*response)->header("content-type").value_or("(none)") : "(none)";
  if (upstream_type != content_type) {
    answer_upstream_error(request, {ErrorCode::invalid_input, "the upstream's advertisement is none: Content-Type " +
                                                                  std::string(upstream_type)});
    co_return;
  }
  git::AdvertisementRewriter advertisement(git.service);
  net::Exchange& exchange = *request.exchange;
  std::string out;
  std::optional<Error> failed;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await call->read();
    if (!piece) {
      failed = piece.error();
      break;
    }
    if (!*piece) break;
    if (Status fed = advertisement.feed(**piece, out); !fed) {
      failed = fed.error();
      break;
    }
    if (out.size() < kSmallAnswer) continue;
    if (!exchange.answered()) exchange.start({200, common_headers(request, content_type), std::nullopt});
    Status written = co_await exchange.write(out);
    if (!written) co_return;
    out.clear();
  }
  if (!failed) {
    if (Status whole = advertisement.finish(); !whole) failed = whole.error();
  }
  if (failed) {
    // An advertisement that is cut short must not look like a repository with fewer refs.
    if (exchange.answered()) {
      log::warning("upstream.broken", {{"request", request.id}, {"what", failed->message}});
      exchange.abort();
    } else {
      answer_upstream_error(request, *failed);
    }
    co_return;
  }
  if (git.service == git::Service::receive_pack) facts_.note(git.repo, advertisement);
  parts_.metrics.add(Metrics::advertisements);
  if (!exchange.answered()) {
    exchange.respond(200, common_headers(request, content_type), std::move(out));
    co_return;
  }
  Status written = co_await exchange.write(out);
  if (written) exchange.finish();
}

// ---- fetch --------------------------------------------------------------------------------------------------------

Task<void> Gate::fetch(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  if (exchange.header("content-type") != "application/x-git-upload-pack-request") {
    answer_text(request, 415, "postern: Content-Type must be application/x-git-upload-pack-request");
    co_return;
  }
  const std::optional<std::string_view> encoding = exchange.header("content-encoding");
  if (encoding && *encoding != "gzip") {
    answer_text(request, 415, "postern: the only Content-Encoding taken is gzip");
    co_return;
  }
  std::string rule = "passthrough";
  if (!request.own_authorization) {
    const access::Decision decision = request.rules().decide_read(request.who, git.repo, request.address, request.now);
    if (!decision.allowed) {
      audit::AuditEntry entry = make_entry(request, EntryKind::access_refused, &git.repo);
      entry.rule = decision.rule;
      entry.detail.set("verb", "read");
      entry.detail.set("reason", decision.reason);
      if (!record_soon(request, std::move(entry))) co_return;
      parts_.metrics.add(Metrics::forbidden);
      // The one spelling that git prints as it stands, for every version of the protocol.
      std::string body;
      git::append_pkt(body, "ERR postern: " + printable(decision.reason));
      exchange.respond(200, common_headers(request, "application/x-git-upload-pack-result"), std::move(body));
      co_return;
    }
    rule = decision.rule;
  }

  Result<std::optional<std::string_view>> first = co_await exchange.read();
  if (!first) {
    answer_text(request, 400, "postern: " + first.error().message);
    co_return;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::fetch, &git.repo);
  entry.rule = rule;
  if (*first && !encoding) entry.detail.set("wants", wants_in(**first));
  if (encoding) entry.detail.set("wants_encoding", *encoding);
  Status recorded = co_await record(std::move(entry));
  if (!recorded) {
    answer_unavailable(request, "the audit log cannot be written");
    co_return;
  }

  net::UpstreamRequest forwarded = upstream_request(request, git);
  forwarded.headers.emplace_back("Content-Type", "application/x-git-upload-pack-request");
  forwarded.headers.emplace_back("Accept", "application/x-git-upload-pack-result");
  if (encoding) forwarded.headers.emplace_back("Content-Encoding", *encoding);
  forwarded.has_body = exchange.has_body();
  forwarded.length = exchange.content_length();
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.open(std::move(forwarded));
  if (!call) {
    answer_upstream_error(request, call.error());
    co_return;
  }
  const bool sent = co_await send_body(request, **call, *first ? **first : std::string_view{});
  if (!sent) co_return;
  parts_.metrics.add(Metrics::fetches);
  co_await relay(request, **call, "application/x-git-upload-pack-result");
}

// ---- what the ways share ------------------------------------------------------------------------------------------

void Gate::refuse_access(Request& request, const git::RepoPath& repo, std::string_view reason) {
  audit::AuditEntry entry = make_entry(request, EntryKind::access_refused, &repo);
  entry.detail.set("reason", reason);
  if (!record_soon(request, std::move(entry))) return;
  parts_.metrics.add(Metrics::forbidden);
  log::info("access.refused",
            {{"request", request.id}, {"who", request.who.name}, {"repository", repo.full_name()}, {"reason", reason}});
  answer_not_found(request);
}

// What the upstream is shown: the client's own credential where it passes through, else the brokered one.
std::string Gate::authorization_for(const Request& request) {
  if (request.own_authorization) return *request.own_authorization;
  return std::string(request.in_force->upstream_authorization_for(request.who.name).reveal());
}

// Nothing of the client's head goes on but what stands here.
net::UpstreamRequest Gate::upstream_request(const Request& request, const git::GitRequest& git) const {
  net::UpstreamRequest forwarded;
  forwarded.headers.reserve(6);
  forwarded.method = std::string(request.exchange->method());
  forwarded.target = git::upstream_target(git);
  forwarded.headers.emplace_back("User-Agent", "postern/" POSTERN_VERSION);
  std::string authorization = authorization_for(request);
  if (!authorization.empty()) forwarded.headers.emplace_back("Authorization", std::move(authorization));
  if (request.in_force->config.upstream.kind == config::UpstreamConfig::Kind::git) {
    const std::optional<std::string_view> version = request.exchange->header("git-protocol");
    if (version && (*version == "version=0" || *version == "version=1" || *version == "version=2")) {
      forwarded.headers.emplace_back("Git-Protocol", *version);
    }
  }
  return forwarded;
}

// Asks the upstream, with a body that is in hand or none, up to the head of an answer that is 200. Null: it was not,
// and the client has been told.
Task<std::unique_ptr<net::UpstreamCall>> Gate::open_answer(Request& request, net::UpstreamRequest forwarded,
                                                           std::string_view body) {
  Result<std::unique_ptr<net::UpstreamCall>> call;
  Status sent;
  if (forwarded.has_body) {
    call = co_await upstream_.open(std::move(forwarded));
    if (call) sent = co_await (*call)->send(body);
    if (call && sent) sent = co_await (*call)->end();
  } else {
    call = co_await upstream_.ask(std::move(forwarded));
  }
  if (!call || !sent) {
    answer_upstream_error(request, call ? sent.error() : call.error());
    co_return nullptr;
  }
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response) {
    answer_upstream_error(request, response.error());
    co_return nullptr;
  }
  if (!answer_upstream_status(request, (*response)->status)) co_return nullptr;
  co_return std::move(*call);
}

// The rest of the client's body to the upstream. False: it was answered, or cut.
Task<bool> Gate::send_body(Request& request, net::UpstreamCall& call, std::string_view first) {
  net::Exchange& exchange = *request.exchange;
  Status sent = co_await call.send(first);
  while (sent) {
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece) {
      answer_text(request, 400, "postern: " + piece.error().message);
      co_return false;
    }
    if (!*piece) {
      sent = co_await call.end();
      if (sent) co_return true;
      break;
    }
    sent = co_await call.send(**piece);
  }
  answer_upstream_error(request, sent.error());
  co_return false;
}

// The upstream's answer to the client, as it comes.
Task<void> Gate::relay(Request& request, net::UpstreamCall& call, std::string_view content_type) {
  net::Exchange& exchange = *request.exchange;
  Result<const net::UpstreamResponse*> response = co_await call.response();
  if (!response) {
    answer_upstream_error(request, response.error());
    co_return;
  }
  if (!answer_upstream_status(request, (*response)->status)) co_return;
  const std::optional<std::uint64_t> length = (*response)->length;
  if (length && *length <= kSmallAnswer) {
    Result<std::string> body = co_await read_all(call, kSmallAnswer);
    if (body) {
      exchange.respond(200, common_headers(request, content_type), std::move(*body));
    } else {
      answer_upstream_error(request, body.error());
    }
    co_return;
  }
  exchange.start({200, common_headers(request, content_type), length});
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await call.read();
    if (!piece) {
      log::warning("upstream.broken", {{"request", request.id}, {"what", piece.error().message}});
      parts_.metrics.add(Metrics::upstream_errors);
      exchange.abort();
      co_return;
    }
    if (!*piece) break;
    Status written = co_await exchange.write(**piece);
    if (!written) co_return;  // the client left: what the upstream still has to say is nobody's
  }
  exchange.finish();
}

void Gate::answer_upstream_error(Request& request, const Error& error) {
  log::warning("upstream.error", {{"request", request.id}, {"what", error.message}});
  parts_.metrics.add(Metrics::upstream_errors);
  answer_text(
      request, 502,
      "postern: the git server behind the gateway does not answer as it should; try again. request: " + request.id);
}

// True for 200; else it is answered. What the upstream says of credentials is about ours, unless the client's own went
// on.
bool Gate::answer_upstream_status(Request& request, int status) {
  if (status == 200) return true;
  if (status == 404) {
    answer_not_found(request);
    return false;
  }
  if (request.own_authorization && (status == 401 || status == 403)) {
    if (status == 401) {
      answer_unauthorized(request, "the upstream does not take this user name and password");
    } else {
      answer_text(request, 403, "postern: the upstream gives this account no right here");
    }
    return false;
  }
  log::error("upstream.status", {{"request", request.id}, {"status", status}, {"target", request.exchange->target()}});
  parts_.metrics.add(Metrics::upstream_errors);
  if (status == 401 || status == 403) {
    answer_text(
        request, 502,
        "postern: the git server refuses the gateway's own account; fix (operator): give the service account an "
        "access row for this repository, or renew its token. request: " +
            request.id);
  } else {
    answer_text(request, 502, "postern: the git server answers " + std::to_string(status) + ". request: " + request.id);
  }
  return false;
}

Task<Status> Gate::record(audit::AuditEntry entry) {
  auto start = [&](std::function<void(Result<store::Seq>)> done) {
    parts_.store.append(std::move(entry), std::move(done));
  };
  Result<store::Seq> seq = co_await net::callback<Result<store::Seq>>(loop_, start);
  if (!seq) {
    log::error("store.append", {{"what", seq.error().message}});
    co_return fail(seq.error());
  }
  co_return Status{};
}

// No record, no access: where the queue is full the request ends here.
bool Gate::record_soon(Request& request, audit::AuditEntry entry) {
  if (Status queued = parts_.store.append_soon(std::move(entry)); !queued) {
    log::error("store.append_soon", {{"request", request.id}, {"what", queued.error().message}});
    answer_unavailable(request, "the audit log cannot be written");
    return false;
  }
  return true;
}

}  // namespace postern::app
