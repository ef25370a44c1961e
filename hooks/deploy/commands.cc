#include "hooks/deploy/commands.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "gateway/access/rules.h"
#include "gateway/azure/key_vault.h"
#include "gateway/azure/token_cache.h"
#include "gateway/base/clock.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/git/object_id.h"
#include "gateway/net/http_client.h"
#include "hooks/deploy/arm_target.h"
#include "hooks/deploy/brief.h"
#include "hooks/deploy/git_source.h"
#include "hooks/deploy/judge.h"
#include "hooks/deploy/worker.h"
#include "hooks/repo/directory_source.h"

namespace postern::deploy {
namespace {

using namespace std::chrono_literals;

int say(int code, std::string_view text) {
  fmt::print(stderr, "postern-deploy: {}\n", text);
  return code;
}
int exit_code(const Error& error) {
  return error.code == ErrorCode::bad_usage || error.code == ErrorCode::not_found ? kExitBadUsage : kExitCouldNotFinish;
}
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// What all commands share, and what lives as long as the program.
struct World {
  SystemClock clock;
  Stop stop;
  std::unique_ptr<net::HttpClient> http = net::make_http_client();
  azure::Wait wait = [this](std::chrono::milliseconds pause) { return stop.sleep(pause); };
};

struct Configured {
  config::Config config;
  std::shared_ptr<const access::AccessRules> rules;
  const config::DeployConfig& deploy() const { return *config.deploy; }
  std::string store_path() const {
    constexpr std::string_view kSqlite = "sqlite:";
    return config.deploy->store.starts_with(kSqlite) ? config.deploy->store.substr(kSqlite.size()) : std::string();
  }
  const config::EnvironmentConfig* environment(std::string_view name) const {
    for (const auto& each : config.environments)
      if (each.name == name) return &each;
    return nullptr;
  }
};

std::expected<Configured, int> load(const std::string& option) {
  const std::string path = config::config_path(option);
  auto loaded = config::load(path);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().text());
    return std::unexpected(kExitBadUsage);
  }
  if (!loaded->config.deploy) return std::unexpected(say(kExitBadUsage, path + ": no [deploy] section in it"));
  auto rules = access::AccessRules::make(loaded->config.rules);
  if (!rules) return std::unexpected(say(kExitBadUsage, rules.error().message));
  return Configured{std::move(loaded->config), std::move(*rules)};
}

std::expected<const config::EnvironmentConfig*, int> find_environment(const Configured& configured,
                                                                      const std::string& name) {
  if (const auto* found = configured.environment(name)) return found;
  std::string known;
  for (const auto& each : configured.config.environments) known += (known.empty() ? "" : ", ") + each.name;
  return std::unexpected(say(kExitBadUsage, fmt::format("no [[environment]] is named \"{}\"; there are: {}",
                                                        printable(name, 60), known.empty() ? "none" : known)));
}

azure::WorkloadIdentity workload_from_environment(std::string ca_file) {
  return {variable("AZURE_CLIENT_ID"), variable("AZURE_TENANT_ID"), variable("AZURE_AUTHORITY_HOST"),
          variable("AZURE_FEDERATED_TOKEN_FILE"), std::move(ca_file)};
}

Result<std::unique_ptr<azure::Credential>> make_credential(World& world, const config::EnvironmentConfig& environment,
                                                           const std::string& imds, const std::string& ca_file) {
  if (environment.credential == "workload-identity") {
    return azure::workload_identity(*world.http, workload_from_environment(ca_file));
  }
  if (environment.credential == "azure-cli") {
    return azure::azure_cli(world.clock, variable("PATH"), variable("HOME"));
  }
  if (environment.credential == "client-secret") {
    if (!environment.client_secret) return fail(ErrorCode::bad_usage, "client-secret without a reference");
    // A secret in Key Vault is read with the machine's identity.
    azure::TokenCache tokens(azure::managed_identity(*world.http, world.clock, world.wait, imds), world.clock);
    auto secret = config::resolve(
        *environment.client_secret, [&](const std::string& vault, const std::string& name, const std::string& version) {
          return azure::read_key_vault_secret(*world.http, tokens,
                                              vault + "/" + name + (version.empty() ? "" : "/" + version));
        });
    if (!secret) return fail(secret.error());
    return azure::client_secret(*world.http, environment.tenant, environment.client_id, std::move(*secret),
                                variable("AZURE_AUTHORITY_HOST"), ca_file);
  }
  return azure::managed_identity(*world.http, world.clock, world.wait, imds, environment.client_id);
}

