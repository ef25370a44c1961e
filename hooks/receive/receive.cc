#include "hooks/receive/receive.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>

#include "gateway/access/bundle.h"
#include "gateway/access/rules.h"
#include "gateway/access/ticket.h"
#include "gateway/base/encoding.h"
#include "gateway/git/report_status.h"
#include "gateway/spool/spool.h"
#include "hooks/receive/direct_write.h"
#include "hooks/receive/judge.h"
#include "hooks/receive/judge_ticket.h"
#include "hooks/receive/limits.h"
#include "hooks/receive/marker.h"
#include "hooks/receive/parent_process.h"
#include "hooks/receive/record_moves.h"
#include "hooks/receive/refusal.h"
#include "hooks/receive/verdict_lines.h"
#include "hooks/receive/words_file.h"
#include "hooks/repo/pushed_tree.h"

namespace postern::receive {
namespace {

using access::DirectWrites;
using git::ObjectId;
using git::RefUpdate;

constexpr std::size_t kNewCommitsMax = 10000;

std::string working_directory() {
  std::array<char, 4096> buffer{};
  return ::getcwd(buffer.data(), buffer.size()) != nullptr ? std::string(buffer.data()) : std::string{};
}

// One call of pre-receive or reference-transaction, from the first question to the verdict.
class Receive {
 public:
  Receive(const HookCall& call, const Environment& environment, const Clock& clock, Located at,
          std::vector<RefUpdate> commands, bool transaction)
      : call_(call),
        environment_(environment),
        clock_(clock),
        at_(std::move(at)),
        commands_(std::move(commands)),
        transaction_(transaction),
        spool_(call.spool),
        started_(clock.mono()) {}

  HookOutcome run() {
    // One publication for both files, though a reload may swap the link meanwhile.
    Result<std::string> directory = access::resolve_bundle(call_.bundle);
    Result<access::HookBundle> bundle = directory ? access::read_hook_bundle(*directory, keys_needed(environment_))
                                                  : Result<access::HookBundle>(fail(directory.error()));
    if (!bundle) {
      if (at_.repo.is_wiki()) return {};
      return refuse_unrecorded({"bundle", "the hook cannot read what it must know",
                                "ask the administrator: postern-hook status names what is missing"},
                               bundle.error().message);
    }
    bundle_directory_ = std::move(*directory);
    bundle_ = std::move(*bundle);
    governance_ = bundle_.governance_of(at_.repo);
    observe_ = (governance_.governed && governance_.mode == access::Mode::observe) || !call_.paused.empty();
    // A renamed repository must not lose its rules under its new name, so this comes before the question whether that
    // name is governed at all.
    if (std::optional<Refusal> refusal = check_marker()) {
      if (!governance_.governed) return refuse_unrecorded(*refusal, {});
      return finish_whole(*refusal);
    }
    if (!governance_.governed) return {};
    try {
      return judge_governed();
    } catch (const std::bad_alloc&) {
      return finish_whole({"limit", limit_message("memory", bytes_text(bundle_.limits.memory_bytes)),
                           "split the push, or ask for a higher [tickets] limits entry"});
    }
  }

 private:
  std::optional<Refusal> check_marker() {
    Result<std::optional<Marker>> marker = read_marker(at_.directory);
    if (!marker) {
      return Refusal{"marker", "the repository's marker cannot be read",
                     "ask the administrator: " + marker.error().message};
    }
    marker_ = *marker;
    if (!marker_) return std::nullopt;
    const std::string name = at_.repo.full_name();
    if (marker_->name != name) {
      return Refusal{"marker", "this repository is marked as " + marker_->name,
                     "ask the administrator: postern-hook install --rebind " + name};
    }
    const std::string* gogs_id = environment_.find("GOGS_REPO_ID");
    if (marker_->id && gogs_id != nullptr && !at_.repo.is_wiki() && *gogs_id != std::to_string(*marker_->id)) {
      return Refusal{"marker", "this repository has another Gogs id than its marker",
                     "ask the administrator: postern-hook install --rebind " + name};
    }
    return std::nullopt;
  }

