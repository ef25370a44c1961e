#include "gateway/app/keeper.h"

#include <algorithm>
#include <condition_variable>
#include <optional>

#include "gateway/app/settle.h"
#include "gateway/base/log.h"
#include "gateway/git/report_status.h"
#include "gateway/git/smart_http.h"

namespace postern::app {
namespace {

using audit::EntryKind;

constexpr std::chrono::milliseconds kRound{1000};
constexpr std::chrono::milliseconds kAskAgain{30000};  // at least that seldom …
constexpr std::chrono::milliseconds kAskSoon{1000};    // … and at most that often the upstream is asked for its refs
constexpr std::chrono::hours kSweep{1};
constexpr auto kTellAgain = std::chrono::minutes(5);

bool is_direct(std::string_view id) { return id.starts_with("direct-"); }

const git::RefUpdate* find_moved(const spool::Done* done, const git::RefUpdate& command) {
  if (done == nullptr) return nullptr;
  for (const git::RefUpdate& moved : done->moved) {
    if (moved.ref == command.ref && moved.new_id == command.new_id) return &moved;
  }
  return nullptr;
}

const spool::CommandVerdict* find_command(const spool::Verdict* verdict, const git::RefUpdate& command) {
  if (verdict == nullptr) return nullptr;
  for (const spool::CommandVerdict& judged : verdict->commands) {
    if (judged.command.ref == command.ref) return &judged;
  }
  return nullptr;
}

// Where the ref of `command` stands; zeros where there is none.
std::string current_id(const std::map<std::string, std::string>& refs, const git::RefUpdate& command) {
  const auto stands = refs.find(command.ref);
  return stands == refs.end() ? git::ObjectId::zero(command.new_id.hex().size()).hex() : stands->second;
}

using Refs = std::map<std::string, std::string>;  // full name -> object id

// The answer is there when the task has ended.
net::Task<void> ask_refs(net::Upstream& upstream, std::string target, std::string authorization,
                         std::optional<Result<Refs>>& answer) {
  net::UpstreamRequest request;
  request.target = std::move(target);
  if (!authorization.empty()) request.headers.emplace_back("Authorization", std::move(authorization));
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream.ask(std::move(request));
  if (!call) {
    answer = fail(call.error());
    co_return;
  }
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response || (*response)->status != 200) {
    answer = fail(ErrorCode::unavailable,
                  response ? "the upstream answers " + std::to_string((*response)->status) : response.error().message);
    co_return;
  }
  git::AdvertisementRewriter advertisement(git::Service::receive_pack);
  git::PktReader reader;
  Refs found;
  std::string out;
  Status fine;
  while (fine) {
    Result<std::optional<std::string_view>> piece = co_await (*call)->read();
    if (!piece) fine = fail(piece.error());
    if (!piece || !*piece) break;
    out.clear();
    fine = advertisement.feed(**piece, out);
    std::string_view input = out;
    while (fine && !input.empty()) {
      Result<std::optional<git::Pkt>> pkt = reader.next(input);
      if (!pkt) fine = fail(pkt.error());
      if (!pkt || !*pkt) break;
      std::string_view line = (*pkt)->line();
      line = line.substr(0, line.find('\0'));
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos || !line.substr(space + 1).starts_with("refs/")) continue;
      found.emplace(line.substr(space + 1), line.substr(0, space));
    }
  }
  if (fine) fine = advertisement.finish();
  if (fine) {
    answer = std::move(found);
  } else {
    answer = fail(fine.error());
  }
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::make(GateParts parts,
                                             std::function<std::shared_ptr<const InForce>()> in_force) {
  std::unique_ptr<Keeper> keeper(new Keeper(parts, std::move(in_force)));
  Result<std::unique_ptr<net::EventLoop>> loop = net::EventLoop::make();
  if (!loop) return fail(loop.error());
  keeper->loop_ = std::move(*loop);
  net::UpstreamOptions options;
  options.response_timeout = std::chrono::seconds(30);
  Result<std::unique_ptr<net::Upstream>> upstream =
      net::Upstream::make(*keeper->loop_, keeper->in_force_()->config.upstream.url, options);
  if (!upstream) return fail(upstream.error());
  keeper->upstream_ = std::move(*upstream);
  return keeper;
}

void Keeper::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    while (!stop.stop_requested()) {
      round();
      std::unique_lock lock(mutex);
      changed.wait_for(lock, stop, kRound, [] { return false; });
    }
  });
}

void Keeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  for (audit::AuditEntry& entry : parts_.refusals.take_all()) {
    if (Result<store::Seq> seq = parts_.store.append_and_wait(std::move(entry)); !seq) {
      log::error("store.append", {{"what", seq.error().message}});
    }
  }
}

void Keeper::round() {
  record_refusals();
  take_in_spool();
  settle_open_pushes();
  if (parts_.clock.mono() >= next_sweep_) {
    next_sweep_ = parts_.clock.mono() + kSweep;
    // By the longest life that a ticket can have been given: a reload may have shortened it since, and a ticket whose
    // claim is gone could be used again.
    const auto older = parts_.clock.wall() - config::kMaxTicketLifetime - std::chrono::hours(1);
    if (Status swept = parts_.spool.remove_old_claims(older); !swept) {
      log::warning("spool.sweep", {{"what", swept.error().message}});
    }
  }
}

void Keeper::tell(std::string_view event, const Status& state) {
  const auto known = failing_.find(event);
  if (state) {
    if (known == failing_.end()) return;
    log::info(event, {{"what", "works again"}});
    failing_.erase(known);
    return;
  }
  const std::string& what = state.error().message;
  const MonoTime now = parts_.clock.mono();
  if (known != failing_.end() && known->second.what == what && now < known->second.again) return;
  failing_[event] = {what, now + kTellAgain};
  log::warning(event, {{"what", what}});
}

void Keeper::record_refusals() {
  for (audit::AuditEntry& entry : parts_.refusals.take_closed(parts_.clock.wall())) {
    if (Result<store::Seq> seq = parts_.store.append_and_wait(std::move(entry)); !seq) {
      log::error("store.append", {{"what", seq.error().message}});
    }
  }
}

void Keeper::take_in_spool() {
  strays_.clear();
  Result<std::vector<std::string>> ids = parts_.spool.list_ids();
  tell("spool.list", ids ? Status() : fail(ids.error()));
  if (!ids) return;
  for (const std::string& id : *ids) {
    // A ticket's files are taken in with its push; what lies there after that is swept here.
    if (!is_direct(id) && parts_.in_flight.contains(id)) continue;
    Result<std::optional<spool::Verdict>> verdict = parts_.spool.read_verdict(id);
    Result<std::optional<spool::Done>> done = parts_.spool.read_done(id);
    if (!verdict || !done) {
      const Error& error = verdict ? done.error() : verdict.error();
      log::error("spool.unreadable", {{"id", id}, {"what", error.message}});
      if (error.code == ErrorCode::corrupt || error.code == ErrorCode::invalid_input ||
          error.code == ErrorCode::limit) {
        if (Status aside = parts_.spool.set_aside(id); !aside)
          log::error("spool.set_aside", {{"what", aside.error().message}});
      }
      continue;
    }
    if (!is_direct(id)) {
      strays_.insert(id);
      continue;
    }
    if (record_direct(id, *verdict ? &**verdict : nullptr, *done ? &**done : nullptr)) {
      if (Status removed = parts_.spool.remove_verdict(id); !removed) {
        log::warning("spool.remove", {{"id", id}, {"what", removed.error().message}});
      }
    }
  }
}