// Everything that one environment needs, in the order it must be taken down.
struct Assembly {
  std::unique_ptr<azure::TokenCache> tokens;
  std::unique_ptr<DeploymentTarget> target;
  std::unique_ptr<Source> source;
  std::unique_ptr<Environment> environment;
  Nudge nudge;
};

access::Templates templates_of(const Configured& configured, const std::string& repository) {
  if (auto repo = git::RepoPath::parse(repository)) {
    if (const auto* found = configured.rules->templates_of(*repo)) return *found;
  }
  return {};
}

std::string mirror_directory(const Configured& configured, const std::string& repository) {
  const std::string store = configured.store_path();
  const auto slash = store.rfind('/');
  return fmt::format("{}/git/{}.git", slash == std::string::npos ? "." : store.substr(0, slash), repository);
}

Result<std::unique_ptr<Source>> make_source(const Configured& configured, const std::string& repository,
                                            const std::string& environment) {
  std::optional<Secret> credential;
  if (configured.deploy().git_credential) {
    auto secret = config::resolve(*configured.deploy().git_credential);
    if (!secret) return fail(in_context("[deploy] git_credential", secret.error()));
    credential = std::move(*secret);
  }
  GitSourceSettings settings;
  // One repository of ours per environment: git locks refs, and environments work side by side.
  settings.directory = mirror_directory(configured, repository + "@" + environment);
  settings.url = fmt::format("{}/{}.git", configured.deploy().git_url, repository);
  return git_source(std::move(settings), std::move(credential));
}

Result<std::unique_ptr<Assembly>> assemble(World& world, const Configured& configured,
                                           const config::EnvironmentConfig& from, PushRecords& records,
                                           Journal& journal) {
  auto assembly = std::make_unique<Assembly>();
  const config::DeployConfig& deploy = configured.deploy();
  auto credential = make_credential(world, from, deploy.imds_endpoint, deploy.arm_ca_file);
  if (!credential)
    return fail(in_context(fmt::format("[[environment]] {}: credential", from.name), credential.error()));
  assembly->tokens = std::make_unique<azure::TokenCache>(std::move(*credential), world.clock);
  ArmSettings arm;
  arm.endpoint = deploy.arm_endpoint;
  arm.audience = arm_audience(deploy.arm_endpoint);
  arm.ca_file = deploy.arm_ca_file;
  arm.service = from.service;
  assembly->target = arm_target(*world.http, *assembly->tokens, world.clock, world.wait, std::move(arm));
  auto source = make_source(configured, from.repo, from.name);
  if (!source) return fail(source.error());
  assembly->source = std::move(*source);

  const access::Templates templates = templates_of(configured, from.repo);
  EnvironmentSettings settings;
  settings.name = from.name;
  settings.apply = from.mode == config::EnvironmentConfig::Mode::apply;
  settings.repository = from.repo;
  settings.ref = from.ref;
  settings.after = from.after;
  settings.service = from.service;
  if (!from.kinds.empty()) {
    auto kinds = parse_kinds(from.kinds);
    if (!kinds)
      return fail(ErrorCode::bad_usage, fmt::format("[[environment]] {}: {}", from.name, kinds.error().message));
    settings.kinds = *kinds;
  }
  settings.max_deletes = from.max_deletes;
  settings.approvals_agents = from.approvals.agents;
  settings.approvals_default = from.approvals.default_;
  settings.root = templates.root;
  for (const auto& check : from.health) settings.health.push_back({check.get, check.expect});
  if (!from.overrides.empty()) {
    log::warning("deploy.overrides_not_used", {{"environment", from.name}, {"file", from.overrides}});
  }
  Environment::Parts parts{
      *assembly->source,
      records,
      *assembly->target,
      journal,
      world.clock,
      world.wait,
      {},
      repository_judge(mirror_directory(configured, from.repo + "@" + from.name), templates, world.clock)};
  if (!settings.health.empty()) {
    parts.healthy = [&world, probes = settings.health] { return check_health(*world.http, world.wait, probes); };
  }
  assembly->environment = std::make_unique<Environment>(std::move(settings), std::move(parts));
  return assembly;
}