  HookOutcome judge_governed() {
    std::optional<std::string> jws;
    if (!transaction_) {
      Result<std::vector<std::string>> options = push_options(environment_);
      if (!options) return finish_whole({"ticket", options.error().message, "push again"});
      Result<std::optional<std::string>> found = access::collect_ticket(*options);
      if (!found)
        return finish_whole({"ticket", found.error().message, "push again, with no push option of that name"});
      jws = std::move(*found);
    }
    const bool direct = !jws;
    const std::chrono::seconds deadline(direct ? bundle_.limits.direct_deadline_seconds : 0);
    if (Status set = apply_limits(bundle_.limits, deadline, observe_); !set) {
      return finish_whole({"unknown", "could not judge: " + set.error().message, "ask the administrator"});
    }
    if (jws) {
      if (std::optional<Refusal> refusal = take_ticket(*jws)) return finish_whole(*refusal);
    }
    direct_id_ = id_of_direct_write();
    repo::ReadLimits limits;
    limits.blob_bytes = bundle_.limits.blob_bytes;
    limits.paths = bundle_.limits.paths;
    Result<std::unique_ptr<repo::PushedTree>> opened = repo::open_pushed_tree_from_env(limits);
    if (!opened) {
      return finish_whole({"unknown", "could not judge: " + opened.error().message, "ask the administrator"});
    }
    tree_ = std::move(*opened);
    if (ticket_) return judge_ticketed();
    if (transaction_) {
      if (Status completed = complete_old_ids(); !completed) {
        return finish_whole({"unknown", "could not judge: " + completed.error().message, "ask the administrator"});
      }
    }
    return judge_direct();
  }

  std::string id_of_direct_write() const {
    return direct_write_id(call_, at_, transaction_ ? git::command_digest(commands_) : std::string("push"));
  }

  // A transaction that expects no old value names none: `git update-ref` of a living ref looks like a creation.
  Status complete_old_ids() {
    for (RefUpdate& command : commands_) {
      if (!command.old_id.is_zero()) continue;
      Result<std::optional<ObjectId>> now = tree_->resolve(command.ref);
      if (!now) return fail(now.error());
      if (*now) command.old_id = **now;
    }
    return {};
  }

  std::optional<Refusal> take_ticket(const std::string& jws) {
    std::expected<access::Ticket, Refusal> judged =
        judge_ticket(jws, {bundle_, at_.repo, commands_, marker_, environment_.find("GOGS_REPO_ID"), clock_.wall()});
    if (!judged) return judged.error();
    if (Status claimed = spool_.claim(judged->jti); !claimed) {
      if (claimed.error().code == ErrorCode::conflict) {
        return Refusal{"ticket", "the ticket was used before", "push again"};
      }
      return Refusal{"spool", "the ticket could not be claimed",
                     "ask the administrator: postern-hook status (" + claimed.error().message + ")"};
    }
    ticket_ = std::move(*judged);
    return std::nullopt;
  }

  std::int64_t today() const {
    return std::chrono::duration_cast<std::chrono::days>(clock_.wall().time_since_epoch()).count();
  }

  Judgement judge_with(const std::vector<Granted>& granted, const access::Templates* templates) const {
    WordsFile kept(at_.directory + "/postern-words");
    Judgement judgement = judge({*tree_, commands_, granted, templates, bundle_.limits, today(), &kept});
    kept.save();
    return judgement;
  }

  HookOutcome judge_ticketed() {
    std::vector<Granted> granted;
    for (const unsigned index : ticket_->use) {
      const access::TicketGrant& grant = ticket_->grants[index];
      granted.push_back({grant.name, grant.verbs, grant.allowed_paths, grant.denied_paths});
    }
    std::optional<access::Templates> templates;
    if (const access::Templates* found = bundle_.templates_of(at_.repo)) {
      templates = *found;
      templates->may_relax = ticket_->settings.may_relax;
      templates->severity = ticket_->settings.severity;
    }
    return finish(judge_with(granted, templates ? &*templates : nullptr));
  }

  // Without a ticket: by SSH, web editor, contents API, or by Gogs itself.
  HookOutcome judge_direct() {
    const std::optional<std::string> user = gogs_user(environment_);
    const auto let_in = [this](std::string rule) {
      Judgement all;
      all.commands.resize(commands_.size());
      for (CommandJudgement& command : all.commands) command.rule = rule;
      return finish(std::move(all));
    };
    if (!marker_) {
      // A fork, a migration, the first commit that Gogs makes: no refs yet, and no ticket was ever used here.
      Result<bool> refs = tree_->has_refs();
      if (!refs) return finish_whole({"unknown", "could not judge: " + refs.error().message, "ask the administrator"});
      if (!*refs) return let_in("first-refs");
    }
    if (transaction_ && is_fetch()) {
      Result<bool> mirror = tree_->is_mirror();
      if (!mirror) {
        return finish_whole({"unknown", "could not judge: " + mirror.error().message, "ask the administrator"});
      }
      if (*mirror) return let_in("mirror");
    }
    const bool internal = !user;
    const bool pull_heads = internal && !transaction_ &&
                            std::all_of(commands_.begin(), commands_.end(),
                                        [](const RefUpdate& command) { return is_pull_head(command.ref); });
    if (pull_heads) return let_in("pull-head");

    switch (governance_.direct) {
      case DirectWrites::refuse: {
        const std::string how = internal ? "Gogs itself" : "account " + printable(*user, 60);
        return finish_whole({"direct", "direct writes are refused here (" + how + ")",
                             "push through " + bundle_.issuer + "/" + at_.repo.full_name() + ".git"});
      }
      case DirectWrites::check: return finish(judge_with({}, bundle_.templates_of(at_.repo)));
      case DirectWrites::authorize: return authorize(user);
    }
    return finish_whole({"unknown", "could not judge", "ask the administrator"});
  }

