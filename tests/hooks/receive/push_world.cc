#include "tests/hooks/receive/push_world.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "hooks/install/dispatcher.h"

namespace postern::test {
namespace {

namespace fs = std::filesystem;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

void write_text(const std::string& path, const std::string& text, bool executable = false) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  if (executable) ::chmod(path.c_str(), 0755);
}

}  // namespace

PushWorld::PushWorld() : key(must(identity::SigningKey::generate_ed25519())) {
  std::string pattern = "/tmp/postern-push-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory = pattern;
  root = directory + "/root";
  hooks = directory + "/hooks";
  bundle_directory = directory + "/bundle";
  spool_directory = directory + "/spool";
  for (const std::string& path : {root, hooks, spool_directory, directory + "/home"}) fs::create_directories(path);
  const std::string script = install::dispatcher_script(
      {POSTERN_BIN_DIR "/postern-hook", bundle_directory, spool_directory, root, hooks + "/paused-until"});
  for (const std::string_view name : install::hook_names()) write_text(hooks + "/" + std::string(name), script, true);
  const std::string common =
      "[user]\n name = T\n email = t@example.com\n[init]\n defaultBranch = main\n[protocol \"file\"]\n allow = always\n"
      "[receive]\n advertisePushOptions = true\n fsckObjects = true\n[gc]\n auto = 0\n"
      "[safe]\n directory = *\n";
  write_text(directory + "/config-hooks", common + "[core]\n hooksPath = " + hooks + "\n");
  write_text(directory + "/config-plain", common);

  bundle.issuer = "https://git.example.com";
  bundle.keys = {key.public_key()};
  bundle.governed = {{{"platform/*"}, {true, access::Mode::enforce, access::DirectWrites::refuse}}};
  access::Templates templates;
  templates.root = "apim";
  bundle.templates = {{{"platform/*"}, templates}};
  rules.governed = {{{"platform/*"}, {true, access::Mode::enforce, access::DirectWrites::authorize}, {}}};
  publish();
}

PushWorld::~PushWorld() {
  std::error_code ignored;
  fs::remove_all(directory, ignored);
}

void PushWorld::publish() {
  auto made = must(access::AccessRules::make(rules));
  bundle.rules = made->digest();
  must(access::publish_bundle(bundle_directory, bundle, *made));
}

std::string PushWorld::add_repository(const std::string& name) {
  const std::string path = repository(name);
  fs::create_directories(path);
  bare_git(path, {"init", "-q", "--bare", "."});
  for (const char* hook : {"pre-receive", "update", "post-receive"}) {
    write_text(path + "/hooks/" + hook, "#!/bin/sh\necho " + std::string(hook) + " >>\"" + path + "/stubs.log\"\n",
               true);
  }
  return path;
}

std::string PushWorld::clone(const std::string& name) {
  static int count = 0;
  const std::string path = directory + "/clone" + std::to_string(++count);
  bare_git(directory, {"clone", "-q", repository(name), path});
  return path;
}

void PushWorld::write(const std::string& clone, const std::string& path, const std::string& text) const {
  write_text(clone + "/" + path, text);
}

std::string PushWorld::commit(const std::string& clone, const std::string& message) const {
  bare_git(clone, {"add", "-A"});
  bare_git(clone, {"commit", "-q", "--allow-empty", "-m", message});
  return rev(clone, "HEAD");
}

std::string PushWorld::rev(const std::string& where, const std::string& name) const {
  GitResult found = bare_git(where, {"rev-parse", "--verify", "-q", name});
  if (found.code != 0) return {};
  while (found.output.ends_with('\n')) found.output.pop_back();
  return found.output;
}

GitResult PushWorld::run(const std::string& where, const std::vector<std::string>& arguments, bool with_hooks,
                         const std::map<std::string, std::string>& environment) const {
  std::string command = "cd " + install::shell_quote(where) +
                        " && exec env -i PATH=\"$PATH\" HOME=" + install::shell_quote(directory + "/home") +
                        " GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=" +
                        install::shell_quote(directory + (with_hooks ? "/config-hooks" : "/config-plain")) +
                        " GIT_TERMINAL_PROMPT=0 LSAN_OPTIONS=exitcode=99";
  for (const auto& [name, value] : environment) command += " " + name + "=" + install::shell_quote(value);
  command += " git";
  for (const std::string& argument : arguments) command += " " + install::shell_quote(argument);
  command += " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen");
  GitResult result;
  char buffer[4096];
  for (std::size_t got; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, got);
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

