#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "gateway/git/ref_json.h"
#include "gateway/spool/spool.h"

namespace postern::spool {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxText = 64 * 1024;  // bytes of one text
constexpr std::size_t kMaxLines = 20000;     // of `text`
constexpr std::string_view kDirect = "direct-";

// Takes members out of an object one by one; the first fault sticks.
class Members {
 public:
  explicit Members(const json::Value& object) : object_(object) {
    if (object.as_object() == nullptr) fault("is no object");
  }

  std::string text(std::string_view name, bool required) {
    const json::Value* value = member(name, required);
    if (value == nullptr) return {};
    const std::string* found = value->as_string();
    if (found == nullptr) return fault(name, "is no string"), std::string();
    if (found->size() > kMaxText) return fault(name, "is too long"), std::string();
    return *found;
  }
  bool flag(std::string_view name, bool required) {
    const json::Value* value = member(name, required);
    if (value == nullptr) return false;
    if (value->as_bool() == nullptr) return fault(name, "is no boolean"), false;
    return *value->as_bool();
  }
  std::int64_t integer(std::string_view name, bool required) {
    const json::Value* value = member(name, required);
    if (value == nullptr) return 0;
    if (value->as_int() == nullptr) return fault(name, "is no integer"), 0;
    return *value->as_int();
  }
  WallTime time(std::string_view name) {
    const auto parsed = parse_rfc3339(text(name, true));
    if (!parsed) return fault(name, "is no time"), WallTime();
    return *parsed;
  }
  const json::Array& array(std::string_view name, bool required, std::size_t limit) {
    static const json::Array kNone;
    const json::Value* value = member(name, required);
    if (value == nullptr) return kNone;
    if (value->as_array() == nullptr) return fault(name, "is no array"), kNone;
    if (value->as_array()->size() > limit) return fault(name, "has too many entries"), kNone;
    return *value->as_array();
  }
  void fault(std::string_view name, std::string_view what) {
    fault("member '" + std::string(name) + "' " + std::string(what));
  }
  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  const std::string& first_fault() const { return fault_; }

 private:
  const json::Value* member(std::string_view name, bool required) {
    const json::Value* value = object_.find(name);
    if (value == nullptr && required) fault(name, "is missing");
    return value;
  }
  const json::Value& object_;
  std::string fault_;
};

Result<json::Value> parse_file(std::string_view text) {
  auto value = json::parse(text, {.bytes = kMaxFileBytes, .depth = 16, .values = 400000});
  if (!value) return fail(value.error());
  const std::int64_t* version = value->find_int("version");
  if (version == nullptr) return fail(ErrorCode::invalid_input, "without version");
  if (*version != kVersion) {
    return fail(ErrorCode::unsupported, "of version " + std::to_string(*version) + ", this program reads version 1");
  }
  return value;
}

std::string id_of(Members& members) {
  std::string id = members.text("id", true);
  if (!is_valid_id(id)) members.fault("id", "is no id of a ticket or a direct write");
  return id;
}

}  // namespace

