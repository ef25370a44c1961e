// Times the parts that need no network and prints one JSON object:
//   bench_core token ISSUER AUDIENCE JWKS_FILE TOKENS_FILE   verifications per second of the tokens, one a line
//   bench_core access                                        decide() over 100,000 grants and identities
//   bench_core audit DIRECTORY                               durable appends, one writer and 64
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gateway/access/rules.h"
#include "gateway/base/file.h"
#include "gateway/identity/token_authenticator.h"
#include "gateway/store/store.h"

namespace postern {
namespace {

using Seconds = std::chrono::duration<double>;
// CPU time of this thread: what `openssl speed` counts too, and what other programs on the machine cannot stretch.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
double since(MonoTime begun) { return Seconds(SystemClock().mono() - begun).count(); }

int die(const std::string& text) {
  fmt::print(stderr, "bench_core: {}\n", text);
  return 3;
}

int time_token(const std::string& issuer, const std::string& audience, const std::string& jwks,
               const std::string& file) {
  const SystemClock clock;
  identity::KeyRefresher keys(clock, [](const identity::FetchRequest& request) -> Result<identity::Fetched> {
    auto text = read_file(request.url.substr(std::string("file:").size()), identity::kMaxKeySetBytes);
    if (!text) return fail(text.error());
    return identity::Fetched{200, *text, "", ""};
  });
  identity::IssuerConfig config;
  config.name = "bench";
  config.issuer = issuer;
  config.audiences = {audience};
  config.jwks_file = jwks;
  auto judge = identity::TokenAuthenticator::make({config}, clock, keys);
  if (!judge) return die(judge.error().message);
  if (const auto fetched = (*judge)->refresh("bench"); !fetched) return die(fetched.error().message);
  std::vector<std::string> tokens;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) tokens.push_back(line);
  if (tokens.empty()) return die("no tokens in " + file);
  const auto holds = [&](const std::string& text) {
    return std::holds_alternative<identity::VerifiedTokenPtr>((*judge)->authenticate(text));
  };
  double begun = cpu_seconds();
  for (const std::string& text : tokens) {
    if (!holds(text)) return die("a token was refused");
  }
  const double first = static_cast<double>(tokens.size()) / (cpu_seconds() - begun);
  constexpr int kAgain = 200000;
  begun = cpu_seconds();
  for (int i = 0; i < kAgain; ++i) {
    if (!holds(tokens.back())) return die("a token was refused the second time");
  }
  fmt::print("{{\"first\": {:.1f}, \"again\": {:.1f}}}\n", first, kAgain / (cpu_seconds() - begun));
  return 0;
}

int time_access() {
  constexpr int kCount = 100000;
  access::RuleSet rules;
  access::IssuerRule issuer;
  issuer.name = "sso";
  rules.issuers.push_back(std::move(issuer));
  for (int i = 0; i < kCount; ++i) {
    access::IdentityRule identity;
    identity.name = fmt::format("id-{}", i);
    identity.issuer = "sso";
    identity.match.push_back({"oid", fmt::format("oid-{}", i), false});
    rules.identities.push_back(std::move(identity));
    access::GrantRule grant;
    grant.name = fmt::format("grant-{}", i);
    grant.to = {fmt::format("id-{}", i)};
    grant.repos = {fmt::format("team-{}/*", i % 1000)};
    grant.verbs = {access::Verb::read, access::Verb::update};
    grant.refs = {"refs/heads/main", "refs/heads/feature/*"};
    rules.grants.push_back(std::move(grant));
  }
  const auto made = access::AccessRules::make(std::move(rules));
  if (!made) return die(made.error().message);
  const SystemClock clock;
  const auto now = clock.wall();
  constexpr int kBatches = 400;
  constexpr int kBatch = 50;
  std::vector<double> times;
  int allowed = 0;
  for (int batch = 0; batch < kBatches; ++batch) {
    std::vector<identity::Identity> identities(kBatch);
    std::vector<git::RepoPath> repos;
    for (int i = 0; i < kBatch; ++i) {
      const int who = static_cast<int>((static_cast<long long>(batch * kBatch + i) * 7919) % kCount);
      identities[i].name = fmt::format("id-{}", who);
      identities[i].issuer = "sso";
      repos.push_back(*git::RepoPath::parse(fmt::format("team-{}/policies", who % 1000)));
    }
    const double begun = cpu_seconds();
    for (int i = 0; i < kBatch; ++i) {
      const auto decision =
          (*made)->decide(identities[i], repos[i], "refs/heads/main", access::Verb::update, std::nullopt, now);
      if (decision.allowed) ++allowed;
    }
    times.push_back((cpu_seconds() - begun) / kBatch * 1e6);
  }
  if (allowed != kBatches * kBatch) return die(fmt::format("only {} of {} were allowed", allowed, kBatches * kBatch));
  std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
  long pages = 0;
  long resident = 0;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(statm, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(statm);
  }
  fmt::print("{{\"decide_us\": {:.3f}, \"rss_mib\": {:.1f}}}\n", times[kBatches / 2],
             static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20));
  return 0;
}

// Records per second of `writers` threads, each waiting for its own record before the next.
Result<double> append(store::Store& store, int writers, double seconds) {
  const SystemClock clock;
  std::atomic<long> count{0};
  std::atomic<bool> failed{false};
  const auto begun = clock.mono();
  std::vector<std::jthread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      while (since(begun) < seconds && !failed) {
        audit::AuditEntry entry;
        entry.kind = audit::EntryKind::fetch;
        entry.at = clock.wall();
        entry.request_id = "0123456789abcdef";
        entry.who.name = "orders-dev";
        entry.from = "192.0.2.7";
        entry.repository = "platform/policies";
        entry.rule = "orders-reads";
        if (store.append_and_wait(std::move(entry)))
          ++count;
        else
          failed = true;
      }
    });
  }
  threads.clear();
  if (failed) return fail(ErrorCode::io, "an append failed");
  return static_cast<double>(count) / since(begun);
}

int time_audit(const std::string& directory) {
  auto store = store::open_store("sqlite:" + directory + "/bench.db");
  if (!store) return die(store.error().message);
  const auto one = append(**store, 1, 3);
  const auto many = append(**store, 64, 3);
  if (!one || !many) return die("an append failed");
  fmt::print("{{\"writers_1\": {:.0f}, \"writers_64\": {:.0f}}}\n", *one, *many);
  return 0;
}

}  // namespace
}  // namespace postern

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "token") return postern::time_token(words[1], words[2], words[3], words[4]);
  if (words.size() == 1 && words[0] == "access") return postern::time_access();
  if (words.size() == 2 && words[0] == "audit") return postern::time_audit(words[1]);
  fmt::print(stderr, "usage: bench_core token ISSUER AUDIENCE JWKS_FILE TOKENS_FILE | access | audit DIRECTORY\n");
  return 2;
}
