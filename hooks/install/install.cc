#include "hooks/install/install.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "gateway/access/bundle.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/git/repo_path.h"
#include "hooks/install/dispatcher.h"
#include "hooks/install/gogs_config.h"
#include "hooks/install/system_user.h"
#include "hooks/receive/marker.h"

namespace postern::install {
namespace {

constexpr std::size_t kNamedMax = 10;  // repositories named in one message
constexpr auto kPauseMax = std::chrono::hours(24 * 7);

std::string state_path(const std::string& directory) { return directory + "/install.json"; }
std::string pause_path(const std::string& directory) { return directory + "/paused-until"; }
std::string pause_log_path(const std::string& directory) { return directory + "/pauses.log"; }

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  if (!resolved) return fail(errno_error("finding " + path, errno));
  return std::string(resolved.get());
}

Status make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return fail(errno_error("making " + part, errno));
    if (slash == std::string::npos) return {};
  }
}

// --- the repositories of a Gogs -------------------------------------------------------------------------------------

struct Listing {
  std::vector<std::string> repositories;  // absolute paths of <ROOT>/<owner>/<name>.git
  std::vector<std::string> links;         // symbolic links where a directory is expected
};

Result<std::vector<std::string>> children(const std::string& directory, std::vector<std::string>& links) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), &::closedir);
  if (!dir) return fail(errno_error("listing " + directory, errno));
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name == "." || name == "..") continue;
    struct stat info{};
    const std::string path = directory + "/" + name;
    if (::lstat(path.c_str(), &info) != 0) continue;
    if (S_ISLNK(info.st_mode)) links.push_back(path);
    if (S_ISDIR(info.st_mode)) out.push_back(path);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Listing> list_repositories(const std::string& root) {
  Listing listing;
  Result<std::vector<std::string>> owners = children(root, listing.links);
  if (!owners) return fail(owners.error());
  for (const std::string& owner : *owners) {
    Result<std::vector<std::string>> names = children(owner, listing.links);
    if (!names) return fail(names.error());
    for (std::string& name : *names) {
      if (name.ends_with(".git")) listing.repositories.push_back(std::move(name));
    }
  }
  return listing;
}

std::string name_some(const std::vector<std::string>& paths) {
  std::string out;
  for (std::size_t i = 0; i < std::min(paths.size(), kNamedMax); ++i) out += (i == 0 ? "" : ", ") + paths[i];
  if (paths.size() > kNamedMax) out += " and " + std::to_string(paths.size() - kNamedMax) + " more";
  return out;
}

void examine_repositories(const Installation& at, std::vector<std::string>& problems) {
  Result<Listing> listing = list_repositories(at.root);
  if (!listing) {
    problems.push_back(listing.error().message + "; run as root");
    return;
  }
  std::vector<std::string> own_path, missing, not_executable;
  for (const std::string& repository : listing->repositories) {
    Result<std::string> config = read_file(repository + "/config", std::size_t{1} << 20);
    if (config && !local_hooks_path(*config).empty()) own_path.push_back(repository);
    const bool mirror = config && is_mirror_config(*config);
    for (const char* name : {"pre-receive", "update", "post-receive"}) {
      const std::string hook = repository + "/hooks/" + name;
      struct stat info{};
      if (::stat(hook.c_str(), &info) != 0) {
        if (at.gogs && !mirror) missing.push_back(hook);
      } else if ((info.st_mode & 0111) == 0) {
        not_executable.push_back(hook);
      }
    }
  }
  if (!own_path.empty()) {
    problems.push_back("core.hooksPath is set in the repository itself, which passes the dispatcher by: " +
                       name_some(own_path) + "; run: git -C <repository> config --unset core.hooksPath");
  }
  if (!missing.empty()) {
    problems.push_back("Gogs' own hooks are missing: " + name_some(missing) + "; run: gogs admin resync-hooks");
  }
  if (!not_executable.empty()) {
    problems.push_back("hooks are not executable, so git passes them over without a word: " +
                       name_some(not_executable) + "; run: gogs admin resync-hooks, or chmod +x");
  }
  if (!listing->links.empty()) {
    problems.push_back("symbolic links below ROOT lead to repositories that count as outside: " +
                       name_some(listing->links) + "; use a bind mount instead");
  }
}

