#include "gateway/config/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "gateway/base/file.h"
#include "gateway/base/glob.h"

namespace postern::config {

namespace {

constexpr std::size_t kConfigMax = std::size_t{64} << 20;
constexpr std::size_t kSecretMax = std::size_t{64} << 10;

Result<Secret> tidy(std::string bytes, const SecretRef& ref) {
  if (bytes.ends_with('\n')) bytes.pop_back();
  if (bytes.ends_with('\r')) bytes.pop_back();
  if (bytes.empty()) return fail(ErrorCode::not_found, ref.text() + " is empty");
  return Secret(std::move(bytes));
}

Result<Secret> resolve_file(const SecretRef& ref) {
  const FileDescriptor fd(::open(ref.value.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(errno_error(ref.text(), errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("reading " + ref.text(), errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, ref.text() + " is no regular file");
  if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return fail(ErrorCode::denied,
                fmt::format("{} can be read or written by others (mode {:04o}); accepted: at most 0660; "
                            "fix: chmod o= {}",
                            ref.text(), info.st_mode & 07777U, ref.value));
  }
  if (info.st_size > static_cast<off_t>(kSecretMax))
    return fail(ErrorCode::limit, ref.text() + " is too large for a secret");
  std::string bytes;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("reading " + ref.text(), errno));
    if (got == 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > kSecretMax) return fail(ErrorCode::limit, ref.text() + " is too large for a secret");
  }
  return tidy(std::move(bytes), ref);
}

Result<std::vector<std::string>> list_directory(const std::string& pattern) {
  const std::size_t slash = pattern.rfind('/');
  const std::string directory = slash == 0 ? "/" : pattern.substr(0, slash);
  const Glob glob(pattern.substr(slash + 1));
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  if (!open) return fail(errno_error("opening " + directory, errno));
  std::vector<std::string> files;
  errno = 0;
  while (const dirent* entry = readdir(open.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    // Editors and package managers leave hidden files behind.
    if (!name.starts_with('.') && glob.matches(name)) files.push_back((slash == 0 ? "" : directory) + "/" + name);
    errno = 0;
  }
  if (errno != 0) return fail(errno_error("reading " + directory, errno));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string SecretRef::text() const {
  switch (kind) {
    case Kind::env: return "env:" + value;
    case Kind::file: return "file:" + value;
    case Kind::keyvault: return "keyvault:" + value;
  }
  return value;
}

Result<Secret> resolve(const SecretRef& ref, const KeyVaultReader& key_vault) {
  switch (ref.kind) {
    case SecretRef::Kind::env: {
      const char* value = std::getenv(ref.value.c_str());
      if (value == nullptr) return fail(ErrorCode::not_found, ref.text() + ": no such variable in the environment");
      return tidy(value, ref);
    }
    case SecretRef::Kind::file: return resolve_file(ref);
    case SecretRef::Kind::keyvault: break;
  }
  if (!key_vault)
    return fail(ErrorCode::unsupported, ref.text() + ": this program has no identity that reads Key Vault");
  const std::size_t first = ref.value.find('/');
  const std::size_t second = ref.value.find('/', first + 1);
  const std::string version = second == std::string::npos ? "" : ref.value.substr(second + 1);
  auto secret = key_vault(ref.value.substr(0, first), ref.value.substr(first + 1, second - first - 1), version);
  if (!secret) return fail(in_context(ref.text(), secret.error()));
  if (secret->empty()) return fail(ErrorCode::not_found, ref.text() + " is empty");
  return secret;
}

std::string Listen::text() const {
  if (is_unix) return "unix:" + path;
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string Problem::text() const {
  const std::string place = line == 0 ? file : fmt::format("{}:{}", file, line);
  return key.empty() ? fmt::format("{}: {}", place, message) : fmt::format("{}: {}: {}", place, key, message);
}

std::string Mistakes::text() const {
  std::string all;
  for (const auto& problem : errors) all += "error: " + problem.text() + "\n";
  for (const auto& problem : warnings) all += "warning: " + problem.text() + "\n";
  if (!all.empty()) all.pop_back();
  return all;
}

Files disk_files() {
  return {.read = [](const std::string& path) { return read_file(path, kConfigMax); }, .list = list_directory};
}

std::string config_path(const std::string& option) {
  const char* from_environment = std::getenv("POSTERN_CONFIG");
  std::string path = option;
  if (path.empty() && from_environment != nullptr) path = from_environment;
  if (path.empty()) return "/etc/postern/postern.toml";
  // What stands in the file is relative to its directory, and that must not change where the process goes.
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  return failed ? path : absolute.lexically_normal().string();
}

access::HookBundle make_hook_bundle(const Config& config, const access::AccessRules& rules,
                                    std::vector<identity::PublicKey> ticket_keys, WallTime now) {
  access::HookBundle bundle;
  bundle.issuer = config.server.external_url;
  bundle.rules = rules.digest();
  bundle.published_at = now;
  bundle.keys = std::move(ticket_keys);
  for (const auto& rule : config.rules.governed) {
    access::Governance governance = rule.governance;
    governance.governed = true;
    bundle.governed.push_back({rule.repos, governance});
  }
  for (const auto& rule : config.rules.templates) bundle.templates.push_back({rule.repos, rule.templates});
  bundle.limits = config.tickets.limits;
  return bundle;
}

}  // namespace postern::config