// True when its files may go.
bool Keeper::record_direct(const std::string& id, const spool::Verdict* verdict, const spool::Done* done) {
  const std::shared_ptr<const InForce> in_force = in_force_();
  const WallTime at = verdict != nullptr ? verdict->at : done->at;
  const std::string& repository = verdict != nullptr ? verdict->repository : done->repository;
  const bool old = parts_.clock.wall() - at > in_force->config.upstream.hook_timeout;
  if (done == nullptr && verdict->accepted && !old) return false;  // its end may still come

  store::PushOutcome write;
  write.id = id;
  write.truncated = verdict == nullptr || verdict->truncated;
  if (verdict != nullptr) write.new_commits = verdict->new_commits;
  std::map<std::string, std::string> refs;
  bool refs_known = false;
  if (done == nullptr && verdict->accepted) {
    Result<std::map<std::string, std::string>> asked = refs_of(repository);
    refs_known = asked.has_value();
    if (asked) refs = std::move(*asked);
  }
  std::vector<git::RefUpdate> commands;
  if (verdict != nullptr) {
    for (const spool::CommandVerdict& judged : verdict->commands) commands.push_back(judged.command);
  } else {
    commands = done->moved;
  }
  for (const git::RefUpdate& command : commands) {
    store::RefOutcome& ref = write.refs.emplace_back();
    ref.command = command;
    const spool::CommandVerdict* judged = find_command(verdict, command);
    if (judged != nullptr) {
      ref.forced = judged->forced;
      ref.rule = judged->rule;
      ref.reason = judged->reason;
    }
    if (find_moved(done, command) != nullptr) {
      ref.outcome = store::Outcome::accepted;
    } else if (verdict != nullptr && !verdict->accepted) {
      ref.outcome = store::Outcome::refused;
    } else if (done != nullptr) {
      ref.outcome = store::Outcome::failed;
      ref.reason = "it did not move";
    } else if (refs_known) {
      const auto stands = refs.find(command.ref);
      const bool is_there =
          command.is_delete() ? stands == refs.end() : stands != refs.end() && stands->second == command.new_id.hex();
      ref.outcome = is_there ? store::Outcome::accepted : store::Outcome::unknown;
      if (!is_there) ref.reason = "nobody said whether it moved";
    } else {
      ref.outcome = store::Outcome::unknown;
      ref.reason = "nobody said whether it moved";
    }
  }
  write.entry.kind = EntryKind::direct_write;
  write.entry.at = at;
  write.entry.request_id = id;
  write.entry.repository = repository;
  write.entry.who.kind = "direct";
  bool link = false;
  if (verdict != nullptr) {
    const bool internal = verdict->writer.empty() || verdict->writer == "gogs:internal";
    identity::Identity who;
    if (internal) {
      write.entry.who.name = "gogs:internal";
      write.entry.who.issuer = "gogs";
    } else {
      who = in_force->rules->identify_gogs_user(verdict->writer);
      write.entry.who.name = who.name;
      write.entry.who.issuer = who.issuer;
      write.sponsor = who.sponsor;
    }
    write.entry.detail.set("writer", audit::recorded_text(verdict->writer));
    write.entry.detail.set("parent", audit::recorded_text(verdict->parent));
    write.entry.detail.set("directory", audit::recorded_text(verdict->cwd));
    add_verdict_detail(write.entry.detail, *verdict);
    Result<git::RepoPath> repo = git::RepoPath::parse(repository);
    if (repo && !internal && verdict->mode == "enforce") {
      const access::Governance governance = in_force->rules->governance_of(*repo);
      link = governance.governed && governance.direct == access::DirectWrites::authorize &&
             std::all_of(commands.begin(), commands.end(), [&](const git::RefUpdate& command) {
               return in_force->rules->decide_update(who, *repo, command, std::nullopt, at).allowed;
             });
    }
  }
  Result<store::Settled> recorded = parts_.store.record_direct_and_wait(std::move(write), link);
  if (!recorded) {
    log::error("store.direct_write", {{"id", id}, {"what", recorded.error().message}});
    return false;
  }
  if (recorded->first) log::info("direct.write", {{"id", id}, {"repository", repository}});
  return true;
}

void Keeper::settle_open_pushes() {
  Result<std::vector<store::OpenPush>> open = parts_.store.open_pushes();
  tell("store.open_pushes", open ? Status() : fail(open.error()));
  if (!open) return;
  for (const store::OpenPush& push : *open) {
    strays_.erase(push.id);
    if (parts_.in_flight.contains(push.id)) continue;
    if (settle_push(push)) {
      asked_.erase(push.id);
      strays_.insert(push.id);
    }
  }
  // Files of tickets whose push is settled: nobody asks for them any more.
  for (const std::string& id : strays_) {
    if (Status removed = parts_.spool.remove_verdict(id); !removed) {
      log::warning("spool.remove", {{"id", id}, {"what", removed.error().message}});
    }
  }
}