// --- git's own configuration ----------------------------------------------------------------------------------------

std::vector<std::pair<std::string, std::string>> wanted_settings(const Installation& at) {
  return {{"core.hooksPath", at.directory},
          {"receive.advertisePushOptions", "true"},
          {"receive.maxInputSize", at.max_input_size},
          {"receive.fsckObjects", "true"}};
}

std::vector<std::string> git_config(const Installation& at, std::initializer_list<std::string> rest) {
  std::vector<std::string> argv{"git", "config", at.system ? "--system" : "--global"};
  argv.insert(argv.end(), rest);
  return argv;
}

Result<ProgramResult> run_git(const Installation& at, const std::vector<std::string>& argv) {
  // The system's configuration is root's; the user's must stay owned by that user.
  Result<SystemUser> user = at.system ? find_user(::geteuid()) : find_user(at.user);
  if (!user) return fail(user.error());
  return run_as(*user, argv);
}

Result<std::optional<std::string>> get_setting(const Installation& at, const std::string& key) {
  Result<ProgramResult> got = run_git(at, git_config(at, {"--get", key}));
  if (!got) return fail(got.error());
  if (got->exit_code == 1) return std::optional<std::string>{};
  if (got->exit_code != 0) {
    return fail(ErrorCode::io, "git config --get " + key + " ended with " + std::to_string(got->exit_code));
  }
  std::string value = got->output;
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

Status set_setting(const Installation& at, const std::string& key, const std::optional<std::string>& value) {
  Result<ProgramResult> got = value ? run_git(at, git_config(at, {"--replace-all", key, *value}))
                                    : run_git(at, git_config(at, {"--unset-all", key}));
  if (!got) return fail(got.error());
  // 5: it was not there to be unset.
  if (got->exit_code != 0 && !(got->exit_code == 5 && !value)) {
    return fail(ErrorCode::io, "git config of " + key + " ended with " + std::to_string(got->exit_code));
  }
  return {};
}

std::string where_settings(const Installation& at) {
  return at.system ? "the system's git configuration" : at.user + "'s git configuration";
}

// --- what is remembered ---------------------------------------------------------------------------------------------

std::string to_text(const Installation& at) {
  json::Value value;
  value.set("version", 1);
  value.set("root", at.root);
  value.set("user", at.user);
  value.set("bundle", at.bundle);
  value.set("spool", at.spool);
  value.set("program", at.program);
  value.set("max_input_size", at.max_input_size);
  value.set("system", at.system);
  value.set("trial", at.trial);
  value.set("gogs", at.gogs);
  json::Value previous{json::Object{}};
  for (const auto& [key, before] : at.previous) previous.set(key, before ? json::Value(*before) : json::Value());
  value.set("previous", std::move(previous));
  return json::dump_pretty(value);
}

bool is_noexec(const std::string& path) {
  struct statvfs info{};
  return ::statvfs(path.c_str(), &info) == 0 && (info.f_flag & ST_NOEXEC) != 0;
}

// Who could change the file or one of the directories above it, seen by the kernel as that user.
void examine_ownership(const SystemUser& user, const std::string& path, std::vector<std::string>& problems) {
  for (std::string part = path; part.size() > 1; part = part.substr(0, std::max<std::size_t>(part.rfind('/'), 1))) {
    struct stat info{};
    if (::lstat(part.c_str(), &info) != 0) continue;
    Result<bool> writable = may_access(user, part, W_OK);
    const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && part != path;
    if (!writable) {
      problems.push_back(writable.error().message + "; run as root");
      return;
    }
    if ((*writable && !sticky) || (info.st_uid == user.uid && user.uid != 0)) {
      problems.push_back(part + " is writable by " + user.name +
                         ", who could switch the hooks off; give it to root (chown root, chmod go-w)");
      return;
    }
    if (part.rfind('/') == 0) return;
  }
}

Status append_line(const std::string& path, const std::string& line) {
  Result<std::string> before = read_file(path, std::size_t{16} << 20);
  if (!before && before.error().code != ErrorCode::not_found) return fail(before.error());
  return write_file_atomic(path, (before ? *before : std::string{}) + line + "\n", 0644);
}

Result<Installation> plan_installation(const InstallOptions& options) {
  Installation at;
  at.system = options.system;
  at.trial = options.trial;
  at.max_input_size = options.max_input_size;
  std::string user = options.user;
  std::string root = options.repositories;
  if (options.gogs_config.empty() == options.repositories.empty()) {
    return fail(ErrorCode::bad_usage, "one of --gogs-config APP_INI and --repositories ROOT is needed");
  }
  if (!options.gogs_config.empty()) {
    at.gogs = true;
    Result<std::string> text = read_file(options.gogs_config, std::size_t{1} << 20);
    if (!text) return fail(ErrorCode::bad_usage, text.error().message);
    Result<GogsConfig> config = parse_gogs_config(*text);
    if (!config) return fail(ErrorCode::bad_usage, options.gogs_config + ": " + config.error().message);
    root = config->root;
    if (user.empty()) user = config->run_user;
  }
  Result<std::string> real_root = real_path(root);
  if (!real_root) return fail(ErrorCode::bad_usage, "ROOT: " + real_root.error().message);
  at.root = *real_root;
  if (at.root == "/") return fail(ErrorCode::bad_usage, "ROOT is '/'; accepted: the directory of Gogs' repositories");
  struct stat info{};
  if (::stat(at.root.c_str(), &info) != 0) return fail(errno_error("looking at " + at.root, errno));
  Result<SystemUser> account = user.empty() ? find_user(info.st_uid) : find_user(user);
  if (!account) return fail(ErrorCode::bad_usage, account.error().message + "; accepted: --user NAME");
  at.user = account->name;
  for (const auto& [name, given, into] :
       {std::tuple("--bundle", &options.bundle, &at.bundle), std::tuple("--spool", &options.spool, &at.spool),
        std::tuple("--directory", &options.directory, &at.directory)}) {
    if (!given->starts_with('/')) {
      return fail(ErrorCode::bad_usage, std::string(name) + " must be an absolute path, not '" + *given + "'");
    }
    *into = *given;
    while (into->size() > 1 && into->ends_with('/')) into->pop_back();
  }
  Result<std::string> program = real_path(options.program.empty() ? "/proc/self/exe" : options.program);
  if (!program) return fail(ErrorCode::bad_usage, "--program: " + program.error().message);
  at.program = *program;
  return at;
}

}  // namespace