// One writer per journal. `run` keeps it; plan, apply and run exclude each other.
Result<FileDescriptor> lock_journal(const Configured& configured, std::chrono::milliseconds patience = 0ms) {
  const std::string path = configured.store_path() + ".lock";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file) return fail(errno_error("[deploy] store: opening " + path, errno));
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= end) {
      return fail(ErrorCode::unavailable,
                  "another postern-deploy works on this store; retry, rollback, adopt and status go beside it");
    }
    std::this_thread::sleep_for(50ms);
  }
  return file;
}

std::string who_asks() {
  const struct passwd* user = ::getpwuid(::getuid());
  return user != nullptr ? std::string(user->pw_name) : std::to_string(::getuid());
}

// ---- a directory ----------------------------------------------------------------------------------------------------

// Every policy of the directory against what the service holds. Never deletes: a directory does not say what was there
// before.
int work_on_tree(World& world, const CommandLine& line) {
  config::EnvironmentConfig environment;
  access::Templates templates;
  std::string endpoint = line.arm_endpoint;
  std::string ca_file = line.arm_ca_file;
  std::string imds = line.imds_endpoint;
  if (!line.environment.empty()) {
    auto configured = load(line.config);
    if (!configured) return configured.error();
    auto found = find_environment(*configured, line.environment);
    if (!found) return found.error();
    environment = **found;
    templates = templates_of(*configured, environment.repo);
    if (endpoint.empty()) endpoint = configured->deploy().arm_endpoint;
    if (ca_file.empty()) ca_file = configured->deploy().arm_ca_file;
    if (imds.empty()) imds = configured->deploy().imds_endpoint;
  } else {
    auto name = azure::parse_credential(line.credential);
    if (!name) return say(kExitBadUsage, name.error().message);
    environment.service = line.service;
    environment.client_id = name->client_id;
    environment.tenant = name->tenant_id;
    using Kind = azure::CredentialName::Kind;
    environment.credential = name->kind == Kind::workload_identity ? "workload-identity"
                             : name->kind == Kind::azure_cli       ? "azure-cli"
                             : name->kind == Kind::client_secret   ? "client-secret"
                                                                   : "managed-identity";
    if (name->kind == Kind::client_secret) {
      const auto colon = name->secret.find(':');
      const std::string kind = name->secret.substr(0, colon);
      if (colon == std::string::npos || (kind != "file" && kind != "env")) {
        return say(kExitBadUsage, "client-secret: the reference must be file:PATH or env:NAME");
      }
      environment.client_secret =
          config::SecretRef{kind == "file" ? config::SecretRef::Kind::file : config::SecretRef::Kind::env,
                            name->secret.substr(colon + 1)};
    }
  }
  if (!line.root.empty()) templates.root = line.root;
  // Without a configuration the directory speaks for itself, as it does to postern-check.
  if (line.environment.empty()) templates.may_relax = {"*"};
  if (endpoint.empty()) endpoint = "https://management.azure.com";
  if (imds.empty()) imds = azure::kImdsEndpoint;

  auto opened = repo::open_directory_source(line.tree);
  if (!opened) return say(exit_code(opened.error()), in_context("--tree " + line.tree, opened.error()).message);
  const auto& files = *opened;
  if (line.environment.empty() && !templates.root.empty()) {
    const std::string in_root = templates.root + "/postern-policy.toml";
    auto there = files->exists(in_root);
    if (!there) return say(kExitCouldNotFinish, in_context("--tree " + line.tree, there.error()).message);
    if (*there) templates.settings = in_root;
  }
  auto paths = files->list(templates.root);
  if (!paths) return say(exit_code(paths.error()), in_context("--tree " + line.tree, paths.error()).message);
  std::vector<TreeFile> tree;
  for (const std::string& path : *paths) tree.push_back({path, path});
  Kinds kinds;
  if (!environment.kinds.empty()) {
    auto words = parse_kinds(environment.kinds);
    if (!words) return say(kExitBadUsage, words.error().message);
    kinds = *words;
  }
  auto resources = list_resources(tree, templates.root, kinds);
  if (!resources) return say(kExitFindings, resources.error().message);
  if (resources->empty()) {
    return say(kExitBadUsage, fmt::format("--tree {}: no policy file below {} in the apiops layout", line.tree,
                                          templates.root.empty() ? "it" : "\"" + templates.root + "\""));
  }
  std::vector<Step> steps;
  for (const auto& [key, resource] : *resources) {
    auto text = files->read(resource.file, std::size_t{16} << 20);
    if (!text) return say(kExitCouldNotFinish, in_context(resource.file, text.error()).message);
    steps.push_back({Action::put, resource, std::move(*text)});
  }
  auto findings = judge_directory(*files, templates, steps, world.clock);
  if (!findings) {
    const bool settings = findings.error().code == ErrorCode::invalid_input;
    return say(settings ? kExitBadUsage : kExitCouldNotFinish,
               in_context("--tree " + line.tree, findings.error()).message);
  }
  for (const policy::Finding& finding : *findings) {
    fmt::print(stderr, "{}:{}:{}: error: {} [{}]\n", printable(finding.path), finding.line, finding.column,
               printable(finding.message, 600), finding.rule);
  }
  if (!findings->empty()) return say(kExitFindings, "nothing is written; postern-check shows the same");

  auto credential = make_credential(world, environment, imds, ca_file);
  if (!credential) return say(exit_code(credential.error()), credential.error().message);
  azure::TokenCache tokens(std::move(*credential), world.clock);
  const auto target = arm_target(*world.http, tokens, world.clock, world.wait,
                                 {endpoint, arm_audience(endpoint), ca_file, environment.service});
  std::vector<Step> differing;
  std::map<std::string, std::optional<StoredPolicy>> before;
  const auto failed = [&](const Step& step, const ArmFailure& failure) {
    for (const std::string& text : describe_faults(failure, step.resource.file)) fmt::print(stderr, "{}\n", text);
    return say(failure.kind == ArmFailure::Kind::refused ? kExitFindings : kExitCouldNotFinish,
               fmt::format("{} {}: {} {} {}", to_string(step.action), step.resource.arm_path,
                           failure.status > 0 ? std::to_string(failure.status) : "", printable(failure.code, 80),
                           failure.message));
  };
  for (Step& step : steps) {
    auto stored = target->read(step.resource);
    if (!stored) return failed(step, stored.error());
    if (*stored && target->holds(step.resource, **stored, step.text)) continue;
    before[step.resource.arm_path] = std::move(*stored);
    differing.push_back(std::move(step));
  }
  const Plan plan = make_plan(environment.name, environment.service, "", "", std::move(differing));
  if (line.json) {
    fmt::print("{}", json::dump_pretty(to_json(plan)));
  } else {
    fmt::print("{}", describe(plan));
  }
  if (line.command == "plan") return kExitFine;
  for (const Step& step : plan.steps) {
    if (auto done = target->put(step.resource, step.text, before[step.resource.arm_path]); !done) {
      return failed(step, done.error());
    }
    fmt::print(stderr, "put {}\n", step.resource.arm_path);
  }
  return kExitFine;
}

