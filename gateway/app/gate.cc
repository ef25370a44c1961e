#include "gateway/app/gate.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <set>

#include "gateway/access/ticket.h"
#include "gateway/app/settle.h"
#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "gateway/git/advertisement.h"
#include "gateway/git/lfs.h"
#include "gateway/git/report_status.h"
#include "gateway/identity/credential.h"

namespace postern::app {
namespace {

using audit::EntryKind;
using net::Task;

constexpr std::size_t kSmallAnswer = std::size_t{64} << 10;
constexpr std::size_t kWantsMax = 64;

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

// What the upstream is shown: the client's own credential where it passes through, else the brokered one.
std::string authorization_for(const Request& request) {
  if (request.own_authorization) return *request.own_authorization;
  return basic_authorization(request.in_force->upstream_token_for(request.who.name));
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

}  // namespace

Gate::Gate(net::EventLoop& loop, net::Upstream& upstream, GateParts parts, std::shared_ptr<const InForce> in_force)
    : loop_(loop),
      upstream_(upstream),
      parts_(parts),
      in_force_(std::move(in_force)),
      facts_(upstream, parts.clock),
      id_prefix_(hex_encode(random_bytes(8))) {}

// ---- one request --------------------------------------------------------------------------------------------------

Request Gate::make_request(std::shared_ptr<net::Exchange> exchange) {
  parts_.metrics.add(Metrics::requests);
  Request request;
  request.exchange = std::move(exchange);
  request.in_force = in_force_;
  request.id = id_prefix_ + "-" + std::to_string(++id_count_);
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
    request.from = request.address->to_string();
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

  std::string reason = "no_credential";
  std::string advice =
      "a token is needed: as the Basic password (any user name), or as `Authorization: Bearer`; for git, "
      "git-credential-postern provides one";
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
    auto identified = request.rules().identify(*token);
    if (auto* who = std::get_if<identity::Identity>(&identified)) {
      request.who = std::move(*who);
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

  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.ask(upstream_request(request, git));
  if (!call) {
    answer_upstream_error(request, call.error());
    co_return;
  }
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response) {
    answer_upstream_error(request, response.error());
    co_return;
  }
  if (!answer_upstream_status(request, (*response)->status)) co_return;
  const std::string content_type = "application/x-" + std::string(git::to_string(git.service)) + "-advertisement";
  const std::string* upstream_type = (*response)->header("content-type");
  if (upstream_type == nullptr || *upstream_type != content_type) {
    answer_upstream_error(request,
                          {ErrorCode::invalid_input, "the upstream's advertisement is none: Content-Type " +
                                                         (upstream_type == nullptr ? "(none)" : *upstream_type)});
    co_return;
  }
  git::AdvertisementRewriter advertisement(git.service);
  net::Exchange& exchange = *request.exchange;
  std::string out;
  std::optional<Error> failed;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await (*call)->read();
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

// ---- push ---------------------------------------------------------------------------------------------------------

struct Gate::PushPlan {
  git::PushHeadParser parser;
  std::vector<access::Decision> decisions;  // one per command
  std::vector<std::string> reasons;         // one per command; empty: nothing against it
  std::string jti;                          // the push's id in the store, and the ticket's where one travels
  bool ticketed = false;
  std::vector<std::string> options;  // what the gateway adds
  std::set<std::string> rules;       // names that decided
  MonoTime cut_at{};
  const git::PushRequest& head() const { return parser.request(); }
};

Task<void> Gate::push(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  // Exact, before a byte of the body is read: Gogs parses forms before it asks who is there.
  if (exchange.header("content-type") != "application/x-git-receive-pack-request") {
    answer_text(request, 415, "postern: Content-Type must be application/x-git-receive-pack-request");
    co_return;
  }
  if (exchange.header_count("content-encoding") > 0) {
    answer_text(request, 415, "postern: a push's body is taken as it is, without Content-Encoding");
    co_return;
  }

  // The head: the commands, which come before the pack.
  exchange.set_drain_limit(kDrainPush);
  PushPlan plan;
  std::string_view rest;
  auto state = git::PushHeadParser::State::more;
  while (state == git::PushHeadParser::State::more) {
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece) {
      answer_text(request, 400, "postern: " + piece.error().message);
      co_return;
    }
    if (!*piece) {
      Status whole = plan.parser.finish();
      answer_text(request, 400, "postern: " + (whole ? std::string("an empty push") : whole.error().message));
      co_return;
    }
    rest = **piece;
    Result<git::PushHeadParser::State> fed = plan.parser.feed(rest);
    if (!fed) {
      log::info("push.malformed", {{"request", request.id}, {"who", request.who.name}, {"what", fed.error().message}});
      answer_text(request, 400, "postern: " + fed.error().message);
      co_return;
    }
    state = *fed;
  }
  if (plan.head().is_probe) {
    // git's question whether a large body would be let in; there is nothing to judge and nothing to forward.
    Result<std::optional<std::string_view>> end = co_await exchange.read();
    if (!rest.empty() || !end || *end) {
      answer_text(request, 400, "postern: bytes after the end of a push without commands");
      co_return;
    }
    exchange.respond(200, common_headers(request, git::kReceivePackResult), {});
    co_return;
  }

  // Decide every ref; one that is refused refuses the push.
  if (!decide_push(request, git, plan)) {
    refuse_push(request, git, plan, {});
    co_return;
  }
  plan.jti = hex_encode(random_bytes(16));
  Status ticket = co_await write_ticket(request, git, plan);
  if (!ticket) {
    for (std::string& reason : plan.reasons) reason = ticket.error().message;
    refuse_push(request, git, plan, ticket.error().message);
    co_return;
  }
  co_await forward_push(request, git, plan, rest);
}

bool Gate::decide_push(Request& request, const git::GitRequest& git, PushPlan& plan) {
  const git::PushRequest& head = plan.head();
  plan.reasons = plan.parser.refusals();
  plan.reasons.resize(head.commands.size());
  plan.decisions.resize(head.commands.size());
  bool allowed = true;
  for (std::size_t i = 0; i < head.commands.size(); ++i) {
    access::Decision& decision = plan.decisions[i];
    if (request.own_authorization) {
      decision.allowed = true;
      decision.rule = "passthrough";
    } else {
      decision = request.rules().decide_update(request.who, git.repo, head.commands[i], request.address, request.now);
    }
    if (!decision.allowed && plan.reasons[i].empty()) plan.reasons[i] = decision.reason;
    if (!plan.reasons[i].empty()) allowed = false;
    if (!decision.rule.empty()) plan.rules.insert(decision.rule);
  }
  for (const std::string& option : head.options) {
    if (!option.starts_with(access::kTicketOption)) continue;
    for (std::string& reason : plan.reasons)
      reason = "push option '" + std::string(access::kTicketOption) + "' is reserved";
    allowed = false;
  }
  return allowed;
}

void Gate::refuse_push(Request& request, const git::GitRequest& git, PushPlan& plan, std::string_view line) {
  const git::PushRequest& head = plan.head();
  std::vector<std::string> lines;
  if (!line.empty()) lines.push_back("postern: " + std::string(line));
  json::Array refs;
  for (std::size_t i = 0; i < head.commands.size(); ++i) {
    json::Value ref = json::Object{};
    ref.set("ref", head.commands[i].ref);
    ref.set("old", head.commands[i].old_id.hex());
    ref.set("new", head.commands[i].new_id.hex());
    ref.set("reason", plan.reasons[i]);
    if (!plan.decisions[i].rule.empty()) ref.set("rule", plan.decisions[i].rule);
    refs.push_back(std::move(ref));
    if (line.empty() && !plan.reasons[i].empty() && lines.size() < 20) {
      lines.push_back("postern: " + head.commands[i].ref + ": " + plan.reasons[i]);
    }
  }
  if (line.empty()) lines.push_back("fix: ask for a grant on the refused refs, or push only what your grants name");
  lines.push_back("request: " + request.id);
  audit::AuditEntry entry = make_entry(request, EntryKind::push_refused, &git.repo);
  entry.rule = joined(plan.rules);
  entry.detail.set("refs", std::move(refs));
  if (!record_soon(request, std::move(entry))) return;
  parts_.metrics.add(Metrics::pushes_refused);
  log::info("push.refused", {{"request", request.id},
                             {"who", request.who.name},
                             {"repository", git.repo.full_name()},
                             {"reason", lines.front()}});
  git::RefusalAnswer answer = git::write_refusal(head, plan.reasons, lines);
  request.exchange->respond(answer.status, common_headers(request, answer.content_type), std::move(answer.body));
}

// For a governed repository the hook must be told what was decided: the signed ticket, put in as a push option.
Task<Status> Gate::write_ticket(Request& request, const git::GitRequest& git, PushPlan& plan) {
  const access::Governance governance = request.rules().governance_of(git.repo);
  if (!governance.governed || git.repo.is_wiki()) co_return Status{};
  const std::shared_ptr<const InForce> in_force = request.in_force;
  const std::string authorization = authorization_for(request);
  Result<bool> offered = co_await facts_.takes_push_options(git.repo, authorization);
  if (!offered) co_return fail(offered.error().code, "the upstream was not to be asked: " + offered.error().message);
  if (!*offered) {
    co_return fail(ErrorCode::unsupported,
                   "the upstream takes no push options, so no ticket can reach its hook; fix: postern-hook install");
  }
  Result<std::optional<std::int64_t>> id = co_await facts_.id(git.repo, in_force);
  if (!id) co_return fail(id.error());

  const git::PushRequest& head = plan.head();
  access::Ticket ticket;
  ticket.jti = plan.jti;
  ticket.issued_at = parts_.clock.wall();
  ticket.expires_at = ticket.issued_at + in_force->config.tickets.lifetime;
  ticket.issuer = in_force->config.server.external_url;
  ticket.identity = {request.who.name, std::string(identity::to_string(request.who.kind)), request.who.issuer,
                     request.who.subject, request.who.client};
  ticket.owner = git.repo.owner();
  ticket.name = git.repo.name();
  ticket.repo_id = *id;
  ticket.mode = governance.mode;
  ticket.commands = git::command_digest(head.commands);
  for (const access::Decision& decision : plan.decisions) {
    access::TicketGrant grant{decision.rule, decision.verbs, decision.allowed_paths, decision.denied_paths};
    const auto known = std::find(ticket.grants.begin(), ticket.grants.end(), grant);
    ticket.use.push_back(static_cast<unsigned>(known - ticket.grants.begin()));
    if (known == ticket.grants.end()) ticket.grants.push_back(std::move(grant));
  }
  ticket.rules = request.rules().digest();
  if (const access::Templates* templates = request.rules().templates_of(git.repo)) {
    ticket.settings.may_relax = templates->may_relax;
    ticket.settings.severity = templates->severity;
  }
  Result<std::string> jws = access::sign_ticket(ticket, in_force->ticket_keys.front());
  if (!jws) co_return fail(jws.error());
  plan.options = access::ticket_options(*jws);
  std::size_t bytes = 0;
  for (const std::string& option : head.options) bytes += option.size();
  for (const std::string& option : plan.options) bytes += option.size();
  if (bytes >= access::kPushOptionsMax) {
    co_return fail(ErrorCode::limit, "ticket and push options are longer than 128 KiB; fix: push fewer refs at once");
  }
  plan.ticketed = true;
  plan.cut_at = parts_.clock.mono() + in_force->config.tickets.lifetime;
  co_return Status{};
}

Task<void> Gate::forward_push(Request& request, const git::GitRequest& git, PushPlan& plan, std::string_view rest) {
  net::Exchange& exchange = *request.exchange;
  const git::PushRequest& head = plan.head();

  // Record: durable before a byte is forwarded.
  const InFlight::Hold hold(parts_.in_flight, plan.jti);
  store::PushIntent intent;
  intent.id = plan.jti;
  intent.commands = head.commands;
  intent.sponsor = request.who.sponsor;
  intent.entry = make_entry(request, EntryKind::push_intent, &git.repo);
  intent.entry.rule = joined(plan.rules);
  intent.entry.detail.set("ticket", plan.ticketed);
  auto begin = [&](std::function<void(Result<store::Seq>)> done) {
    parts_.store.begin_push(std::move(intent), std::move(done));
  };
  Result<store::Seq> begun = co_await net::callback<Result<store::Seq>>(loop_, begin);
  if (!begun) {
    log::error("store.push_intent", {{"request", request.id}, {"what", begun.error().message}});
    for (std::string& reason : plan.reasons) reason = "the gateway cannot record the push now; try again";
    refuse_push(request, git, plan, "the gateway cannot record the push now; nothing was changed, try again");
    co_return;
  }

  // Forward: our own head, then the pack as it comes.
  const std::string new_head = git::write_push_head(head, plan.options);
  net::UpstreamRequest forwarded = upstream_request(request, git);
  forwarded.headers.emplace_back("Content-Type", "application/x-git-receive-pack-request");
  forwarded.headers.emplace_back("Accept", git::kReceivePackResult);
  forwarded.has_body = true;
  if (const std::optional<std::uint64_t> length = exchange.content_length()) {
    forwarded.length = *length - plan.parser.head_bytes() + new_head.size();
  }
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.open(std::move(forwarded));
  Status sent = call ? Status{} : Status(fail(call.error()));
  git::PackGuard guard(head.expects_pack);
  bool client_fault = false;
  if (sent) sent = co_await (*call)->send(new_head);
  while (sent) {
    if (Status guarded = guard.feed(rest); !guarded) {
      sent = guarded;
      client_fault = true;
      break;
    }
    sent = co_await (*call)->send(rest);
    if (!sent) break;
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece || (plan.ticketed && parts_.clock.mono() > plan.cut_at)) {
      sent =
          piece ? Status(fail(ErrorCode::timeout, "the push took longer than its ticket lives")) : fail(piece.error());
      client_fault = true;
      break;
    }
    if (!*piece) {
      sent = guard.finish();
      client_fault = !sent;
      if (sent) sent = co_await (*call)->end();
      break;
    }
    rest = **piece;
  }
  if (!sent) {
    // Nothing that the upstream got was whole, but it has the last word: the intent stays open and is settled from the
    // spool or the refs.
    log::warning("push.not_forwarded", {{"request", request.id}, {"push", plan.jti}, {"what", sent.error().message}});
    parts_.metrics.add(Metrics::pushes_failed);
    if (call) call->reset();
    if (client_fault) {
      answer_text(request, 400, "postern: " + sent.error().message);
    } else {
      parts_.metrics.add(Metrics::upstream_errors);
      for (std::string& reason : plan.reasons) reason = "the upstream does not answer; try again";
      git::RefusalAnswer answer = git::write_refusal(
          head, plan.reasons, std::vector<std::string>{"postern: " + sent.error().message, "request: " + request.id});
      exchange.respond(answer.status, common_headers(request, answer.content_type), std::move(answer.body));
    }
    co_return;
  }
  co_await answer_push(request, git, plan, **call);
}

Task<void> Gate::answer_push(Request& request, const git::GitRequest& git, PushPlan& plan, net::UpstreamCall& call) {
  net::Exchange& exchange = *request.exchange;
  const git::PushRequest& head = plan.head();
  std::optional<Error> failed;
  Result<const net::UpstreamResponse*> response = co_await call.response();
  if (!response) {
    failed = response.error();
  } else if ((*response)->status != 200) {
    failed = Error{ErrorCode::unavailable, "the upstream answers " + std::to_string((*response)->status)};
  } else if (const std::string* type = (*response)->header("content-type");
             type == nullptr || *type != git::kReceivePackResult) {
    failed = Error{ErrorCode::invalid_input, "the upstream's answer to a push is none"};
  }
  if (response && (*response)->status >= 400 && (*response)->status < 500) {
    // Refused before git was started: nothing moved, and that is known.
    const std::string said = "the upstream answered " + std::to_string((*response)->status);
    log::error("upstream.status", {{"request", request.id}, {"push", plan.jti}, {"what", said}});
    parts_.metrics.add(Metrics::upstream_errors);
    git::PushReport nothing;
    nothing.unpack = said;
    co_await settle(request, git, plan, nothing, std::nullopt);
    plan.reasons.assign(head.commands.size(), said);
    std::vector<std::string> lines{"postern: " + said + "; nothing was changed"};
    lines.push_back("fix: (operator) give the gateway's account at the git server write access to this repository");
    lines.push_back("request: " + request.id);
    git::RefusalAnswer answer = git::write_refusal(head, plan.reasons, lines);
    exchange.respond(answer.status, common_headers(request, answer.content_type), std::move(answer.body));
    co_return;
  }
  git::ReportReader reader(head.capabilities.side_band_64k);
  std::string out;
  while (!failed) {
    Result<std::optional<std::string_view>> piece = co_await call.read();
    if (!piece) {
      failed = piece.error();
      break;
    }
    if (!*piece) break;
    if (Status fed = reader.feed(**piece, out); !fed) {
      failed = fed.error();
      break;
    }
    if (out.empty()) continue;
    // Once the client left, the rest is still read: what became of the push must be known.
    if (!exchange.answered()) exchange.start({200, common_headers(request, git::kReceivePackResult), std::nullopt});
    co_await exchange.write(out);
    out.clear();
  }
  git::PushReport report;
  if (!failed) {
    Result<git::PushReport> whole = reader.finish();
    if (whole) {
      report = std::move(*whole);
    } else {
      failed = whole.error();
    }
  }
  if (failed) {
    log::error("push.outcome_unknown", {{"request", request.id}, {"push", plan.jti}, {"what", failed->message}});
    parts_.metrics.add(Metrics::upstream_errors);
    parts_.metrics.add(Metrics::pushes_failed);
    const std::string text =
        "postern: " + failed->message +
        "; whether the push was taken is not known yet: git fetch shows it. request: " + request.id;
    if (exchange.answered()) {
      git::append_band(out, 3, text + "\n");
      co_await exchange.write(out);
      exchange.finish();
    } else if (head.capabilities.side_band_64k) {
      git::append_band(out, 3, text + "\n");
      exchange.respond(200, common_headers(request, git::kReceivePackResult), std::move(out));
    } else {
      answer_text(request, 502, text);
    }
    co_return;
  }

  std::optional<spool::Verdict> verdict;
  if (plan.ticketed) {
    const spool::Spool* spool = &parts_.spool;
    const std::string jti = plan.jti;
    // Named, not written into the co_await: g++ 12 destroys a closure that is a temporary there twice.
    auto read_it = [spool, jti] { return spool->read_verdict(jti); };
    Result<std::optional<spool::Verdict>> read = co_await net::on_worker(parts_.workers, loop_, std::move(read_it));
    if (read) {
      verdict = std::move(*read);
    } else {
      log::error("spool.read", {{"request", request.id}, {"push", plan.jti}, {"what", read.error().message}});
    }
  }
  co_await settle(request, git, plan, report, verdict);
  if (verdict) {
    std::map<std::string, std::string, std::less<>> reasons;
    for (const spool::CommandVerdict& command : verdict->commands) {
      reasons[command.command.ref] =
          command.accepted ? "another ref of this push was refused" : git::report_line(command.reason);
    }
    git::replace_hook_reasons(report, reasons);
  }
  out += reader.rest(report);
  if (!exchange.answered()) {
    exchange.respond(200, common_headers(request, git::kReceivePackResult), std::move(out));
    co_return;
  }
  co_await exchange.write(out);
  exchange.finish();
}

Task<void> Gate::settle(Request& request, const git::GitRequest& git, const PushPlan& plan,
                        const git::PushReport& report, const std::optional<spool::Verdict>& verdict) {
  const git::PushRequest& head = plan.head();
  // Without a report nobody said what moved; the keeper asks the spool and the refs.
  if (!report.has_report()) co_return;
  std::vector<std::string> rules;
  for (const access::Decision& decision : plan.decisions) rules.push_back(decision.rule);
  store::PushOutcome outcome = outcome_of(plan.jti, head.commands, rules, report, verdict);
  Metrics::Counter counter = Metrics::pushes_accepted;
  for (const store::RefOutcome& ref : outcome.refs) {
    if (ref.outcome == store::Outcome::refused) counter = Metrics::pushes_refused;
    if (ref.outcome != store::Outcome::accepted && ref.outcome != store::Outcome::refused) {
      counter = Metrics::pushes_failed;
      break;
    }
  }
  parts_.metrics.add(counter);
  outcome.sponsor = request.who.sponsor;
  outcome.entry = make_entry(request, EntryKind::push_outcome, &git.repo);
  outcome.entry.at = parts_.clock.wall();
  outcome.entry.rule = joined(plan.rules);
  add_outcome_detail(outcome.entry.detail, report, verdict);
  auto start = [&](std::function<void(Result<store::Settled>)> done) {
    parts_.store.settle_push(std::move(outcome), std::move(done));
  };
  Result<store::Settled> settled = co_await net::callback<Result<store::Settled>>(loop_, start);
  if (!settled) {
    log::error("store.push_outcome", {{"request", request.id}, {"push", plan.jti}, {"what", settled.error().message}});
    co_return;
  }
  log::info("push.settled", {{"request", request.id},
                             {"push", plan.jti},
                             {"who", request.who.name},
                             {"repository", git.repo.full_name()},
                             {"outcome", counter == Metrics::pushes_accepted  ? "accepted"
                                         : counter == Metrics::pushes_refused ? "refused"
                                                                              : "failed"}});
  if (verdict) {
    const spool::Spool* spool = &parts_.spool;
    const std::string jti = plan.jti;
    parts_.workers.submit([spool, jti] {
      if (Status removed = spool->remove_verdict(jti); !removed) {
        log::warning("spool.remove", {{"push", jti}, {"what", removed.error().message}});
      }
    });
  }
}

// ---- LFS ----------------------------------------------------------------------------------------------------------

Task<void> Gate::lfs_batch(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  const std::optional<std::string_view> type = exchange.header("content-type");
  if (!type || type->substr(0, type->find(';')) != git::kLfsMediaType ||
      exchange.header_count("content-encoding") > 0) {
    answer_text(request, 415, "postern: Content-Type must be " + std::string(git::kLfsMediaType));
    co_return;
  }
  // The same URL reads and writes: the right is judged by what the body says.
  std::string body;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece) {
      answer_text(request, 400, "postern: " + piece.error().message);
      co_return;
    }
    if (!*piece) break;
    if (body.size() + (*piece)->size() > git::kLfsBatchMax) {
      answer_text(request, 413, "postern: an LFS batch is at most 1 MiB");
      co_return;
    }
    body.append(**piece);
  }
  Result<git::LfsBatch> batch = git::parse_lfs_batch(body);
  if (!batch) {
    answer_text(request, 422, "postern: " + batch.error().message);
    co_return;
  }
  std::string rule = "passthrough";
  if (!request.own_authorization) {
    access::Decision decision;
    if (!batch->upload) {
      decision = request.rules().decide_read(request.who, git.repo, request.address, request.now);
    } else if (batch->ref.empty()) {
      decision.reason = "an upload must name the ref it is for (git-lfs 2.4 and later do)";
    } else {
      decision =
          request.rules().decide(request.who, git.repo, batch->ref, access::Verb::update, request.address, request.now);
      if (!decision.allowed) {
        decision = request.rules().decide(request.who, git.repo, batch->ref, access::Verb::create, request.address,
                                          request.now);
      }
    }
    if (!decision.allowed) {
      audit::AuditEntry entry = make_entry(request, EntryKind::access_refused, &git.repo);
      entry.rule = decision.rule;
      entry.detail.set("lfs", batch->upload ? "upload" : "download");
      entry.detail.set("reason", decision.reason);
      if (!record_soon(request, std::move(entry))) co_return;
      parts_.metrics.add(Metrics::forbidden);
      json::Value answer = json::Object{};
      answer.set("message", "postern: " + printable(decision.reason));
      answer.set("request_id", request.id);
      exchange.respond(403, common_headers(request, git::kLfsMediaType), json::dump(answer));
      co_return;
    }
    rule = decision.rule;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::lfs, &git.repo);
  entry.rule = rule;
  json::Array oids;
  for (const git::LfsObject& object : batch->objects) oids.emplace_back(object.oid);
  entry.detail.set("action", batch->upload ? "batch upload" : "batch download");
  entry.detail.set("oids", std::move(oids));
  Status recorded = co_await record(std::move(entry));
  if (!recorded) {
    answer_unavailable(request, "the audit log cannot be written");
    co_return;
  }
  if (batch->upload) {
    for (const git::LfsObject& object : batch->objects) {
      parts_.lfs_uploads.allow(request.who.name, git.repo, object.oid, parts_.clock.mono());
    }
  }
  net::UpstreamRequest forwarded = upstream_request(request, git);
  forwarded.headers.emplace_back("Content-Type", git::kLfsMediaType);
  forwarded.headers.emplace_back("Accept", git::kLfsMediaType);
  forwarded.has_body = true;
  forwarded.length = body.size();
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.open(std::move(forwarded));
  Status sent = call ? Status{} : Status(fail(call.error()));
  if (sent) sent = co_await (*call)->send(body);
  if (sent) sent = co_await (*call)->end();
  if (!sent) {
    answer_upstream_error(request, sent.error());
    co_return;
  }
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response) {
    answer_upstream_error(request, response.error());
    co_return;
  }
  if (!answer_upstream_status(request, (*response)->status)) co_return;
  Result<std::string> answer = co_await read_all(**call, git::kLfsBatchMax * 4);
  if (!answer) {
    answer_upstream_error(request, answer.error());
    co_return;
  }
  Result<std::string> rewritten = rewrite_lfs_hrefs(*answer, git.repo, request.in_force->config.server.external_url);
  if (!rewritten) {
    answer_upstream_error(request, rewritten.error());
    co_return;
  }
  exchange.respond(200, common_headers(request, git::kLfsMediaType), std::move(*rewritten));
}

