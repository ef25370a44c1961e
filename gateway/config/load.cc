// TOML in, Config or every mistake out.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "gateway/base/encoding.h"
#include "gateway/base/glob.h"
#include "gateway/base/toml.h"
#include "gateway/config/config.h"
#include "gateway/config/sections.h"
#include "gateway/config/values.h"

namespace postern::config {

namespace {

constexpr std::array<std::string_view, 6> kIncludable{"identity", "group", "role", "governed", "grant", "deny"};

class Loader {
 public:
  Loader(std::string path, const Files& files) : path_(std::move(path)), files_(files) {
    const std::size_t slash = path_.rfind('/');
    base_ = slash == std::string::npos ? "." : (slash == 0 ? "" : path_.substr(0, slash));
  }

  std::expected<Loaded, Mistakes> run() {
    config_.file = path_;
    if (const auto table = read(path_)) main_file(*table);
    if (all_read_) check_whole();
    // In the order of the files, whatever order they were found in.
    for (auto* list : {&mistakes_.errors, &mistakes_.warnings}) {
      std::stable_sort(list->begin(), list->end(), [&](const Problem& a, const Problem& b) {
        return std::tuple(a.file != path_, std::string_view(a.file), a.line) <
               std::tuple(b.file != path_, std::string_view(b.file), b.line);
      });
    }
    if (!mistakes_.errors.empty()) {
      return std::unexpected(std::move(mistakes_));
    }
    return Loaded{std::move(config_), std::move(mistakes_.warnings)};
  }

 private:
  std::optional<TomlValue> read(const std::string& path) {
    const auto text = files_.read(path);
    if (!text) {
      all_read_ = false;
      mistakes_.errors.push_back({path, 0, "", "cannot be read: " + text.error().message});
      return std::nullopt;
    }
    auto table = parse_toml(*text);
    if (table) return *std::move(table);
    all_read_ = false;
    const std::string& said = table.error().message;
    std::string fix;
    if (said.find("determine value type") != std::string::npos) fix = "; fix: put the word in quotes";
    if (said.find("utf-8") != std::string::npos) fix = "; fix: save the file as UTF-8";
    mistakes_.errors.push_back({path, table.error().line, "", "not TOML: " + said + fix});
    return std::nullopt;
  }

  void main_file(const TomlValue& table) {
    Section top(table, path_, "", base_, mistakes_, 1);
    const auto includes = top.texts("include");
    const bool any_gateway = top.has("server") || top.has("upstream") || top.has("tickets") || top.has("audit");
    config_.gateway = any_gateway || !top.has("deploy");
    section(top, "server", read_server, config_.gateway);
    section(top, "upstream", read_upstream, config_.gateway);
    section(top, "store", read_store, false);
    section(top, "tickets", read_tickets, config_.gateway);
    section(top, "audit", read_audit, config_.gateway);
    each(top, "issuer", read_issuer);
    rules_of(top);
    each(top, "templates", read_templates);
    each(top, "environment", read_environment);
    section(top, "deploy", read_deploy, false);
    top.finish();
    include(top, includes);
  }

  void include(Section& top, const std::vector<std::string>& patterns) {
    std::set<std::string> read_already{path_};
    for (const auto& text : patterns) {
      const auto pattern = parse_path(text, base_);
      if (!pattern) {
        top.error("include", fmt::format("\"{}\" is no path", printable(text, 80)));
        continue;
      }
      std::vector<std::string> paths{*pattern};
      if (pattern->find_first_of("*?") != std::string::npos) {
        if (pattern->substr(0, pattern->rfind('/')).find_first_of("*?") != std::string::npos) {
          top.error("include",
                    fmt::format("\"{}\" has a wildcard in a directory; accepted: wildcards in the file's name",
                                printable(text, 80)));
          continue;
        }
        auto listed = files_.list(*pattern);
        if (!listed) {
          top.error("include", fmt::format("\"{}\": {}", printable(text, 80), listed.error().message));
          continue;
        }
        paths = *std::move(listed);
      }
      for (const auto& path : paths) {
        if (!read_already.insert(path).second) continue;
        if (const auto table = read(path)) included_file(path, *table);
      }
    }
  }

  void included_file(const std::string& path, const TomlValue& table) {
    Section top(table, path, "", base_, mistakes_, 1);
    for (const auto& [name, line, value] : table.members) {
      if (std::find(kIncludable.begin(), kIncludable.end(), name) != kIncludable.end()) continue;
      top.error(name,
                fmt::format("does not stand in an included file; accepted there: {}",
                            join(std::vector<std::string>(kIncludable.begin(), kIncludable.end()))),
                line);
    }
    rules_of(top);
  }

  void rules_of(Section& top) {
    each(top, "identity", read_identity);
    each(top, "group", read_group);
    each(top, "role", read_role);
    each(top, "governed", read_governed);
    each(top, "grant", read_grant);
    each(top, "deny", read_deny);
  }

  using Read = void (*)(Section&, Config&);

