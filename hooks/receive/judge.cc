#include "hooks/receive/judge.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "gateway/access/patterns.h"
#include "gateway/base/encoding.h"
#include "gateway/base/glob.h"
#include "hooks/receive/judge_templates.h"
#include "hooks/receive/limits.h"
#include "hooks/receive/repository_settings.h"
#include "hooks/template/artifact.h"

namespace postern::receive {
namespace {

using access::Verb;
using git::ObjectId;
using git::RefUpdate;

constexpr std::size_t kShownPaths = 10;

std::string plural(std::size_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

void refuse(CommandJudgement& command, std::string rule, std::string reason, std::string fix) {
  if (command.refused) return;  // the first reason stands
  command.refused = true;
  command.rule = std::move(rule);
  command.reason = std::move(reason);
  command.fix = std::move(fix);
}

// What could not be found out: a no, in the words of the limit or of the error.
void refuse_unknown(CommandJudgement& command, const Error& error) {
  if (error.code == ErrorCode::limit) {
    refuse(command, "limit", error.message, "split the push, or ask for a higher [tickets] limits entry");
  } else {
    refuse(command, "unknown", "could not judge: " + error.message, "push again; if it stays, ask the administrator");
  }
}

void each_once(std::vector<policy::Finding>& findings) {
  std::sort(findings.begin(), findings.end());
  const auto same = [](const policy::Finding& a, const policy::Finding& b) {
    return !(a < b) && !(b < a) && a.severity == b.severity;
  };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
}

// Judges every command of a push against one repository; keeps what several commands share.
class Judge {
 public:
  explicit Judge(const JudgeInput& input) : in_(input) {}

  Judgement run() {
    Result<std::optional<ObjectId>> tip = in_.tree.default_tip();
    if (tip) {
      default_tip_ = *tip;
    } else {
      default_error_ = tip.error();
    }
    for (std::size_t i = 0; i < in_.commands.size(); ++i) {
      out_.commands.push_back(judge_command(in_.commands[i], i < in_.granted.size() ? &in_.granted[i] : nullptr));
    }
    for (auto& [key, findings] : checked_) {
      for (policy::Finding& finding : findings) out_.findings.push_back(std::move(finding));
    }
    each_once(out_.findings);
    each_once(baselined_);
    out_.baselined = static_cast<unsigned>(baselined_.size());
    for (const auto& [document, count] : suppressed_) out_.suppressed += count;
    each_once(suppressed_across_);
    out_.suppressed += static_cast<unsigned>(suppressed_across_.size());
    for (const policy::Finding& finding : out_.findings) {
      out_.errors += finding.severity == policy::Severity::error ? 1 : 0;
      out_.warnings += finding.severity == policy::Severity::warning ? 1 : 0;
    }
    return std::move(out_);
  }

 private:
  // All that the findings for a document depend on: its path, mode and id of its entry before and after, and the commit
  // whose settings judge it.
  using DocumentKey = std::tuple<std::string, std::string, std::string, std::string>;

  // Old and new as commits, and the tree that counts as "before".
  struct Sides {
    std::optional<ObjectId> old_commit;
    std::optional<ObjectId> new_commit;
    std::optional<ObjectId> base;
  };

  CommandJudgement judge_command(const RefUpdate& command, const Granted* granted) {
    CommandJudgement verdict;
    if (granted != nullptr) verdict.rule = granted->rule;
    if (access::is_replace_ref(command.ref)) {
      refuse(verdict, "replace-refs", "refs/replace/ is never accepted",
             "rewrite the history itself, on a branch of its own");
      return verdict;
    }
    if (!git::is_valid_ref_name(command.ref)) {
      refuse(verdict, "ref-name", "funny refname", "use refs/heads/<name> or refs/tags/<name>");
      return verdict;
    }
    if (granted != nullptr) {
      if (Status plain = refuse_alias(verdict, command); !plain) refuse_unknown(verdict, plain.error());
      if (verdict.refused) return verdict;
    }
    if (command.is_delete()) {
      require_verb(verdict, command, granted, Verb::delete_);
      return verdict;
    }
    Sides sides;
    if (Status found = find_sides(command, sides, verdict); !found) {
      refuse_unknown(verdict, found.error());
      return verdict;
    }
    if (verdict.refused) return verdict;
    require_verb(verdict, command, granted,
                 command.is_create() ? Verb::create
                 : verdict.forced    ? Verb::force
                                     : Verb::update);
    if (verdict.refused) return verdict;
    const bool limited = granted != nullptr && (!granted->allowed_paths.empty() || !granted->denied_paths.empty());
    if (!limited && in_.templates == nullptr) return verdict;
    if (!sides.new_commit) {
      if (limited) {
        refuse(verdict, "path", "the ref leads to no commit, so its paths cannot be judged [" + granted->rule + "]",
               "push a ref that leads to a commit, or ask for a grant without paths");
      }
      return verdict;
    }
    Result<std::vector<repo::Change>> changes = in_.tree.changes(sides.base, *sides.new_commit);
    if (!changes) {
      refuse_unknown(verdict, changes.error());
      return verdict;
    }
    if (limited) judge_paths(verdict, command, *granted, *changes);
    if (in_.templates == nullptr || verdict.refused) return verdict;
    judge_settings(verdict, *changes);
    judge_templates(verdict, sides, *changes);
    return verdict;
  }

  // git moves the ref that a symbolic one stands for, which no grant and no record of this push is about.
  Status refuse_alias(CommandJudgement& verdict, const RefUpdate& command) const {
    Result<std::optional<std::string>> target = in_.tree.symbolic_target(command.ref);
    if (!target) return fail(target.error());
    if (!*target) return {};
    const std::string name = printable(**target, 200);
    refuse(verdict, "symbolic-ref", "it is another name of " + name, "push to " + name + " itself");
    return {};
  }

  Status find_sides(const RefUpdate& command, Sides& sides, CommandJudgement& verdict) {
    Result<std::optional<ObjectId>> new_commit = in_.tree.peel_to_commit(command.new_id);
    if (!new_commit) return fail(new_commit.error());
    sides.new_commit = *new_commit;
    if (!sides.new_commit && command.ref.starts_with("refs/heads/")) {
      refuse(verdict, "no-commit", "a branch must lead to a commit", "push a commit to this branch");
      return {};
    }
    if (!command.is_create()) {
      Result<std::optional<ObjectId>> old_commit = in_.tree.peel_to_commit(command.old_id);
      if (!old_commit) return fail(old_commit.error());
      sides.old_commit = *old_commit;
      // Moving a tag is force, and so is leaving what cannot be compared.
      verdict.forced = command.ref.starts_with("refs/tags/") || !sides.old_commit || !sides.new_commit;
      if (!verdict.forced) {
        Result<bool> follows = in_.tree.descends_from(*sides.new_commit, *sides.old_commit);
        if (!follows) return fail(follows.error());
        verdict.forced = !*follows;
      }
    }
    sides.base = sides.old_commit;
    if (!sides.base && sides.new_commit) {
      if (default_error_) return fail(*default_error_);
      if (default_tip_) {
        Result<std::optional<ObjectId>> base = in_.tree.merge_base(*default_tip_, *sides.new_commit);
        if (!base) return fail(base.error());
        sides.base = *base;
      }
    }
    return {};
  }

  static void require_verb(CommandJudgement& verdict, const RefUpdate& command, const Granted* granted, Verb verb) {
    if (granted == nullptr) return;
    if (std::find(granted->verbs.begin(), granted->verbs.end(), verb) != granted->verbs.end()) return;
    const std::string by = granted->rule.empty() ? "" : " [" + granted->rule + "]";
    const std::string what(access::to_string(verb));
    const std::string fix =
        verb == Verb::force
            ? "rebase onto what is there and push without --force, or ask for a grant with the verb force"
            : "ask for a grant with the verb " + what + " on this ref";
    const std::string why = verb == Verb::force && command.ref.starts_with("refs/tags/") ? " (a tag that moves)" : "";
    refuse(verdict, verb == Verb::force ? "force" : "verb", what + " is not granted on this ref" + why + by, fix);
  }

  // True when the entry in the pushed tree is that of the default branch's tip: it came in another way already.
  Result<bool> stands_on_default(const repo::Change& change) {
    if (default_error_) return fail(*default_error_);
    if (!default_tip_) return false;
    Result<std::optional<repo::Entry>> entry = in_.tree.entry_at(*default_tip_, change.path);
    if (!entry) return fail(entry.error());
    return *entry == change.after;
  }

  void judge_paths(CommandJudgement& verdict, const RefUpdate& command, const Granted& granted,
                   const std::vector<repo::Change>& changes) {
    const auto globs = [](const std::vector<std::string>& patterns) {
      std::vector<Glob> out;
      for (const std::string& pattern : patterns) out.emplace_back(pattern);
      return out;
    };
    const std::vector<Glob> allowed = globs(granted.allowed_paths);
    const std::vector<Glob> denied = globs(granted.denied_paths);
    const auto any = [](const std::vector<Glob>& patterns, const std::string& path) {
      return std::any_of(patterns.begin(), patterns.end(), [&](const Glob& glob) { return glob.matches(path); });
    };
    std::vector<std::string> outside;
    for (const repo::Change& change : changes) {
      if ((allowed.empty() || any(allowed, change.path)) && !any(denied, change.path)) continue;
      Result<bool> known = stands_on_default(change);
      if (!known) return refuse_unknown(verdict, known.error());
      if (!*known) outside.push_back(change.path);
    }
    if (outside.empty()) return;
    for (std::size_t i = 0; i < std::min(outside.size(), kShownPaths); ++i) {
      out_.lines.push_back(command.ref + ": path not granted: " + printable(outside[i], 300));
    }
    if (outside.size() > kShownPaths) {
      out_.lines.push_back(command.ref + ": and " + plural(outside.size() - kShownPaths, "more path"));
    }
    std::string where;
    for (const std::string& pattern : granted.allowed_paths) where += (where.empty() ? "" : ", ") + pattern;
    refuse(verdict, "path",
           "path " + printable(outside[0], 80) +
               (outside.size() > 1 ? " and " + std::to_string(outside.size() - 1) + " more" : "") + " not granted [" +
               granted.rule + "]",
           where.empty() ? "take the paths above out of the push"
                         : "take the paths above out of the push; granted: " + printable(where, 300));
  }

  // A broken settings file or baseline would refuse every later push, so it is refused when it comes.
  void judge_settings(CommandJudgement& verdict, const std::vector<repo::Change>& changes) {
    const std::string baseline = baseline_path(*in_.templates);
    for (const repo::Change& change : changes) {
      const bool is_settings = change.path == in_.templates->settings;
      if ((!is_settings && change.path != baseline) || !change.after || !change.after->is_file()) continue;
      Result<std::string> text =
          in_.tree.read_blob(change.after->id, is_settings ? kSettingsMaxBytes : policy::kBaselineMaxBytes);
      if (!text) return refuse_unknown(verdict, in_context(change.path, text.error()));
      const auto fault = [](const auto& parsed) { return parsed ? std::string() : parsed.error().message; };
      const std::string what =
          is_settings ? fault(policy::parse_settings(*text, {"*"})) : fault(policy::parse_baseline(*text));
      if (what.empty()) continue;
      out_.lines.push_back(change.path + ": " + what);
      refuse(verdict, "settings", change.path + " cannot be read, see above", "correct " + change.path);
    }
  }

  void judge_templates(CommandJudgement& verdict, const Sides& sides, const std::vector<repo::Change>& changes) {
    // What stands on the default branch came in another way already.
    std::vector<repo::Change> own;
    bool complete = !sides.base;
    for (const repo::Change& change : changes) {
      if (!tree::below_root(in_.templates->root, change.path)) continue;
      Result<bool> known = stands_on_default(change);
      if (!known) return refuse_unknown(verdict, known.error());
      if (*known) {
        complete = false;
      } else {
        own.push_back(change);
      }
    }
    if (own.empty()) return;
    if (default_error_) return refuse_unknown(verdict, *default_error_);
    const std::optional<ObjectId>& before = sides.old_commit ? sides.old_commit : default_tip_;
    Result<RepositorySettings> settings = settings_before(in_.tree, before, *in_.templates);
    if (!settings) return refuse_unknown(verdict, settings.error());

    unsigned errors = 0;
    std::string rule;
    const auto count = [&](const std::vector<policy::Finding>& findings) {
      for (const policy::Finding& finding : findings) {
        if (finding.severity != policy::Severity::error) continue;
        ++errors;
        if (rule.empty()) rule = finding.rule;
      }
    };
    const auto could_not = [&](Error error) {
      if (error.code == ErrorCode::limit) {
        error.message = limit_message("blob", bytes_text(in_.limits.blob_bytes)) + ": " + error.message;
      }
      refuse_unknown(verdict, error);
    };
    for (const repo::Change& change : own) {
      if (!change.after) continue;
      const std::optional<TemplatePlace> place = template_at(*in_.templates, change.path);
      if (!place) continue;
      const auto findings = check_document(change, *place, *settings, before);
      if (!findings) return could_not(findings.error());
      count(**findings);
    }
    Result<std::vector<policy::Finding>> across =
        check_tree_change(in_.tree, *in_.templates, sides.base, *sides.new_commit, own, complete, *settings,
                          in_.limits.blob_bytes, in_.today, &baselined_, &suppressed_across_, in_.kept);
    if (!across) return refuse_unknown(verdict, across.error());
    count(*across);
    for (policy::Finding& finding : *across) out_.findings.push_back(std::move(finding));
    if (errors == 0) return;
    refuse(verdict, "policy", "policy: " + plural(errors, "error") + ", see above [" + rule + "]",
           "correct the files above; postern-check finds the same before a push");
  }

  // The findings for one document. Refs that bring the very same change under the same settings share them.
  Result<const std::vector<policy::Finding>*> check_document(const repo::Change& change, const TemplatePlace& place,
                                                             const RepositorySettings& settings,
                                                             const std::optional<ObjectId>& settings_of) {
    const auto shown = [](const std::optional<repo::Entry>& entry) {
      return entry ? std::to_string(entry->mode) + " " + entry->id.hex() : std::string();
    };
    const DocumentKey key{change.path, shown(change.before), shown(change.after),
                          settings_of ? settings_of->hex() : std::string()};
    if (const auto found = checked_.find(key); found != checked_.end()) return &found->second;
    policy::CheckCounts counts;
    Result<std::vector<policy::Finding>> findings = check_template(in_.tree, place, change.path, *change.after,
                                                                   settings, in_.limits.blob_bytes, in_.today, &counts);
    if (!findings) return fail(findings.error());
    if (counts.suppressed != 0) suppressed_[{change.path, change.after->id.hex()}] = counts.suppressed;
    if (Status filtered = drop_baselined(*findings, in_.tree, place, change.path, change.before, settings,
                                         in_.limits.blob_bytes, in_.today, &baselined_);
        !filtered) {
      return fail(filtered.error());
    }
    return &checked_.emplace(key, std::move(*findings)).first->second;
  }

  const JudgeInput& in_;
  Judgement out_;
  std::optional<ObjectId> default_tip_;
  std::optional<Error> default_error_;
  std::map<DocumentKey, std::vector<policy::Finding>> checked_;
  std::map<std::pair<std::string, std::string>, unsigned> suppressed_;  // by path and blob
  std::vector<policy::Finding> suppressed_across_;                      // of the rules over the tree
  std::vector<policy::Finding> baselined_;
};

}  // namespace

Judgement judge(const JudgeInput& input) { return Judge(input).run(); }

}  // namespace postern::receive