// True when it is settled now.
bool Keeper::settle_push(const store::OpenPush& open) {
  Result<std::optional<spool::Verdict>> verdict = parts_.spool.read_verdict(open.id);
  Result<std::optional<spool::Done>> done = parts_.spool.read_done(open.id);
  const spool::Verdict* judged = verdict && *verdict ? &**verdict : nullptr;
  const spool::Done* moved = done && *done ? &**done : nullptr;
  const bool refused = judged != nullptr && !judged->accepted;
  const std::shared_ptr<const InForce> in_force = in_force_();
  std::map<std::string, std::string> refs;
  bool refs_known = false;
  if (moved == nullptr && !refused) {
    // receive-pack may still be running: only once its time is over do the refs say for sure how it ended. But where
    // the hook said yes and every ref stands where the push wanted it, there is nothing to wait for. (receive-pack
    // answers before it runs post-receive, and an answer that nobody takes ends it: no `.done` comes then.)
    const auto age = parts_.clock.wall() - open.entry.at;
    const bool over = age >= in_force->config.upstream.hook_timeout;
    if (!over && judged == nullptr) return false;
    const auto pause = over ? kAskAgain : std::clamp(age / 4, kAskSoon, kAskAgain);
    const auto asked = asked_.find(open.id);
    if (asked != asked_.end() && parts_.clock.mono() - asked->second < pause) return false;
    asked_[open.id] = parts_.clock.mono();
    Result<std::map<std::string, std::string>> now = refs_of(open.entry.repository);
    if (!now) {
      log::warning("push.unsettled", {{"push", open.id}, {"what", now.error().message}});
      return false;
    }
    refs = std::move(*now);
    refs_known = true;
    const bool all_moved = std::all_of(open.commands.begin(), open.commands.end(), [&](const git::RefUpdate& command) {
      return current_id(refs, command) == command.new_id.hex();
    });
    if (!over && !all_moved) return false;
  }
  store::PushOutcome outcome;
  outcome.id = open.id;
  outcome.sponsor = open.sponsor;
  outcome.truncated = judged == nullptr || judged->truncated;
  if (judged != nullptr) outcome.new_commits = judged->new_commits;
  for (const git::RefUpdate& command : open.commands) {
    store::RefOutcome& ref = outcome.refs.emplace_back();
    ref.command = command;
    ref.rule = open.entry.rule;
    if (const spool::CommandVerdict* said = find_command(judged, command)) {
      ref.forced = said->forced;
      if (!said->accepted) {
        ref.reason = said->reason;
        if (!said->rule.empty()) ref.rule = said->rule;
      }
    }
    if (find_moved(moved, command) != nullptr) {
      ref.outcome = store::Outcome::accepted;
    } else if (refused) {
      ref.outcome = store::Outcome::refused;
      if (ref.reason.empty()) ref.reason = "another ref of this push was refused";
    } else if (refs_known) {
      const std::string current = current_id(refs, command);
      if (current == command.new_id.hex()) {
        ref.outcome = store::Outcome::accepted;
      } else if (current == command.old_id.hex()) {
        ref.outcome = store::Outcome::failed;
        ref.reason = "it did not move";
      } else {
        ref.outcome = store::Outcome::unknown;
        ref.reason = "it stands elsewhere now, and nobody said whether it moved";
      }
    } else {
      ref.outcome = store::Outcome::failed;
      ref.reason = "it did not move";
    }
  }
  outcome.entry = open.entry;
  outcome.entry.kind = EntryKind::push_outcome;
  outcome.entry.at = parts_.clock.wall();
  outcome.entry.detail = json::Object{};
  outcome.entry.detail.set("settled_by", moved != nullptr ? "spool" : refused ? "verdict" : "refs");
  if (judged != nullptr) add_verdict_detail(outcome.entry.detail, *judged);
  Result<store::Settled> settled = parts_.store.settle_push_and_wait(std::move(outcome));
  if (!settled) {
    log::error("store.push_outcome", {{"push", open.id}, {"what", settled.error().message}});
    return false;
  }
  log::info("push.settled_late", {{"push", open.id}, {"repository", open.entry.repository}});
  return true;
}

Result<std::map<std::string, std::string>> Keeper::refs_of(std::string_view repository) {
  Result<git::RepoPath> repo = git::RepoPath::parse(repository);
  if (!repo) return fail(repo.error());
  const std::shared_ptr<const InForce> in_force = in_force_();
  std::optional<Result<Refs>> answer;
  net::spawn(ask_refs(*upstream_, git::upstream_target({*repo, git::Action::advertise, git::Service::receive_pack, {}}),
                      std::string(in_force->upstream_authorization.reveal()), answer));
  while (!answer) loop_->run_once(std::chrono::milliseconds(100));
  return *std::move(answer);
}

}  // namespace postern::app
