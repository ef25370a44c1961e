// The whole gateway on real sockets, in front of an upstream that follows a script. Callers come over the Unix socket,
// where the kernel names them, or over TCP without a token.
#include "gateway/app/gateway_app.h"

#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "gateway/base/file.h"
#include "gateway/base/log.h"
#include "gateway/git/pkt_line.h"
#include "gateway/identity/jws.h"
#include "tests/gateway/net/shard_fixture.h"

namespace postern::app {
namespace {

using net::RawClient;

const std::string kZero(40, '0');
const std::string kNew(40, '1');

std::string pkt(std::string_view payload) {
  std::string out;
  git::append_pkt(out, payload);
  return out;
}

// Answers like a git server that takes everything, and remembers every request.
class FakeUpstream {
 public:
  FakeUpstream() : listener_(std::move(*net::Listener::tcp("127.0.0.1", 0))) {
    thread_ = std::thread([this] {
      while (!stopping_) {
        pollfd ready{listener_.fd(), POLLIN, 0};
        if (::poll(&ready, 1, 50) <= 0) continue;
        const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd >= 0) talks_.emplace_back([this, fd] { talk(fd); });
      }
    });
  }
  ~FakeUpstream() {
    stopping_ = true;
    thread_.join();
    for (std::thread& talk : talks_) talk.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::function<void()> before_push_answer;

 private:
  static std::string read_until(int fd, std::string_view end) {
    std::string text;
    char c = 0;
    while (!text.ends_with(end) && ::recv(fd, &c, 1, 0) == 1) text += c;
    return text;
  }
  void talk(int fd) {
    const timeval limit{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (true) {
      std::string request = read_until(fd, "\r\n\r\n");
      if (!request.ends_with("\r\n\r\n")) break;
      const std::size_t length = request.find("Content-Length: ");
      if (length != std::string::npos) {
        std::size_t bytes = std::stoul(request.substr(length + 16));
        std::string body(bytes, '\0');
        if (bytes > 0 && ::recv(fd, body.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes)) break;
        request += body;
      } else if (request.find("chunked") != std::string::npos) {
        request += read_until(fd, "0\r\n\r\n");
      }
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(request);
      }
      std::string type = "text/plain";
      std::string body;
      if (request.starts_with("GET /o/r.git/info/refs?service=git-receive-pack")) {
        type = "application/x-git-receive-pack-advertisement";
        body = pkt("# service=git-receive-pack\n") + "0000" +
               pkt(kZero + " capabilities^{}" + std::string(1, '\0') +
                   "report-status side-band-64k push-cert=nonce push-options\n") +
               "0000";
      } else if (request.starts_with("POST /o/r.git/git-receive-pack")) {
        if (before_push_answer) before_push_answer();
        type = "application/x-git-receive-pack-result";
        std::string report = pkt("unpack ok\n") + pkt("ok refs/heads/main\n") + "0000";
        git::append_band(body, 1, report);
        body += "0000";
      }
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: " + type +
                                 "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    ::close(fd);
  }

  net::Listener listener_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::vector<std::thread> talks_;
  std::thread thread_;
};

class TestGateway {
 public:
  TestGateway() {
    log::set_level(log::Level::error);
    char name[] = "/tmp/postern-app-test-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::filesystem::create_directory(directory_ / "spool");
    ::chmod((directory_ / "spool").c_str(), 02770);
    for (const char* key : {"ticket.pem", "audit.pem"}) {
      write(key, std::string(identity::SigningKey::generate_ed25519()->to_pem().reveal()));
    }
    write("token", "0123456789abcdef0123456789abcdef01234567\n");
    write_config("refs/heads/main");
    GatewayOptions options;
    options.config_path = directory_ / "postern.toml";
    options.shards = 2;
    options.stop_grace = std::chrono::milliseconds(500);
    auto started = GatewayApp::start(std::move(options));
    if (!started) FAIL(started.error().message);
    app = std::move(*started);
  }
  ~TestGateway() {
    app.reset();
    std::filesystem::remove_all(directory_);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    ::chmod((directory_ / name).c_str(), 0600);
  }
  void write_config(const std::string& ref, const std::string& more = {}) {
    const std::string at = directory_;
    write("postern.toml",
          "[server]\nlisten = [\"127.0.0.1:0\", \"unix:" + socket() +
              "\"]\nexternal_url = \"https://git.example.com\"\n"
              "[upstream]\nkind = \"git\"\nurl = \"" +
              upstream.url() + "\"\ncredentials = [\"file:" + at + "/token\"]\n[store]\nurl = \"sqlite:" + at +
              "/p.db\"\n[tickets]\nsigning_keys = [\"file:" + at + "/ticket.pem\"]\nbundle = \"" + at +
              "/bundle\"\nspool = \"" + at + "/spool\"\n[audit]\nsigning_keys = [\"file:" + at +
              "/audit.pem\"]\nwitness = [\"file:" + at +
              "/witness\"]\n[[identity]]\nname = \"me\"\nkind = \"workload\"\nissuer = \"unix\"\nmatch = { "
              "uid = \"" +
              std::to_string(::getuid()) +
              "\" }\n[[grant]]\nname = \"mine\"\nto = [\"me\"]\nrepos = [\"o/r\"]\nverbs = [\"read\", "
              "\"write\"]\nrefs = [\"" +
              ref +
              "\"]\n[[role]]\nname = \"ops\"\nto = [\"me\"]\nmay = [\"audit:read\", \"pushes:read\", "
              "\"admin\"]\n" +
              more);
  }
  // Callers over TCP from here on: `token` is for "caller", whom a grant lets in from 10.0.0.0/8 and from this very
  // host, where a trusted proxy stands.
  std::string let_in_by_address() {
    const auto key = *identity::SigningKey::generate_ed25519();
    json::Value keys;
    keys.set("keys", json::Array{key.public_key().to_jwk()});
    write("jwks.json", json::dump(keys));
    write_config("refs/heads/main",
                 "[[issuer]]\nname = \"idp\"\nissuer = \"https://idp.example.com\"\naudiences = "
                 "[\"postern\"]\njwks_file = \"" +
                     std::string(directory_) +
                     "/jwks.json\"\n[[identity]]\nname = \"caller\"\nkind = \"workload\"\nissuer = \"idp\"\nmatch = { "
                     "sub = \"s\" }\n[[grant]]\nname = \"near\"\nto = [\"caller\"]\nrepos = [\"o/r\"]\nverbs = "
                     "[\"write\"]\nfrom = [\"10.0.0.0/8\", \"127.0.0.1/32\"]\n");
    std::string text = *read_file(directory_ / "postern.toml", 65536);
    text.insert(text.find("external_url"), "trusted_proxies = [\"127.0.0.1/32\"]\n");
    write("postern.toml", text);
    REQUIRE(app->reload("test", "addresses"));
    const json::Value claims = json::Object{
        {"iss", "https://idp.example.com"}, {"aud", "postern"}, {"sub", "s"}, {"exp", std::int64_t{4102444800}}};
    return *identity::sign_jws("JWT", claims, key);
  }
  // Pushes to the repository carry a ticket from here on.
  void govern() {
    write_config("refs/heads/main", "[[governed]]\nrepos = [\"o/r\"]\nmode = \"enforce\"\ndirect = \"refuse\"\n");
    REQUIRE(app->reload("test", "govern"));
  }
  std::string socket() const { return directory_ / "g.sock"; }
  std::uint16_t port() const { return app->ports()[0]; }
  // One request over the Unix socket; the whole answer.
  std::string ask(const std::string& head, const std::string& body = {}) {
    RawClient client(socket());
    std::string text = head + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    return exchange(client, text, body);
  }
  std::string push(const std::string& head_and_pack,
                   const std::string& type = "application/x-git-receive-pack-request") {
    return ask_with("POST /o/r.git/git-receive-pack", "Content-Type: " + type + "\r\n", head_and_pack);
  }
  std::string ask_with(const std::string& line, const std::string& headers, const std::string& body) {
    RawClient client(socket());
    return exchange(client, line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers, body);
  }

  FakeUpstream upstream;
  std::unique_ptr<GatewayApp> app;

 private:
  static std::string exchange(RawClient& client, std::string head, const std::string& body) {
    if (!body.empty()) head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(head + "\r\n" + body);
    return client.receive_all();
  }
  std::filesystem::path directory_;
};

std::string command(const std::string& ref, const std::string& capabilities = "report-status side-band-64k") {
  return pkt(kZero + " " + kNew + " " + ref + std::string(1, '\0') + capabilities) + "0000";
}
const std::string kPack = "PACK and more that only the upstream understands";

TEST_CASE("who brings no token gets one kind of 401 that git understands") {
  TestGateway gateway;
  RawClient client(gateway.port());
  client.send("GET /o/r.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.receive_all();
  CHECK(answer.starts_with("HTTP/1.1 401"));
  CHECK(answer.find("\r\nWWW-Authenticate: Basic realm=\"postern\"\r\n") != std::string::npos);
  CHECK(answer.find("\r\nContent-Type: text/plain\r\n") != std::string::npos);
  CHECK(answer.find("\r\nX-Request-Id: ") != std::string::npos);
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("an advertisement goes on without the certificate and with the brokered credential only") {
  TestGateway gateway;
  const std::string answer =
      gateway.ask_with("GET /O/R/info/refs?service=git-receive-pack", "Cookie: a=b\r\nX-WEBAUTH-USER: root\r\n", "");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("push-cert") == std::string::npos);
  CHECK(answer.find("push-options") != std::string::npos);
  const std::vector<std::string> seen = gateway.upstream.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].starts_with("GET /o/r.git/info/refs?service=git-receive-pack HTTP/1.1\r\n"));
  CHECK(seen[0].find("Authorization: Basic ") != std::string::npos);
  CHECK(seen[0].find("Cookie") == std::string::npos);
  CHECK(seen[0].find("WEBAUTH") == std::string::npos);
}

TEST_CASE("a client's address is what trusted proxies say of it and never what it says itself") {
  TestGateway gateway;
  const std::string token = gateway.let_in_by_address();
  const auto ask = [&](const std::string& headers) {
    RawClient client(gateway.port());
    client.send(
        "GET /o/r/info/refs?service=git-receive-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
        "Bearer " +
        token + "\r\n" + headers + "\r\n");
    return client.receive_all().substr(9, 3);
  };
  CHECK(ask("") == "200");
  CHECK(ask("X-Forwarded-For: 10.1.2.3\r\n") == "200");
  CHECK(ask("X-Forwarded-For: 192.0.2.9, 10.1.2.3\r\n") == "200");
  CHECK(ask("X-Forwarded-For: 192.0.2.9\r\n") == "404");
  CHECK(ask("X-Forwarded-For: 10.1.2.3, 192.0.2.9\r\n") == "404");
  CHECK(ask("X-Forwarded-For: 10.1.2.3, 192.0.2.9, 127.0.0.1\r\n") == "404");
  CHECK(ask("X-Forwarded-For: 10.1.2.3, unknown\r\n") == "400");
  // A proxy that adds a line of its own below the client's: which of them counts is a guess, and the proxy's own
  // address is nobody's.
  CHECK(ask("X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-For: 192.0.2.9\r\n") == "400");
}

TEST_CASE("absent and forbidden are answered alike and nothing is opened") {
  TestGateway gateway;
  const auto body = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n")); };
  const std::string forbidden = gateway.ask("GET /o/other.git/info/refs?service=git-upload-pack");
  CHECK(forbidden.starts_with("HTTP/1.1 404"));
  CHECK(body(forbidden) == body(gateway.ask("GET /o/r.git/info/refs")));
  CHECK(body(forbidden) == body(gateway.ask("GET /api/v1/user")));
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("attack 16 - a service in another case is no service") {
  TestGateway gateway;
  CHECK(gateway
            .ask_with("POST /o/r.git/git-RECEIVE-pack", "Content-Type: application/x-git-receive-pack-request\r\n",
                      command("refs/heads/main") + kPack)
            .starts_with("HTTP/1.1 404"));
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("a push goes on with its head rewritten and its record before it") {
  TestGateway gateway;
  std::string audit_at_push;
  gateway.upstream.before_push_answer = [&] { audit_at_push = gateway.ask("GET /-/api/v1/audit"); };
  const std::string answer = gateway.push(command("refs/heads/main") + kPack);
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("ok refs/heads/main") != std::string::npos);
  CHECK(audit_at_push.find("push.intent") != std::string::npos);
  CHECK(audit_at_push.find("push.outcome") == std::string::npos);
  const std::vector<std::string> seen = gateway.upstream.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].ends_with("0000" + kPack));
  CHECK(gateway.ask("GET /-/api/v1/audit").find("push.outcome") != std::string::npos);
  CHECK(gateway.ask("GET /-/api/v1/pushes?repo=o/r").find(kNew) != std::string::npos);
}

TEST_CASE("a refused push is answered as git reads it and never forwarded") {
  TestGateway gateway;
  const std::string answer = gateway.push(command("refs/heads/other") + kPack + std::string(200000, 'x'));
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("application/x-git-receive-pack-result") != std::string::npos);
  CHECK(answer.find("ng refs/heads/other ") != std::string::npos);
  CHECK(answer.find("fix: ") != std::string::npos);
  CHECK(gateway.upstream.seen().empty());
  // A refusal is in the log within 100 ms, not before it is answered.
  bool recorded = false;
  for (int i = 0; i < 100 && !recorded; ++i) {
    recorded = gateway.ask("GET /-/api/v1/audit").find("push.refused") != std::string::npos;
    if (!recorded) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(recorded);
}

// The hook would refuse it too, since the ticket carried no verb: so who refused is looked at, not only that it was.
TEST_CASE("a forbidden ref is refused by the gateway alone and the upstream is never asked") {
  TestGateway gateway;
  gateway.govern();
  REQUIRE(gateway.push(command("refs/heads/main") + kPack).find("ok refs/heads/main") != std::string::npos);
  const std::size_t asked = gateway.upstream.seen().size();
  const std::string answer = gateway.push(command("refs/heads/other") + kPack);
  CHECK(answer.find("ng refs/heads/other ") != std::string::npos);
  CHECK(gateway.upstream.seen().size() == asked);
  // By then the refusal is in the log: a pushed and a refused record are kept in their order.
  REQUIRE(gateway.push(command("refs/heads/main") + kPack).find("ok refs/heads/main") != std::string::npos);
  const std::string refused = gateway.ask("GET /-/api/v1/audit?kind=push.refused");
  CHECK(refused.find("\"ref\":\"refs/heads/other\"") != std::string::npos);
  CHECK(refused.find("\"name\":\"me\"") != std::string::npos);
  // No intent: nothing was about to be forwarded, and no ticket was written.
  CHECK(gateway.ask("GET /-/api/v1/audit?kind=push.intent").find("refs/heads/other") == std::string::npos);
  for (const std::string& seen : gateway.upstream.seen()) CHECK(seen.find("refs/heads/other") == std::string::npos);
}

TEST_CASE("attack 8 - a push option named like the ticket is refused") {
  TestGateway gateway;
  const std::string answer = gateway.push(command("refs/heads/main", "report-status side-band-64k push-options") +
                                          pkt("postern-ticket=mine") + "0000" + kPack);
  CHECK(answer.find("ng refs/heads/main ") != std::string::npos);
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("the probe before a large push is answered empty") {
  TestGateway gateway;
  const std::string answer = gateway.push("0000");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("application/x-git-receive-pack-result") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("only the exact content type is a push") {
  TestGateway gateway;
  for (const char* type : {"application/x-git-receive-pack-request; charset=utf-8", "text/plain",
                           "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
    CHECK(gateway.push(command("refs/heads/main") + kPack, type).starts_with("HTTP/1.1 415"));
  }
  CHECK(gateway.upstream.seen().empty());
}

TEST_CASE("bytes that are no pack never reach the upstream whole") {
  TestGateway gateway;
  CHECK(gateway.push(command("refs/heads/main") + "0000" + pkt("more")).starts_with("HTTP/1.1 400"));
  for (const std::string& seen : gateway.upstream.seen()) CHECK(seen.find("more") == std::string::npos);
}

TEST_CASE("a broken file leaves the old rules in force and a good one replaces them") {
  TestGateway gateway;
  gateway.write("postern.toml", "this is no TOML");
  CHECK_FALSE(gateway.app->reload("test", "r1"));
  CHECK(gateway.push(command("refs/heads/main") + kPack).find("ok refs/heads/main") != std::string::npos);
  gateway.write_config("refs/heads/release");
  CHECK(gateway.app->reload("test", "r2"));
  CHECK(gateway.push(command("refs/heads/main") + kPack).find("ng refs/heads/main ") != std::string::npos);
  const std::string audit = gateway.ask("GET /-/api/v1/audit");
  CHECK(audit.find("rules.refused") != std::string::npos);
  CHECK(audit.find("rules.load") != std::string::npos);
}

TEST_CASE("health is open and everything else of ours needs an identity") {
  TestGateway gateway;
  const auto tcp = [&](const std::string& path) {
    RawClient client(gateway.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.receive_all();
  };
  CHECK(tcp("/-/healthz").starts_with("HTTP/1.1 200"));
  CHECK(tcp("/-/readyz").starts_with("HTTP/1.1 200"));
  CHECK(tcp("/-/metrics").find("postern_requests_total") != std::string::npos);
  for (const char* path : {"/-/whoami", "/-/auth", "/-/api/v1/audit", "/-/api/v1/pushes"}) {
    CHECK(tcp(path).starts_with("HTTP/1.1 401"));
  }
  CHECK(gateway.ask("GET /-/whoami").find("\"name\":\"me\"") != std::string::npos);
  CHECK(gateway.ask("GET /-/console").starts_with("HTTP/1.1 404"));
}

TEST_CASE("a second gateway on the same socket and store does not start") {
  TestGateway gateway;
  GatewayOptions options;
  options.config_path = gateway.socket().substr(0, gateway.socket().rfind('/')) + "/postern.toml";
  const auto second = GatewayApp::start(std::move(options));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(gateway.ask("GET /-/healthz").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace postern::app