// ---- environments ---------------------------------------------------------------------------------------------------

int print_pass(const Environment& environment, const Pass& pass, bool json) {
  const std::string state(to_string(pass.state));
  if (json) {
    fmt::print("{}\n", json::dump(json::Object{{"environment", environment.settings().name},
                                               {"state", state},
                                               {"reason", pass.reason},
                                               {"message", pass.message}}));
  } else {
    fmt::print("{}: {}{}{}: {}\n", environment.settings().name, state, pass.reason.empty() ? "" : " ", pass.reason,
               printable(pass.message, 4000));
  }
  switch (pass.state) {
    case State::held:
    case State::failed: return kExitFindings;
    case State::waiting:
    case State::applying: return kExitCouldNotFinish;
    default: return kExitFine;
  }
}

int plan_or_apply(World& world, const CommandLine& line) {
  auto configured = load(line.config);
  if (!configured) return configured.error();
  auto found = find_environment(*configured, line.environment);
  if (!found) return found.error();
  auto lock = lock_journal(*configured);
  if (!lock) return say(exit_code(lock.error()), lock.error().message);
  auto journal = open_journal(configured->deploy().store);
  if (!journal) return say(exit_code(journal.error()), journal.error().message);
  const auto records = gateway_records(*world.http, configured->deploy().gateway);
  auto assembly = assemble(world, *configured, **found, *records, **journal);
  if (!assembly) return say(exit_code(assembly.error()), assembly.error().message);
  Environment& environment = *(*assembly)->environment;
  environment.set_gap_grace(0ms);
  if (line.command == "plan") {
    auto preview = environment.preview();
    if (const Pass* pass = std::get_if<Pass>(&preview)) return print_pass(environment, *pass, line.json);
    const Plan& plan = std::get<Plan>(preview);
    fmt::print("{}", line.json ? json::dump_pretty(to_json(plan)) : describe(plan));
    return kExitFine;
  }
  if (!environment.settings().apply) {
    return say(kExitFindings, fmt::format("environment {} has mode = \"plan\"; it is applied when the configuration "
                                          "says mode = \"apply\"",
                                          line.environment));
  }
  const int code = print_pass(environment, environment.reconcile(), line.json);
  report_once(*records, **journal);
  return code;
}

