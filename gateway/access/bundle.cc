#include "gateway/access/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "gateway/access/patterns.h"
#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::access {

namespace {

constexpr std::size_t kHookJsonMax = 64 * 1024;
constexpr std::size_t kRulesJsonMax = std::size_t{256} << 20;

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

template <class Entries>
const typename Entries::value_type* first_for(const Entries& entries, const git::RepoPath& repo) {
  for (const auto& entry : entries) {
    for (const auto& pattern : entry.repos) {
      if (RepoPattern(pattern).matches(repo)) return &entry;
    }
  }
  return nullptr;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Older publications beside the link. The one before stays: a reader may have resolved it a moment ago.
void remove_others(const std::string& directory, const std::string& current, const std::string& previous) {
  const std::string parent = parent_of(directory);
  const std::string prefix = directory.substr(directory.rfind('/') + 1) + ".";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(parent.c_str()), closedir);
  if (!open) return;
  std::vector<std::string> stale;
  while (const dirent* entry = readdir(open.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    const bool ours = name.starts_with(prefix) && name.size() == prefix.size() + 16 &&
                      name.find_first_not_of("0123456789abcdef", prefix.size()) == std::string::npos;
    if (ours && name != current && name != previous) stale.push_back(parent + "/" + name);
  }
  for (const auto& path : stale) {
    unlink((path + "/hook.json").c_str());
    unlink((path + "/rules.json").c_str());
    rmdir(path.c_str());
  }
}

}  // namespace

Governance HookBundle::governance_of(const git::RepoPath& repo) const {
  const GovernedEntry* entry = first_for(governed, repo);
  if (entry == nullptr) return {};
  Governance governance = entry->governance;
  governance.governed = true;
  return governance;
}

const Templates* HookBundle::templates_of(const git::RepoPath& repo) const {
  const TemplatesEntry* entry = first_for(templates, repo);
  return entry == nullptr ? nullptr : &entry->templates;
}

std::string hook_bundle_to_json(const HookBundle& bundle) {
  json::Value root;
  root.set("version", 1);
  root.set("issuer", bundle.issuer);
  root.set("rules", bundle.rules);
  root.set("published_at", to_rfc3339(bundle.published_at));
  json::Array keys;
  for (const auto& key : bundle.keys) keys.push_back(key.to_jwk());
  root.set("keys", std::move(keys));
  json::Array governed;
  for (const auto& entry : bundle.governed) {
    json::Value object;
    object.set("repos", to_array(entry.repos));
    object.set("mode", to_string(entry.governance.mode));
    object.set("direct", to_string(entry.governance.direct));
    governed.push_back(std::move(object));
  }
  root.set("governed", std::move(governed));
  json::Array templates;
  for (const auto& entry : bundle.templates) {
    json::Value object;
    object.set("repos", to_array(entry.repos));
    object.set("root", entry.templates.root);
    object.set("layout", entry.templates.layout);
    object.set("settings", entry.templates.settings);
    object.set("may_relax", to_array(entry.templates.may_relax));
    json::Object severity;
    for (const auto& [rule, level] : entry.templates.severity) severity.emplace_back(rule, level);
    object.set("severity", std::move(severity));
    templates.push_back(std::move(object));
  }
  root.set("templates", std::move(templates));
  json::Value limits;
  limits.set("blob_bytes", bundle.limits.blob_bytes);
  limits.set("paths", bundle.limits.paths);
  limits.set("memory_bytes", bundle.limits.memory_bytes);
  limits.set("cpu_seconds", bundle.limits.cpu_seconds);
  limits.set("direct_deadline_seconds", bundle.limits.direct_deadline_seconds);
  root.set("limits", std::move(limits));
  return json::dump_pretty(root);
}

Result<HookBundle> hook_bundle_from_json(std::string_view text, BundleKeys keys) {
  auto root = json::parse(text, {.bytes = kHookJsonMax, .depth = 8, .values = 20000});
  if (!root) return fail(root.error());
  std::string fault;
  const auto bad = [&](std::string_view name, std::string_view wanted) {
    if (fault.empty()) fault = fmt::format("member \"{}\" is not {}", name, wanted);
  };
  const auto get_text = [&](const json::Value& object, std::string_view name) -> std::string {
    if (const auto* value = object.find_string(name)) return *value;
    bad(name, "a string");
    return {};
  };
  const auto get_array = [&](const json::Value& object, std::string_view name) -> json::Array {
    const json::Value* value = object.find(name);
    if (value != nullptr && value->as_array() != nullptr) return *value->as_array();
    bad(name, "an array");
    return {};
  };
  const auto get_texts = [&](const json::Value& object, std::string_view name) {
    std::vector<std::string> texts;
    for (const auto& element : get_array(object, name)) {
      if (element.as_string() == nullptr) bad(name, "an array of strings");
      texts.push_back(element.as_string() == nullptr ? "" : *element.as_string());
    }
    return texts;
  };
  const auto get_count = [&](const json::Value& object, std::string_view name) -> std::uint64_t {
    const auto* value = object.find_int(name);
    if (value != nullptr && *value >= 0) return static_cast<std::uint64_t>(*value);
    bad(name, "a count");
    return 0;
  };
  if (root->find_int("version") == nullptr || *root->find_int("version") != 1) bad("version", "1");
  HookBundle bundle;
  bundle.issuer = get_text(*root, "issuer");
  bundle.rules = get_text(*root, "rules");
  if (const auto at = parse_rfc3339(get_text(*root, "published_at"))) {
    bundle.published_at = *at;
  } else {
    bad("published_at", "a time");
  }
  for (const auto& jwk : get_array(*root, "keys")) {
    if (keys == BundleKeys::leave) break;
    auto key = identity::PublicKey::from_jwk(jwk);
    if (!key) {
      bad("keys", "a list of public keys: " + key.error().message);
    } else {
      bundle.keys.push_back(*std::move(key));
    }
  }
  for (const auto& object : get_array(*root, "governed")) {
    GovernedEntry entry;
    entry.repos = get_texts(object, "repos");
    const auto mode = parse_mode(get_text(object, "mode"));
    const auto direct = parse_direct_writes(get_text(object, "direct"));
    if (!mode) bad("mode", "observe or enforce");
    if (!direct) bad("direct", "refuse, authorize or check");
    entry.governance = {true, mode.value_or(Mode::enforce), direct.value_or(DirectWrites::refuse)};
    bundle.governed.push_back(std::move(entry));
  }
  for (const auto& object : get_array(*root, "templates")) {
    TemplatesEntry entry;
    entry.repos = get_texts(object, "repos");
    entry.templates.root = get_text(object, "root");
    entry.templates.layout = get_text(object, "layout");
    entry.templates.settings = get_text(object, "settings");
    entry.templates.may_relax = get_texts(object, "may_relax");
    const json::Value* severity = object.find("severity");
    if (severity == nullptr || severity->as_object() == nullptr) {
      bad("severity", "an object");
    } else {
      for (const auto& [rule, level] : *severity->as_object()) {
        if (level.as_string() == nullptr) bad("severity", "an object of strings");
        entry.templates.severity.emplace_back(rule, level.as_string() == nullptr ? "" : *level.as_string());
      }
    }
    bundle.templates.push_back(std::move(entry));
  }
  const json::Value* limits = root->find("limits");
  if (limits == nullptr || limits->as_object() == nullptr) {
    bad("limits", "an object");
  } else {
    bundle.limits = {get_count(*limits, "blob_bytes"), get_count(*limits, "paths"), get_count(*limits, "memory_bytes"),
                     get_count(*limits, "cpu_seconds"), get_count(*limits, "direct_deadline_seconds")};
  }
  if (!fault.empty()) return fail(ErrorCode::invalid_input, fault);
  return bundle;
}

Result<HookBundle> read_hook_bundle(const std::string& directory, BundleKeys keys) {
  const std::string path = directory + "/hook.json";
  const auto text = read_file(path, kHookJsonMax);
  if (!text) return fail(text.error());
  auto bundle = hook_bundle_from_json(*text, keys);
  if (!bundle) return fail(ErrorCode::corrupt, path + ": " + bundle.error().message);
  return bundle;
}

Result<std::shared_ptr<const AccessRules>> read_rules_bundle(const std::string& directory, std::string_view digest) {
  const std::string path = directory + "/rules.json";
  const auto text = read_file(path, kRulesJsonMax);
  if (!text) return fail(text.error());
  if (hex_encode(as_view(sha256(*text))) != digest) {
    return fail(ErrorCode::corrupt, path + ": not the rules that hook.json names");
  }
  auto rules = rules_from_json(*text);
  if (!rules) return fail(ErrorCode::corrupt, path + ": " + rules.error().message);
  // Names of environments do not travel: roles are not the hook's business.
  rules->roles.clear();
  return AccessRules::make(*std::move(rules));
}

Result<std::string> resolve_bundle(const std::string& directory) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(directory.c_str(), nullptr), std::free);
  if (!real) return fail(errno_error("finding the bundle " + directory, errno));
  return std::string(real.get());
}