Result<Installation> read_installation(const std::string& directory) {
  Result<std::string> text = read_file(state_path(directory), std::size_t{1} << 20);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::bad_usage, directory + " holds no installation; accepted: --directory DIR of `install`");
    }
    return fail(text.error());
  }
  Result<json::Value> value = json::parse(*text);
  if (!value) return fail(ErrorCode::corrupt, state_path(directory) + ": " + value.error().message);
  Installation at;
  at.directory = directory;
  for (const auto& [name, into] :
       {std::pair("root", &at.root), std::pair("user", &at.user), std::pair("bundle", &at.bundle),
        std::pair("spool", &at.spool), std::pair("program", &at.program),
        std::pair("max_input_size", &at.max_input_size)}) {
    const std::string* found = value->find_string(name);
    if (found == nullptr) return fail(ErrorCode::corrupt, state_path(directory) + ": no member " + std::string(name));
    *into = *found;
  }
  for (const auto& [name, into] :
       {std::pair("system", &at.system), std::pair("trial", &at.trial), std::pair("gogs", &at.gogs)}) {
    const json::Value* found = value->find(name);
    *into = found != nullptr && found->as_bool() != nullptr && *found->as_bool();
  }
  const json::Value* previous = value->find("previous");
  if (previous != nullptr && previous->as_object() != nullptr) {
    for (const auto& [key, before] : *previous->as_object()) {
      at.previous.emplace_back(key, before.as_string() ? std::optional(*before.as_string()) : std::nullopt);
    }
  }
  return at;
}