bool is_valid_id(std::string_view id) {
  if (id.starts_with(kDirect)) id.remove_prefix(kDirect.size());
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string new_direct_id() { return std::string(kDirect) + hex_encode(random_bytes(16)); }

std::string to_text(const Verdict& verdict) {
  const auto cut = [](const std::string& text) { return std::string_view(text).substr(0, kMaxText); };
  json::Array commands;
  for (const CommandVerdict& command : verdict.commands) {
    json::Value item = git::to_json(command.command);
    item.set("accepted", command.accepted);
    item.set("reason", cut(command.reason));
    item.set("rule", cut(command.rule));
    item.set("forced", command.forced);
    commands.push_back(std::move(item));
  }
  json::Array lines;
  for (const std::string& line : verdict.text) {
    if (lines.size() < kMaxLines) lines.emplace_back(cut(line));
  }
  json::Array commits;
  for (const std::string& commit : verdict.new_commits) {
    if (commits.size() < kMaxNewCommits) commits.emplace_back(commit);
  }
  const bool truncated = verdict.truncated || verdict.new_commits.size() > kMaxNewCommits;
  return json::dump(json::Object{{"version", kVersion},
                                 {"id", verdict.id},
                                 {"repository", cut(verdict.repository)},
                                 {"repository_dir", cut(verdict.repository_dir)},
                                 {"mode", cut(verdict.mode)},
                                 {"accepted", verdict.accepted},
                                 {"commands", std::move(commands)},
                                 {"findings", cut(verdict.findings)},
                                 {"text", std::move(lines)},
                                 {"new_commits", std::move(commits)},
                                 {"truncated", truncated},
                                 {"writer", cut(verdict.writer)},
                                 {"parent", cut(verdict.parent)},
                                 {"cwd", cut(verdict.cwd)},
                                 {"hook_version", cut(verdict.hook_version)},
                                 {"milliseconds", verdict.milliseconds},
                                 {"at", to_rfc3339(verdict.at)}}) +
         "\n";
}

std::string to_text(const Done& done) {
  json::Array moved;
  for (const git::RefUpdate& update : done.moved) moved.push_back(git::to_json(update));
  return json::dump(json::Object{{"version", kVersion},
                                 {"id", done.id},
                                 {"repository", done.repository},
                                 {"moved", std::move(moved)},
                                 {"at", to_rfc3339(done.at)}}) +
         "\n";
}

Result<Verdict> parse_verdict(std::string_view text) {
  const auto file = parse_file(text);
  if (!file) return fail(in_context("verdict", file.error()));
  Members members(*file);
  Verdict verdict;
  verdict.id = id_of(members);
  verdict.repository = members.text("repository", true);
  verdict.repository_dir = members.text("repository_dir", false);
  verdict.mode = members.text("mode", true);
  if (verdict.mode != "enforce" && verdict.mode != "observe") members.fault("mode", "is neither enforce nor observe");
  verdict.accepted = members.flag("accepted", true);
  for (const json::Value& item : members.array("commands", true, kMaxCommands)) {
    const auto update = git::parse_ref_update(item);
    if (!update) {
      members.fault(update.error().message);
      break;
    }
    Members fields(item);
    CommandVerdict command;
    command.command = *update;
    command.accepted = fields.flag("accepted", true);
    command.reason = fields.text("reason", false);
    command.rule = fields.text("rule", false);
    command.forced = fields.flag("forced", false);
    if (!fields.first_fault().empty()) members.fault("a command: " + fields.first_fault());
    verdict.commands.push_back(std::move(command));
  }
  verdict.findings = members.text("findings", false);
  for (const json::Value& line : members.array("text", false, kMaxLines)) {
    if (line.as_string() == nullptr || line.as_string()->size() > kMaxText) members.fault("text", "has a bad line");
    verdict.text.push_back(line.as_string() == nullptr ? "" : *line.as_string());
  }
  for (const json::Value& commit : members.array("new_commits", true, kMaxNewCommits)) {
    const auto id = commit.as_string() == nullptr ? Result<git::ObjectId>(fail(ErrorCode::invalid_input, ""))
                                                  : git::ObjectId::parse(*commit.as_string());
    if (!id || id->is_zero()) {
      members.fault("new_commits", "holds what is no object id");
      break;
    }
    verdict.new_commits.push_back(id->hex());
  }
  verdict.truncated = members.flag("truncated", true);
  verdict.writer = members.text("writer", false);
  verdict.parent = members.text("parent", false);
  verdict.cwd = members.text("cwd", false);
  verdict.hook_version = members.text("hook_version", false);
  verdict.milliseconds = members.integer("milliseconds", false);
  verdict.at = members.time("at");
  if (!members.first_fault().empty()) return fail(ErrorCode::invalid_input, "verdict: " + members.first_fault());
  return verdict;
}

Result<Done> parse_done(std::string_view text) {
  const auto file = parse_file(text);
  if (!file) return fail(in_context("done", file.error()));
  Members members(*file);
  Done done;
  done.id = id_of(members);
  done.repository = members.text("repository", true);
  for (const json::Value& item : members.array("moved", true, kMaxCommands)) {
    auto update = git::parse_ref_update(item);
    if (!update) {
      members.fault(update.error().message);
      break;
    }
    done.moved.push_back(std::move(*update));
  }
  done.at = members.time("at");
  if (!members.first_fault().empty()) return fail(ErrorCode::invalid_input, "done: " + members.first_fault());
  return done;
}

}  // namespace postern::spool