Status publish_bundle(const std::string& directory, const HookBundle& bundle, const AccessRules& rules) {
  const std::string hook = hook_bundle_to_json(bundle);
  if (hook.size() > kHookJsonMax) {
    return fail(
        ErrorCode::limit,
        fmt::format("publishing the bundle {}: hook.json would have {} bytes, more than the {} that a hook reads; "
                    "use patterns in [[governed]] and [[templates]] instead of single repositories",
                    directory, hook.size(), kHookJsonMax));
  }
  struct stat info{};
  std::string previous;
  if (lstat(directory.c_str(), &info) == 0) {
    if (S_ISLNK(info.st_mode)) {
      std::array<char, PATH_MAX> target{};
      const ssize_t size = readlink(directory.c_str(), target.data(), target.size());
      if (size > 0) previous.assign(target.data(), static_cast<std::size_t>(size));
    } else if (!S_ISDIR(info.st_mode) || rmdir(directory.c_str()) != 0) {
      return fail(
          ErrorCode::conflict,
          fmt::format("publishing the bundle: {} is in the way: it must be a symlink of ours, or absent", directory));
    }
  }
  const std::string name = directory.substr(directory.rfind('/') + 1) + "." + hex_encode(random_bytes(8));
  const std::string fresh = parent_of(directory) + "/" + name;
  if (mkdir(fresh.c_str(), 0750) != 0) return fail(errno_error("making " + fresh, errno));
  const auto give_up = [&](Error error) {
    unlink((fresh + "/hook.json").c_str());
    unlink((fresh + "/rules.json").c_str());
    rmdir(fresh.c_str());
    return fail(in_context("publishing the bundle " + directory, std::move(error)));
  };
  // The hook's group must be able to read: the group is the parent directory's, which `init` and the operator set, not
  // the gateway's own, and setgid hands it on to the files (after the change of group, which would clear it).
  struct stat parent{};
  if (stat(parent_of(directory).c_str(), &parent) != 0) return give_up(errno_error("stat", errno));
  if (chown(fresh.c_str(), static_cast<uid_t>(-1), parent.st_gid) != 0 && errno != EPERM) {
    return give_up(errno_error("chown", errno));
  }
  if (chmod(fresh.c_str(), 02750) != 0) return give_up(errno_error("chmod", errno));
  if (auto written = write_file_atomic(fresh + "/rules.json", rules_to_json(rules.rule_set()), 0640); !written) {
    return give_up(written.error());
  }
  if (auto written = write_file_atomic(fresh + "/hook.json", hook, 0640); !written) return give_up(written.error());
  const std::string link = fresh + ".link";
  unlink(link.c_str());
  if (symlink(name.c_str(), link.c_str()) != 0) return give_up(errno_error("making a symlink", errno));
  if (rename(link.c_str(), directory.c_str()) != 0) {
    const int reason = errno;
    unlink(link.c_str());
    return give_up(errno_error("swapping the symlink", reason));
  }
  remove_others(directory, name, previous);
  return sync_directory(parent_of(directory));
}

}  // namespace postern::access
