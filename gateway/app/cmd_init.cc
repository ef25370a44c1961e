#include "gateway/app/cmd_init.h"

#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "gateway/app/cmd_shared.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/config/config.h"
#include "gateway/identity/jws.h"

namespace postern::app {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string starter(const InitOptions& options, const std::string& directory) {
  std::string listen;
  for (const auto& address : options.listen) listen += (listen.empty() ? "" : ", ") + quoted(address);
  return fmt::format(
      R"(# The configuration of Postern. `postern config check` says what is wrong with it, `postern reload` puts it in force.
# Secrets never stand here, only where they are kept: env:NAME or file:PATH.

include = ["rules.d/*.toml"]        # files with [[identity]], [[group]], [[role]], [[governed]], [[grant]], [[deny]]

[server]
listen       = [{listen}]
external_url = {external_url}       # what people and pipelines clone from

[upstream]
kind        = {kind}                # gogs, or git: any smart-HTTP server that takes Basic
url         = {upstream}
credentials = [{credential}]        # a token of the service account; the first is used

[store]
url = {store}

[tickets]
signing_keys = [{ticket_key}]       # the first signs, all verify
bundle       = {bundle}             # what the hook knows; published at every load
spool        = {spool}              # what the hook leaves for the gateway

[audit]
signing_keys = [{audit_key}]
witness      = [{witness}, "syslog:"]   # where checkpoints go that the gateway cannot take back

# Who vouches for callers. One entry per issuer of tokens.
#
# [[issuer]]
# name      = "entra"
# issuer    = "https://login.microsoftonline.com/TENANT/v2.0"
# audiences = ["api://postern"]

# The operator of this machine, known by the account at the other end of the Unix socket.
[[identity]]
name   = "operator"
kind   = "human"
issuer = "unix"
match  = {{ uid = {uid} }}

[[role]]
name = "operators"
to   = ["operator"]
may  = ["admin", "audit:read", "pushes:read"]

# A pipeline that may read one repository:
#
# [[identity]]
# name   = "apim-sync"
# kind   = "workload"
# issuer = "entra"
# match  = {{ oid = "OBJECT-ID", idtyp = "app" }}
#
# [[grant]]
# name  = "apim-sync-reads-policies"
# to    = ["apim-sync"]
# repos = ["platform/policies"]
# verbs = ["read"]

# Repositories whose pushes the hook judges. Begin with observe: everything passes, and the log says what would not.
#
# [[governed]]
# repos  = ["platform/*"]
# mode   = "observe"
# direct = "check"

# Where policy templates live:
#
# [[templates]]
# repos  = ["platform/*"]
# root   = "apimartifacts"
# layout = "apiops"
)",
      fmt::arg("listen", listen), fmt::arg("external_url", quoted(options.external_url)),
      fmt::arg("kind", quoted(options.upstream_kind)), fmt::arg("upstream", quoted(options.upstream)),
      fmt::arg("credential", quoted(options.upstream_credential)),
      fmt::arg("store", quoted("sqlite:" + options.state + "/postern.db")),
      fmt::arg("ticket_key", quoted("file:" + directory + "/ticket.pem")),
      fmt::arg("audit_key", quoted("file:" + directory + "/audit.pem")),
      fmt::arg("bundle", quoted(options.state + "/bundle")), fmt::arg("spool", quoted(options.spool)),
      fmt::arg("witness", quoted("file:" + options.state + "/checkpoints")),
      fmt::arg("uid", static_cast<unsigned>(::getuid())));
}

class Writer {
 public:
  explicit Writer(uid_t owner) : owner_(owner) {}

  // Both: what is there is left alone.
  Status directory(const std::string& path, mode_t mode, std::optional<gid_t> group = {}) {
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno != EEXIST) return fail(errno_error("making " + path, errno));
      fmt::print("kept   {}/\n", path);
      return {};
    }
    // Before the mode: giving a file away may take its setgid bit.
    if (Status owned = hand_over(path, group); !owned) return owned;
    if (::chmod(path.c_str(), mode) != 0) return fail(errno_error("chmod " + path, errno));
    fmt::print("made   {}/ (mode {:04o})\n", path, static_cast<unsigned>(mode));
    return {};
  }
  Status file(const std::string& path, std::string_view bytes, mode_t mode, std::string_view what) {
    if (Status created = create_file(path, bytes, mode); !created) {
      if (created.error().code != ErrorCode::conflict) return created;
      fmt::print("kept   {} ({})\n", path, what);
      return {};
    }
    if (Status owned = hand_over(path, {}); !owned) return owned;
    fmt::print("wrote  {} ({}, mode {:04o})\n", path, what, static_cast<unsigned>(mode));
    return {};
  }
  // The group of the spool is the hook's too, and a hook that could read this key could write its own tickets: 0600.
  Status key(const std::string& path, std::string_view what) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0) {
      fmt::print("kept   {} ({})\n", path, what);
      return {};
    }
    const auto key = identity::SigningKey::generate_ed25519();
    if (!key) return fail(key.error());
    return file(path, key->to_pem().reveal(), 0600, what);
  }

 private:
  Status hand_over(const std::string& path, std::optional<gid_t> group) const {
    if (::lchown(path.c_str(), owner_, group.value_or(static_cast<gid_t>(-1))) != 0) {
      return fail(errno_error("giving " + path + " to its owner", errno));
    }
    return {};
  }
  uid_t owner_;
};