  HookOutcome authorize(const std::optional<std::string>& user) {
    Result<std::shared_ptr<const access::AccessRules>> rules =
        access::read_rules_bundle(bundle_directory_, bundle_.rules);
    if (!rules) {
      return finish_whole({"unknown", "could not judge: the rules cannot be read",
                           "ask the administrator to reload (" + rules.error().message + ")"});
    }
    identity::Identity identity;
    if (user) {
      identity = (*rules)->identify_gogs_user(*user);
    } else {
      identity.name = "gogs:internal";
      identity.issuer = access::kGogsIssuer;
    }
    std::vector<Granted> granted;
    std::vector<CommandJudgement> refused(commands_.size());
    bool any = false;
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      const access::Decision decision =
          (*rules)->decide_update(identity, at_.repo, commands_[i], std::nullopt, clock_.wall());
      granted.push_back({decision.rule, decision.verbs, decision.allowed_paths, decision.denied_paths});
      if (decision.allowed) continue;
      any = true;
      refused[i] = {true, decision.reason, decision.rule.empty() ? "no-grant" : decision.rule,
                    "ask for a grant for " + identity.name, false};
    }
    if (any) {
      Judgement judgement;
      judgement.commands = std::move(refused);
      return finish(std::move(judgement));
    }
    return finish(judge_with(granted, bundle_.templates_of(at_.repo)));
  }

  bool is_fetch() const {
    Result<ParentProcess> parent = read_process(call_.git_pid);
    if (!parent) return false;
    const std::string command = parent->git_command();
    return command == "fetch" || command == "remote" || command == "pull";
  }

  // A refusal without governed repository, bundle or spool to record it in.
  HookOutcome refuse_unrecorded(const Refusal& refusal, const std::string& detail) const {
    HookOutcome outcome;
    const bool passes = !call_.paused.empty();
    outcome.exit_code = passes ? 0 : 1;
    outcome.lines.push_back((passes ? "postern (paused): would be refused: " : "postern: refused: ") + refusal.reason);
    if (!detail.empty()) outcome.lines.push_back("postern: " + git::report_line(detail, 500));
    outcome.lines.push_back("fix: " + git::report_line(refusal.fix, 500));
    return outcome;
  }

  HookOutcome finish_whole(const Refusal& refusal) {
    Judgement judgement;
    judgement.commands.resize(commands_.size());
    for (CommandJudgement& command : judgement.commands) {
      command.refused = true;
      command.rule = refusal.rule;
      command.reason = refusal.reason;
      command.fix = refusal.fix;
    }
    return finish(std::move(judgement));
  }

  spool::Verdict make_verdict(const Judgement& judgement, bool any_refused) const {
    spool::Verdict verdict;
    verdict.id = ticket_ ? ticket_->jti : direct_id_.empty() ? id_of_direct_write() : direct_id_;
    verdict.repository = at_.repo.full_name();
    verdict.repository_dir = at_.directory;
    verdict.mode = observe_ ? "observe" : "enforce";
    verdict.accepted = observe_ || !any_refused;
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      const CommandJudgement& command = judgement.commands[i];
      spool::CommandVerdict entry;
      entry.command = commands_[i];
      entry.accepted = !command.refused;
      entry.reason = git::report_line(command.reason);
      entry.rule = command.rule;
      entry.forced = command.forced;
      if (any_refused && !command.refused && !observe_) {
        entry.accepted = false;
        entry.reason = "not judged alone: another ref of this push was refused";
        entry.rule = "sibling";
      }
      verdict.commands.push_back(std::move(entry));
    }
    verdict.findings = findings_summary(judgement);
    if (!ticket_) {
      verdict.writer = gogs_user(environment_).value_or("gogs:internal");
      if (Result<ParentProcess> parent = read_process(call_.git_pid)) verdict.parent = parent->shown();
      verdict.cwd = working_directory();
    }
    verdict.hook_version = POSTERN_VERSION;
    return verdict;
  }

