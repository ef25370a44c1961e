// The way of a push through the gate: decide every ref -> ticket -> intent -> forward -> outcome.
#include <algorithm>
#include <set>

#include "gateway/access/ticket.h"
#include "gateway/app/gate.h"
#include "gateway/app/settle.h"
#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/log.h"
#include "gateway/git/report_status.h"

namespace postern::app {
namespace {

using audit::EntryKind;
using net::Task;

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

}  // namespace

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
  } else if ((*response)->header("content-type") != git::kReceivePackResult) {
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
  // Git runs no hook where the directory of its hooks is gone, and says nothing of it.
  const bool unjudged = plan.ticketed && !verdict && counter == Metrics::pushes_accepted;
  if (unjudged) {
    outcome.entry.detail.set("unjudged", true);
    log::error("push.unjudged", {{"request", request.id},
                                 {"push", plan.jti},
                                 {"repository", git.repo.full_name()},
                                 {"what", "taken, and no hook left a verdict"},
                                 {"fix", "postern-hook status, on the machine of the repositories"}});
  }
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

}  // namespace postern::app