int adopt(World&, const CommandLine& line) {
  auto configured = load(line.config);
  if (!configured) return configured.error();
  auto found = find_environment(*configured, line.environment);
  if (!found) return found.error();
  auto source = make_source(*configured, (*found)->repo, (*found)->name);
  if (!source) return say(exit_code(source.error()), source.error().message);
  auto tip = (*source)->tip((*found)->ref);
  if (!tip) return say(kExitCouldNotFinish, tip.error().message);
  if (!*tip) return say(kExitFindings, fmt::format("{} has no {}", (*found)->repo, (*found)->ref));
  std::string commit = **tip;
  if (!line.commit.empty()) {
    auto id = git::ObjectId::parse(line.commit);
    if (!id) return say(kExitBadUsage, "--commit: expected the full object id of a commit: " + id.error().message);
    commit = id->hex();
  }
  // The commit must be in the ref's history: adopting another one would never become a chain.
  if (auto fetched = (*source)->fetch((*found)->ref, **tip); !fetched) {
    return say(kExitCouldNotFinish, fetched.error().message);
  }
  auto inside = (*source)->descends(**tip, commit);
  if (!inside) return say(kExitCouldNotFinish, inside.error().message);
  if (!*inside) return say(kExitFindings, fmt::format("{} is not in the history of {}", commit, (*found)->ref));
  auto journal = open_journal(configured->deploy().store);
  if (!journal) return say(exit_code(journal.error()), journal.error().message);
  EnvironmentRecord record;
  record.name = (*found)->name;
  record.repository = (*found)->repo;
  record.ref = (*found)->ref;
  record.service = (*found)->service;
  record.deployed = commit;
  if (auto done = (*journal)->adopt(record, who_asks(), SystemClock().wall()); !done) {
    return say(kExitCouldNotFinish, done.error().message);
  }
  fmt::print("{}: adopted {} of {} {}; what comes after it is deployed\n", record.name, commit, record.repository,
             record.ref);
  return kExitFine;
}

int ask(World&, const CommandLine& line) {
  auto configured = load(line.config);
  if (!configured) return configured.error();
  auto found = find_environment(*configured, line.environment);
  if (!found) return found.error();
  auto journal = open_journal(configured->deploy().store);
  if (!journal) return say(exit_code(journal.error()), journal.error().message);
  const WallTime now = SystemClock().wall();
  Status done;
  if (line.command == "retry") {
    done = (*journal)->ask_retry(line.environment, who_asks(), now);
  } else {
    auto id = git::ObjectId::parse(line.commit);
    if (!id) return say(kExitBadUsage, "--commit: expected the full object id of a commit: " + id.error().message);
    done = (*journal)->ask_rollback(line.environment, id->hex(), who_asks(), now);
  }
  if (!done) return say(exit_code(done.error()), done.error().message);
  fmt::print("{}: {} is asked for; the running deployer, or postern-deploy apply, does it\n", line.environment,
             line.command);
  return kExitFine;
}