std::vector<std::string> examine(const Installation& at) {
  std::vector<std::string> problems;
  Result<SystemUser> user = find_user(at.user);
  if (!user) return {user.error().message};
  const auto need = [&](const std::string& path, int mode, const std::string& otherwise) {
    Result<bool> able = may_access(*user, path, mode);
    if (!able) {
      problems.push_back(able.error().message + "; run as root");
    } else if (!*able) {
      problems.push_back(otherwise);
    }
  };
  for (const std::string& path : {at.directory, at.program, at.root}) {
    if (is_noexec(path)) {
      problems.push_back(path + " is on a mount with the option noexec, where git passes hooks over without a word; " +
                         "remount it with exec");
    }
  }
  need(at.program, R_OK | X_OK, at.program + " cannot be run by " + at.user + "; chmod 0755, or install it elsewhere");
  Result<access::HookBundle> bundle = access::read_hook_bundle(at.bundle);
  if (!bundle) {
    problems.push_back("no bundle: " + bundle.error().message + "; start the gateway, or `postern reload`, first");
  } else {
    need(at.bundle + "/hook.json", R_OK,
         at.bundle + "/hook.json cannot be read by " + at.user + "; add " + at.user + " to the group postern");
  }
  need(at.spool, R_OK | W_OK | X_OK,
       at.spool + " cannot be written by " + at.user + "; make it: install -d -o postern -g postern -m 2770 " +
           at.spool + ", and add " + at.user + " to the group postern");
  if (!at.trial) {
    examine_ownership(*user, at.directory, problems);
    examine_ownership(*user, at.program, problems);
  }
  examine_repositories(at, problems);
  return problems;
}

Status install(const InstallOptions& options, const Say& say) {
  Result<Installation> planned = plan_installation(options);
  if (!planned) return fail(planned.error());
  Installation at = std::move(*planned);
  const bool again = ::access(state_path(at.directory).c_str(), F_OK) == 0;
  if (again) {
    Result<Installation> before = read_installation(at.directory);
    if (!before) return fail(before.error());
    if (before->system != at.system || before->user != at.user) {
      return fail(ErrorCode::denied, at.directory + " is installed for " + where_settings(*before) +
                                         "; run: postern-hook uninstall --directory " + at.directory + " first");
    }
    at.previous = before->previous;
  }
  const bool made = ::access(at.directory.c_str(), F_OK) != 0;
  if (Status done = make_directories(at.directory); !done) return done;
  const auto give_back = [&] {
    if (made) ::rmdir(at.directory.c_str());
  };
  std::vector<std::string> problems = examine(at);
  Result<std::optional<std::string>> hooks_path = get_setting(at, "core.hooksPath");
  if (!hooks_path) {
    problems.push_back(hooks_path.error().message);
  } else if (*hooks_path && **hooks_path != at.directory) {
    problems.push_back("core.hooksPath is " + **hooks_path + " in " + where_settings(at) +
                       " already, and only one directory can have it; unset it, or chain it from the repositories");
  }
  if (!problems.empty()) {
    give_back();
    for (const std::string& problem : problems) say("problem: " + problem);
    return fail(ErrorCode::denied, "nothing was changed: " + std::to_string(problems.size()) +
                                       (problems.size() == 1 ? " problem" : " problems"));
  }
  if (!again) {
    for (const auto& [key, value] : wanted_settings(at)) {
      Result<std::optional<std::string>> before = get_setting(at, key);
      if (!before) {
        give_back();
        return fail(before.error());
      }
      at.previous.emplace_back(key, std::move(*before));
    }
  }
  // What must be put back is on disk before anything is changed.
  if (Status written = write_file_atomic(state_path(at.directory), to_text(at), 0644); !written) return written;
  const std::string script = dispatcher_script({at.program, at.bundle, at.spool, at.root, pause_path(at.directory)});
  for (const std::string_view name : hook_names()) {
    const std::string path = at.directory + "/" + std::string(name);
    if (Status written = write_file_atomic(path, script, 0755); !written) return written;
  }
  say("wrote " + std::to_string(hook_names().size()) + " hooks into " + at.directory + " for repositories below " +
      at.root);
  for (const auto& [key, value] : wanted_settings(at)) {
    Result<std::optional<std::string>> now = get_setting(at, key);
    if (!now) return fail(now.error());
    if (*now && key == "receive.maxInputSize" && !again) {
      say("kept " + key + " = " + **now + " in " + where_settings(at));
      continue;
    }
    if (*now && **now == value) {
      say("kept " + key + " = " + value + " in " + where_settings(at));
      continue;
    }
    if (Status set = set_setting(at, key, value); !set) return set;
    say("set " + key + " = " + value + " in " + where_settings(at) +
        (*now ? " (was " + **now + ")" : " (was not set)"));
  }
  if (at.trial) say("trial: " + at.user + " may write to " + at.directory + " and could switch the hooks off");
  return {};
}