GitResult PushWorld::git(const std::string& where, const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) const {
  return run(where, arguments, true, environment);
}

GitResult PushWorld::bare_git(const std::string& where, const std::vector<std::string>& arguments) const {
  return run(where, arguments, false, {});
}

access::Ticket PushWorld::ticket_for(const std::string& clone, const std::string& name,
                                     const std::vector<std::string>& refspecs) {
  std::vector<git::RefUpdate> commands;
  const auto parse = [](const std::string& id) {
    return id.empty() ? git::ObjectId::zero() : must(git::ObjectId::parse(id));
  };
  for (std::string spec : refspecs) {
    if (spec.starts_with('+')) spec.erase(0, 1);
    const std::size_t colon = spec.find(':');
    const std::string source = spec.substr(0, colon);
    const std::string target = spec.substr(colon + 1);
    commands.push_back({parse(rev(repository(name), target)),
                        source.empty() ? git::ObjectId::zero() : parse(rev(clone, source)), target});
  }
  access::Ticket ticket;
  ticket.jti = hex_encode(random_bytes(16));
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  ticket.issued_at = now;
  ticket.expires_at = now + std::chrono::hours(1);
  ticket.issuer = bundle.issuer;
  ticket.identity = {"orders-dev", "human", "test", "sub", "client"};
  ticket.owner = name.substr(0, name.find('/'));
  ticket.name = name.substr(name.find('/') + 1);
  ticket.repo_id = 7;
  ticket.commands = git::command_digest(commands);
  ticket.grants = {
      {"all", {access::Verb::create, access::Verb::update, access::Verb::force, access::Verb::delete_}, {}, {}}};
  ticket.use.assign(commands.size(), 0);
  ticket.rules = bundle.rules;
  return ticket;
}

std::string PushWorld::sign(const access::Ticket& ticket) const { return must(access::sign_ticket(ticket, key)); }

GitResult PushWorld::push(const std::string& clone, const std::string& name, const std::vector<std::string>& refspecs,
                          const TicketChange& change) {
  access::Ticket ticket = ticket_for(clone, name, refspecs);
  if (change.edit) change.edit(ticket);
  last_jti = ticket.jti;
  std::vector<std::string> arguments{"push"};
  if (change.force) arguments.push_back("--force");
  for (const std::string& option : change.more_options) arguments.insert(arguments.end(), {"-o", option});
  const std::string jws = must(access::sign_ticket(ticket, change.key != nullptr ? *change.key : key));
  for (const std::string& option : access::ticket_options(jws)) arguments.insert(arguments.end(), {"-o", option});
  arguments.push_back(repository(name));
  arguments.insert(arguments.end(), refspecs.begin(), refspecs.end());
  std::map<std::string, std::string> environment{
      {"GOGS_AUTH_USER_ID", "1"}, {"GOGS_AUTH_USER_NAME", "svc"}, {"SSH_ORIGINAL_COMMAND", "1"}, {"GOGS_REPO_ID", "7"}};
  for (const auto& [key_name, value] : change.environment) environment[key_name] = value;
  return git(clone, arguments, environment);
}

GitResult PushWorld::direct_push(const std::string& clone, const std::string& name,
                                 const std::vector<std::string>& refspecs, const std::string& user) const {
  std::vector<std::string> arguments{"push", repository(name)};
  arguments.insert(arguments.end(), refspecs.begin(), refspecs.end());
  std::map<std::string, std::string> environment;
  if (!user.empty()) {
    environment = {{"GOGS_AUTH_USER_ID", "1"}, {"GOGS_AUTH_USER_NAME", user}, {"SSH_ORIGINAL_COMMAND", "1"}};
  }
  return git(clone, arguments, environment);
}

std::optional<spool::Verdict> PushWorld::verdict(const std::string& id) const {
  return must(spool::Spool(spool_directory).read_verdict(id));
}

std::vector<spool::Verdict> PushWorld::verdicts() const {
  const spool::Spool spool(spool_directory);
  std::vector<spool::Verdict> out;
  for (const std::string& id : must(spool.list_ids())) {
    if (auto found = must(spool.read_verdict(id))) out.push_back(std::move(*found));
  }
  return out;
}

}  // namespace postern::test