// Makes the missing parents too; they are everybody's to pass through.
Status make_parents(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string parent = path.substr(0, at);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return fail(errno_error("making " + parent, errno));
  }
  return {};
}

Result<std::string> absolute(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::bad_usage, "an empty path");
  std::string whole = path;
  if (path.front() != '/') {
    std::array<char, PATH_MAX> here{};
    if (::getcwd(here.data(), here.size()) == nullptr) return fail(errno_error("finding the working directory", errno));
    whole = std::string(here.data()) + "/" + path;
  }
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  for (const char c : whole) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(ErrorCode::bad_usage, "a path with control characters");
  }
  return whole;
}

}  // namespace

int cmd_init(const InitOptions& given) {
  InitOptions options = given;
  for (std::string* path : {&options.directory, &options.state, &options.spool}) {
    auto whole = absolute(*path);
    if (!whole) {
      say_error("init: " + whole.error().message);
      return kExitBadUsage;
    }
    *path = *std::move(whole);
  }
  const std::string& directory = options.directory;
  if (options.listen.empty()) options.listen = {"127.0.0.1:8080", "unix:/run/postern/gateway.sock"};
  if (options.upstream_credential.empty()) options.upstream_credential = "file:" + directory + "/upstream-token";
  uid_t owner = ::geteuid();
  if (!options.user.empty()) {
    const struct passwd* entry = ::getpwnam(options.user.c_str());
    if (entry == nullptr) {
      say_error(fmt::format("--user: no account is named \"{}\"", printable(options.user, 64)));
      return kExitBadUsage;
    }
    owner = entry->pw_uid;
  }
  std::optional<gid_t> group;
  if (!options.group.empty()) {
    const struct group* entry = ::getgrnam(options.group.c_str());
    if (entry == nullptr) {
      say_error(fmt::format("--group: no group is named \"{}\"", printable(options.group, 64)));
      return kExitBadUsage;
    }
    group = entry->gr_gid;
  }

  // Judged before anything is written: what does not pass `config check` is no start.
  const std::string text = starter(options, directory);
  const config::Files in_memory{
      .read = [&](const std::string&) -> Result<std::string> { return text; },
      .list = [](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{}; }};
  if (const auto loaded = config::load(directory + "/postern.toml", in_memory); !loaded) {
    for (const auto& problem : loaded.error().errors) say_error("init: " + problem.key + ": " + problem.message);
    return kExitBadUsage;
  }

  Writer writer(owner);
  const auto all = [&]() -> Status {
    for (const auto& path : {directory, options.state, options.spool}) {
      if (Status made = make_parents(path); !made) return made;
    }
    if (Status made = writer.directory(directory, 0755); !made) return made;
    if (Status made = writer.directory(directory + "/rules.d", 0755); !made) return made;
    if (Status made = writer.key(directory + "/ticket.pem", "signs tickets"); !made) return made;
    if (Status made = writer.key(directory + "/audit.pem", "signs the audit log's checkpoints"); !made) return made;
    if (Status made = writer.file(directory + "/postern.toml", text, 0644, "the configuration"); !made) return made;
    // The gateway makes its database and bundle here; the hook passes through to the bundle.
    if (Status made = writer.directory(options.state, group ? 0750 : 0700, group); !made) return made;
    return writer.directory(options.spool, group ? 02770 : 0700, group);
  };
  if (const Status done = all(); !done) {
    say_error("init: " + done.error().message);
    return kExitCouldNotFinish;
  }
  fmt::print("\nnext:\n");
  if (options.upstream_credential.starts_with("file:")) {
    fmt::print("  put a token of the upstream's service account into {} (readable by the gateway alone)\n",
               options.upstream_credential.substr(5));
  }
  if (!group) {
    fmt::print("  let gateway and Gogs share a group for {} and {}/bundle (postern init --group NAME does it)\n",
               options.spool, options.state);
  }
  fmt::print("  name your issuers, identities and grants in {}/postern.toml, or in files of {}/rules.d\n", directory,
             directory);
  fmt::print("  postern config check --config {}/postern.toml\n", directory);
  fmt::print("  postern-gateway --config {}/postern.toml\n", directory);
  fmt::print("  postern-hook install, on the machine that holds the repositories\n");
  return kExitFine;
}

}  // namespace postern::app