Status uninstall(const std::string& directory, const Say& say) {
  Result<Installation> at = read_installation(directory);
  if (!at) return fail(at.error());
  for (const auto& [key, wanted] : wanted_settings(*at)) {
    const auto before = std::find_if(at->previous.begin(), at->previous.end(),
                                     [&key](const auto& entry) { return entry.first == key; });
    if (before == at->previous.end()) continue;
    Result<std::optional<std::string>> now = get_setting(*at, key);
    if (!now) return fail(now.error());
    if (*now == before->second) continue;
    if (!*now || **now != wanted) {
      say("left " + key + " = " + now->value_or("(not set)") + ": somebody else changed it");
      continue;
    }
    if (Status set = set_setting(*at, key, before->second); !set) return set;
    say(before->second ? "put back " + key + " = " + *before->second + " in " + where_settings(*at)
                       : "unset " + key + " in " + where_settings(*at));
  }
  for (const std::string_view name : hook_names()) ::unlink((directory + "/" + std::string(name)).c_str());
  ::unlink(pause_path(directory).c_str());
  ::unlink(state_path(directory).c_str());
  if (::rmdir(directory.c_str()) == 0) {
    say("removed " + directory);
  } else {
    say("removed the hooks from " + directory + "; other files stay there");
  }
  return {};
}

Result<bool> status(const std::string& directory, const Clock& clock, const Say& say) {
  Result<Installation> at = read_installation(directory);
  if (!at) return fail(at.error());
  say("repositories: " + at->root + " (user " + at->user + ")");
  say("program: " + at->program + ", bundle: " + at->bundle + ", spool: " + at->spool);
  std::vector<std::string> problems = examine(*at);
  const std::string script = dispatcher_script({at->program, at->bundle, at->spool, at->root, pause_path(directory)});
  for (const std::string_view name : hook_names()) {
    const std::string path = directory + "/" + std::string(name);
    Result<std::string> text = read_file(path, std::size_t{1} << 20);
    if (!text || *text != script || ::access(path.c_str(), X_OK) != 0) {
      problems.push_back(path + " is not what install wrote; run: postern-hook install again");
    }
  }
  for (const auto& [key, wanted] : wanted_settings(*at)) {
    Result<std::optional<std::string>> now = get_setting(*at, key);
    if (!now) {
      problems.push_back(now.error().message);
    } else if (!*now || (**now != wanted && key != "receive.maxInputSize")) {
      problems.push_back(key + " is " + now->value_or("not set") + " in " + where_settings(*at) + ", expected " +
                         wanted + "; run: postern-hook install again");
    }
  }
  if (Result<std::string> paused = read_file(pause_path(directory), 4096); paused) {
    const std::int64_t until = std::atoll(paused->c_str());
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
    if (now < until) problems.push_back("paused: every push passes until " + printable(paused->substr(0, 300)));
  }
  for (const std::string& problem : problems) say("problem: " + problem);
  if (problems.empty()) say("ok: every push below " + at->root + " is judged");
  return problems.empty();
}