Task<void> Gate::lfs_object(Request& request, git::GitRequest git) {
  net::Exchange& exchange = *request.exchange;
  if (!may_ask(request, git.repo)) {
    refuse_access(request, git.repo, "no rule gives any right on this repository");
    co_return;
  }
  const bool download = git.action == git::Action::lfs_download;
  const bool verify = git.action == git::Action::lfs_verify;
  if (exchange.header_count("content-encoding") > 0) {
    answer_text(request, 415, "postern: an LFS object is taken as it is, without Content-Encoding");
    co_return;
  }
  std::string body;
  if (verify) {
    const std::optional<std::string_view> type = exchange.header("content-type");
    if (!type || type->substr(0, type->find(';')) != git::kLfsMediaType) {
      answer_text(request, 415, "postern: Content-Type must be " + std::string(git::kLfsMediaType));
      co_return;
    }
    while (true) {
      Result<std::optional<std::string_view>> piece = co_await exchange.read();
      if (!piece || (*piece && body.size() + (*piece)->size() > 4096)) {
        answer_text(request, 400, "postern: an LFS verify request is at most 4 KiB of JSON");
        co_return;
      }
      if (!*piece) break;
      body.append(**piece);
    }
    Result<json::Value> value = json::parse(body);
    const std::string* oid = value ? value->find_string("oid") : nullptr;
    if (oid == nullptr) {
      answer_text(request, 422, "postern: an LFS verify request names an oid");
      co_return;
    }
    git.lfs_oid = *oid;
  }
  std::string rule = "passthrough";
  if (!request.own_authorization) {
    access::Decision decision;
    if (download) {
      decision = request.rules().decide_read(request.who, git.repo, request.address, request.now);
    } else if (parts_.lfs_uploads.is_allowed(request.who.name, git.repo, git.lfs_oid, parts_.clock.mono())) {
      decision.allowed = true;
      decision.rule = "lfs-batch";
    } else {
      decision.reason = "no batch request within the last hour was given this object to upload";
    }
    if (!decision.allowed) {
      refuse_access(request, git.repo, decision.reason);
      co_return;
    }
    rule = decision.rule;
  }
  audit::AuditEntry entry = make_entry(request, EntryKind::lfs, &git.repo);
  entry.rule = rule;
  entry.detail.set("action", download ? "download" : verify ? "verify" : "upload");
  entry.detail.set("oids", json::Array{json::Value(git.lfs_oid)});
  Status recorded = co_await record(std::move(entry));
  if (!recorded) {
    answer_unavailable(request, "the audit log cannot be written");
    co_return;
  }
  net::UpstreamRequest forwarded = upstream_request(request, git);
  if (download) {
    Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.ask(std::move(forwarded));
    if (!call) {
      answer_upstream_error(request, call.error());
      co_return;
    }
    co_await relay(request, **call, "application/octet-stream");
    co_return;
  }
  if (verify) {
    forwarded.headers.emplace_back("Content-Type", git::kLfsMediaType);
    forwarded.headers.emplace_back("Accept", git::kLfsMediaType);
  } else {
    forwarded.headers.emplace_back("Content-Type", "application/octet-stream");
  }
  forwarded.has_body = verify || exchange.has_body();
  forwarded.length = verify ? std::optional<std::uint64_t>(body.size()) : exchange.content_length();
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.open(std::move(forwarded));
  if (!call) {
    answer_upstream_error(request, call.error());
    co_return;
  }
  const bool sent = co_await send_body(request, **call, body);
  if (!sent) co_return;
  co_await relay(request, **call, verify ? git::kLfsMediaType : std::string_view("text/plain"));
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

// Nothing of the client's head goes on but what stands here.
net::UpstreamRequest Gate::upstream_request(const Request& request, const git::GitRequest& git) const {
  net::UpstreamRequest forwarded;
  forwarded.method = std::string(request.exchange->method());
  forwarded.target = git::upstream_target(git);
  forwarded.headers.emplace_back("User-Agent", "postern/" POSTERN_VERSION);
  const std::string authorization = authorization_for(request);
  if (!authorization.empty()) forwarded.headers.emplace_back("Authorization", authorization);
  if (request.in_force->config.upstream.kind == config::UpstreamConfig::Kind::git) {
    const std::optional<std::string_view> version = request.exchange->header("git-protocol");
    if (version && (*version == "version=0" || *version == "version=1" || *version == "version=2")) {
      forwarded.headers.emplace_back("Git-Protocol", *version);
    }
  }
  return forwarded;
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