  void section(Section& top, std::string_view name, Read fill, bool required) {
    const TomlValue* table = top.table(name, fmt::format("a section [{}]", name));
    if (table == nullptr) {
      if (top.has(name)) return;
      if (required) top.error("", fmt::format("the section [{}] is missing", name));
      return;
    }
    Section there(*table, top.file(), fmt::format("[{}]", name), base_, mistakes_);
    fill(there, config_);
    there.finish();
  }

  void each(Section& top, std::string_view name, Read fill) {
    for (const TomlValue* table : top.tables(name, fmt::format("sections [[{}]]", name))) {
      Section one(*table, top.file(), fmt::format("[[{}]]", name), base_, mistakes_);
      const std::size_t before = mistakes_.errors.size();
      fill(one, config_);
      one.finish();
      if (mistakes_.errors.size() != before) faulty_.emplace(one.origin().file, one.origin().line);
    }
  }

  // What can only be judged when every file is read.
  void check_whole() {
    std::vector<std::string> names;
    for (const auto& environment : config_.environments) names.push_back(environment.name);
    for (const auto& environment : config_.environments) {
      if (faulty_.contains({environment.origin.file, environment.origin.line})) continue;
      const std::string label = fmt::format("[[environment]] {}: ", environment.name);
      const auto error = [&](std::string_view key, std::string message) {
        mistakes_.errors.push_back(
            {environment.origin.file, environment.origin.line, label + std::string(key), std::move(message)});
      };
      for (const auto& before : environment.after) {
        if (std::find(names.begin(), names.end(), before) == names.end()) {
          error("after", fmt::format("no [[environment]] is named \"{}\"{}", printable(before, 64),
                                     Section::meant(before, names)));
        } else if (std::set<std::string> seen; waits_for(before, environment.name, seen)) {
          error("after", fmt::format("\"{}\" waits for this one in turn, so neither would ever deploy", before));
        }
      }
      for (const auto& name : environment.approvals.by) {
        const auto named = [&](const auto& rule) { return rule.name == name; };
        const auto& rules = config_.rules;
        if (std::none_of(rules.identities.begin(), rules.identities.end(), named) &&
            std::none_of(rules.groups.begin(), rules.groups.end(), named)) {
          error("approvals", fmt::format("no [[identity]] or [[group]] is named \"{}\"", printable(name, 64)));
        }
      }
    }
    warn_about_environments();
    for (auto& problem : access::AccessRules::examine(config_.rules, names)) {
      // What was only half read looks wrong in more ways than it is.
      if (faulty_.contains({problem.origin.file, problem.origin.line})) continue;
      auto& list = problem.is_error ? mistakes_.errors : mistakes_.warnings;
      list.push_back(
          {std::move(problem.origin.file), problem.origin.line, std::move(problem.key), std::move(problem.message)});
    }
  }

  void warn(const access::Origin& origin, std::string key, std::string message) {
    mistakes_.warnings.push_back({origin.file, origin.line, std::move(key), std::move(message)});
  }

  void warn_about_environments() {
    const auto& all = config_.environments;
    for (auto one = all.begin(); one != all.end(); ++one) {
      const auto repo = git::RepoPath::parse(one->repo);
      // A deployer's own file names no repositories but these.
      if (config_.gateway && repo && !is_governed(*repo)) {
        warn(one->origin, fmt::format("[[environment]] {}: repo", one->name),
             fmt::format("no [[governed]] names {}: no hook says who brought a commit, so every one owes what an "
                         "agent's owes, and a write past the gateway holds the environment",
                         one->repo));
      }
      for (auto other = all.begin(); other != one; ++other) {
        if (ascii_lower(other->service) != ascii_lower(one->service)) continue;
        const auto owns = [&](const std::string& kind) {
          return std::find(other->kinds.begin(), other->kinds.end(), kind) != other->kinds.end();
        };
        if (std::none_of(one->kinds.begin(), one->kinds.end(), owns)) continue;
        warn(one->origin, fmt::format("[[environment]] {}: service", one->name),
             fmt::format("is that of \"{}\" too, with kinds that both own: each would undo what the other wrote",
                         other->name));
        break;
      }
    }
  }

  bool is_governed(const git::RepoPath& repo) const {
    const std::string name = repo.full_name();
    for (const auto& rule : config_.rules.governed) {
      if (std::any_of(rule.repos.begin(), rule.repos.end(),
                      [&](const std::string& pattern) { return Glob(pattern).matches(name); }))
        return true;
    }
    return false;
  }

  bool waits_for(const std::string& name, const std::string& other, std::set<std::string>& seen) const {
    if (name == other) return true;
    if (!seen.insert(name).second) return false;
    for (const auto& environment : config_.environments) {
      if (environment.name != name) continue;
      for (const auto& before : environment.after) {
        if (waits_for(before, other, seen)) return true;
      }
    }
    return false;
  }

  std::string path_;
  std::string base_;
  const Files& files_;
  Mistakes mistakes_;
  bool all_read_ = true;
  std::set<std::pair<std::string, unsigned>> faulty_;  // sections with mistakes of their own
  Config config_;
};

}  // namespace

std::expected<Loaded, Mistakes> load(const std::string& path, const Files& files) { return Loader(path, files).run(); }

}  // namespace postern::config