Status pause(const std::string& directory, WallTime until, const std::string& reason, const Clock& clock,
             const Say& say) {
  Result<Installation> at = read_installation(directory);
  if (!at) return fail(at.error());
  const WallTime now = clock.wall();
  if (until <= now) return fail(ErrorCode::bad_usage, "--until lies in the past; accepted: a time within seven days");
  if (until > now + kPauseMax) return fail(ErrorCode::bad_usage, "--until is more than seven days away");
  if (reason.empty()) return fail(ErrorCode::bad_usage, "--reason TEXT is needed; it is recorded with every push");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until.time_since_epoch()).count();
  // Logged before it takes effect.
  if (Status logged = append_line(pause_log_path(directory), to_rfc3339(now) + " uid " + std::to_string(::getuid()) +
                                                                 " paused until " + to_rfc3339(until) + ": " +
                                                                 printable(reason, 200));
      !logged) {
    return logged;
  }
  if (Status written =
          write_file_atomic(pause_path(directory), std::to_string(seconds) + " " + to_rfc3339(until) + "\n", 0644);
      !written) {
    return written;
  }
  say("paused until " + to_rfc3339(until) + ": every push passes, and is recorded as such");
  say("end it with: postern-hook pause --end --directory " + directory);
  return {};
}

Status end_pause(const std::string& directory, const Clock& clock, const Say& say) {
  Result<Installation> at = read_installation(directory);
  if (!at) return fail(at.error());
  if (::unlink(pause_path(directory).c_str()) != 0) {
    if (errno == ENOENT) {
      say("there was no pause");
      return {};
    }
    return fail(errno_error("ending the pause", errno));
  }
  say("the pause has ended; every push is judged again");
  return append_line(pause_log_path(directory),
                     to_rfc3339(clock.wall()) + " uid " + std::to_string(::getuid()) + " ended the pause");
}

Status rebind(const std::string& directory, const std::string& name, std::optional<std::int64_t> id, const Say& say) {
  Result<Installation> at = read_installation(directory);
  if (!at) return fail(at.error());
  Result<git::RepoPath> repo = git::RepoPath::parse(name);
  if (!repo) return fail(ErrorCode::bad_usage, repo.error().message);
  const std::string path = at->root + "/" + repo->full_name() + ".git";
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::bad_usage, path + " is no repository");
  }
  Result<std::optional<receive::Marker>> before = receive::read_marker(path);
  if (!before && before.error().code != ErrorCode::corrupt) return fail(before.error());
  receive::Marker marker;
  marker.name = repo->full_name();
  marker.id = id ? id : before && *before ? (*before)->id : std::nullopt;
  if (Status written = receive::write_marker(path, marker); !written) return written;
  Result<SystemUser> user = find_user(at->user);
  if (!user) return fail(user.error());
  if (::geteuid() == 0 && ::chown(receive::marker_path(path).c_str(), user->uid, user->gid) != 0) {
    return fail(errno_error("giving the marker to " + at->user, errno));
  }
  say(path + " is bound to " + marker.name + (marker.id ? " (Gogs id " + std::to_string(*marker.id) + ")" : "") +
      (before && *before ? "; it was " + (*before)->name : ""));
  return {};
}

}  // namespace postern::install