  HookOutcome finish(Judgement judgement) {
    const auto is_refused = [](const CommandJudgement& command) { return command.refused; };
    bool any_refused = std::any_of(judgement.commands.begin(), judgement.commands.end(), is_refused);
    if (ticket_ && !marker_ && (!any_refused || observe_)) {
      if (Status written = write_marker(at_.directory, {ticket_->repo_id, at_.repo.full_name()}); !written) {
        for (CommandJudgement& command : judgement.commands) {
          command = {true, "the repository's marker cannot be written", "marker",
                     "ask the administrator: " + written.error().message, command.forced};
        }
        any_refused = true;
      }
    }
    HookOutcome outcome;
    outcome.lines = verdict_lines(judgement, commands_, {observe_, call_.paused});
    spool::Verdict verdict = make_verdict(judgement, any_refused);
    if (verdict.accepted && tree_) list_new_commits(verdict);
    verdict.text = outcome.lines;
    verdict.at = clock_.wall();
    verdict.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - started_).count();
    outcome.exit_code = verdict.accepted ? 0 : 1;
    if (Status written = spool_.write_verdict(verdict); !written) {
      // No record, no access.
      outcome.lines.push_back((observe_ ? "postern (observe): would be refused: " : "postern: refused: ") +
                              std::string("the verdict cannot be recorded: ") +
                              git::report_line(written.error().message, 300));
      outcome.lines.push_back("fix: ask the administrator: postern-hook status looks at the spool");
      if (!observe_) outcome.exit_code = 1;
    }
    return outcome;
  }

  void list_new_commits(spool::Verdict& verdict) const {
    std::vector<ObjectId> tips;
    for (const RefUpdate& command : commands_) {
      if (command.is_delete()) continue;
      Result<std::optional<ObjectId>> tip = tree_->peel_to_commit(command.new_id);
      if (!tip) {
        verdict.truncated = true;  // an incomplete list counts as one: the deployer then trusts it with nothing
      } else if (*tip) {
        tips.push_back(**tip);
      }
    }
    Result<repo::NewCommits> commits = tree_->new_commits(tips, kNewCommitsMax);
    if (!commits) {
      verdict.truncated = true;
      return;
    }
    for (const ObjectId& id : commits->ids) verdict.new_commits.push_back(id.hex());
    verdict.truncated = verdict.truncated || commits->truncated;
  }

  const HookCall& call_;
  const Environment& environment_;
  const Clock& clock_;
  Located at_;
  std::vector<RefUpdate> commands_;
  bool transaction_;
  spool::Spool spool_;
  MonoTime started_;
  std::string bundle_directory_;  // of one publication
  access::HookBundle bundle_;
  access::Governance governance_;
  bool observe_ = false;
  std::optional<Marker> marker_;
  std::optional<access::Ticket> ticket_;
  std::string direct_id_;  // of the commands as they came
  std::unique_ptr<repo::PushedTree> tree_;
};

HookOutcome could_not(const Error& error) {
  return {1,
          {"postern: refused: could not judge: " + git::report_line(error.message, 500),
           "fix: ask the administrator: postern-hook status"}};
}

}  // namespace

HookOutcome pre_receive(const HookCall& call, const Environment& environment, const Clock& clock) {
  Result<std::optional<Located>> at = locate_repository(call.root, environment);
  if (!at) return could_not(at.error());
  if (!*at) return {};
  Result<std::vector<RefUpdate>> commands = parse_commands(call.input);
  if (!commands) return could_not(commands.error());
  if (commands->empty()) return {};
  return Receive(call, environment, clock, std::move(**at), std::move(*commands), false).run();
}

HookOutcome reference_transaction(const HookCall& call, const Environment& environment, const Clock& clock) {
  const bool prepared = call.transaction == "prepared";
  if (!prepared && call.transaction != "committed") return {};
  // Under receive-pack, pre-receive has judged already. gc packs refs, which reports living refs as made and deleted.
  if (Result<ParentProcess> parent = read_process(call.git_pid)) {
    const std::string command = parent->git_command();
    if (command == "receive-pack" || command == "pack-refs") return {};
  }
  Result<std::optional<Located>> at = locate_repository(call.root, environment);
  if (!at) return prepared ? could_not(at.error()) : HookOutcome{};
  if (!*at) return {};
  Result<std::vector<RefUpdate>> commands = parse_commands(call.input);
  if (!commands) return prepared ? could_not(commands.error()) : HookOutcome{};
  // HEAD is listed beside the branch it points to; FETCH_HEAD and its like are no refs.
  std::erase_if(*commands, [](const RefUpdate& command) { return !command.ref.starts_with("refs/"); });
  if (commands->empty()) return {};
  if (prepared) return Receive(call, environment, clock, std::move(**at), std::move(*commands), true).run();

  return record_transaction(call, **at, std::move(*commands), clock);
}

}  // namespace postern::receive