int status(World&, const CommandLine& line) {
  auto configured = load(line.config);
  if (!configured) return configured.error();
  std::map<std::string, EnvironmentRecord> records;
  auto journal = open_journal(configured->deploy().store, {.read_only = true});
  if (journal) {
    auto all = (*journal)->environments();
    if (!all) return say(kExitCouldNotFinish, all.error().message);
    for (EnvironmentRecord& record : *all) records[record.name] = record;
  } else if (journal.error().code != ErrorCode::not_found) {
    return say(kExitCouldNotFinish, journal.error().message);
  }
  json::Array list;
  for (const auto& environment : configured->config.environments) {
    const auto found = records.find(environment.name);
    EnvironmentRecord record;
    if (found != records.end()) {
      record = found->second;
    } else {
      record.state = State::held;
      record.reason = to_string(HeldReason::not_adopted);
      record.message = fmt::format("to release: postern-deploy adopt --environment {}", environment.name);
    }
    const bool known = found != records.end();
    list.emplace_back(
        json::Object{{"environment", environment.name},
                     {"mode", environment.mode == config::EnvironmentConfig::Mode::apply ? "apply" : "plan"},
                     {"state", std::string(to_string(record.state))},
                     {"reason", record.reason},
                     {"message", record.message},
                     {"deployed", record.deployed},
                     {"deployed_at", known ? json::Value(to_rfc3339(record.deployed_at)) : json::Value()},
                     {"tip", record.tip},
                     {"plan", record.plan},
                     {"since", known ? json::Value(to_rfc3339(record.since)) : json::Value()}});
    if (!line.json) {
      fmt::print("{:<12} {:<9}{} deployed {} tip {}\n", environment.name, to_string(record.state),
                 record.reason.empty() ? "" : " " + record.reason,
                 record.deployed.empty() ? "-" : brief(record.deployed), record.tip.empty() ? "-" : brief(record.tip));
      if (!record.message.empty()) fmt::print("             {}\n", printable(record.message, 4000));
    }
  }
  if (line.json) fmt::print("{}", json::dump_pretty(json::Object{{"version", 1}, {"environments", std::move(list)}}));
  return kExitFine;
}

int run(World& world, const CommandLine& line) {
  auto configured = load(line.config);
  if (!configured) return configured.error();
  if (configured->config.environments.empty()) return say(kExitBadUsage, "no [[environment]] in the configuration");
  // A plan in the foreground ends soon; the service is not to die of it.
  auto lock = lock_journal(*configured, 30s);
  if (!lock) return say(exit_code(lock.error()), lock.error().message);
  auto journal = open_journal(configured->deploy().store);
  if (!journal) return say(exit_code(journal.error()), journal.error().message);
  const auto records = gateway_records(*world.http, configured->deploy().gateway);
  std::vector<std::unique_ptr<Assembly>> assemblies;
  for (const auto& environment : configured->config.environments) {
    auto assembly = assemble(world, *configured, environment, *records, **journal);
    if (!assembly) return say(exit_code(assembly.error()), assembly.error().message);
    assemblies.push_back(std::move(*assembly));
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::vector<std::future<void>> workers;
  for (auto& assembly : assemblies) {
    workers.push_back(std::async(std::launch::async, [&, part = assembly.get()] {
      work(*part->environment, **journal, part->nudge, world.stop, configured->deploy().poll);
    }));
    std::thread([&, part = assembly.get()] {
      listen(*records, part->environment->settings(), part->nudge, world.stop);
    }).detach();
  }
  std::thread([&] { report(*records, **journal, world.stop); }).detach();
  log::info("deploy.started", {{"environments", configured->config.environments.size()}});
  int signal = 0;
  ::sigwait(&signals, &signal);
  log::info("deploy.stopping", {{"signal", signal}});
  world.stop.request();
  for (auto& assembly : assemblies) assembly->nudge.give();
  const auto end = std::chrono::steady_clock::now() + 15s;
  for (auto& worker : workers) worker.wait_until(end);
  // Whatever still waits for an answer may be cut at any line: the journal was written before.
  std::_Exit(kExitFine);
}

}  // namespace

int run_command(const CommandLine& line) {
  // Tokens and keys must not reach a core file or another process of this user.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is answered as a full disk is
  ::umask(027);                // journal and repository are this user's and its group's
  if (const std::string level = variable("POSTERN_LOG"); !level.empty()) log::set_level(level);
  World world;
  if (!line.tree.empty()) return work_on_tree(world, line);
  if (line.command == "run") return run(world, line);
  if (line.command == "plan" || line.command == "apply") return plan_or_apply(world, line);
  if (line.command == "adopt") return adopt(world, line);
  if (line.command == "status") return status(world, line);
  if (line.command == "retry" || line.command == "rollback") return ask(world, line);
  return say(kExitBadUsage, "unknown command " + printable(line.command, 40));
}

}  // namespace postern::deploy
