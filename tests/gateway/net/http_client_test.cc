#include "gateway/net/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <thread>

#include "gateway/base/file.h"
#include "gateway/base/guarded.h"
#include "gateway/net/http_client_address.h"
#include "gateway/net/http_client_fetch.h"
#include "tests/gateway/net/tls_identity_openssl.h"

namespace postern::net {
namespace {

using Answer = std::function<std::string(std::string)>;

std::string ok(std::string_view body, std::string_view headers = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(headers) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// A loopback (or Unix socket) server that hands each whole request to `answer`; an empty answer keeps silent.
class Server {
 public:
  explicit Server(Answer answer, const TlsIdentity* tls = nullptr, std::string socket_path = "")
      : answer_(std::move(answer)), tls_(tls), socket_path_(std::move(socket_path)) {
    if (socket_path_.empty()) {
      listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
      socklen_t size = sizeof address;
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
      port_ = ntohs(address.sin_port);
    } else {
      listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      socket_path_.copy(address.sun_path, sizeof address.sun_path - 1);
      REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    REQUIRE(::listen(listener_.get(), 16) == 0);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    accepting_.join();
    {
      auto open = open_.lock();
      for (const int fd : *open) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : serving_) thread.join();
    if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
  }

  std::string url(std::string_view path, std::string_view host = "127.0.0.1") const {
    return std::string(tls_ != nullptr ? "https://" : "http://") + std::string(host) + ":" + std::to_string(port_) +
           std::string(path);
  }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept(listener_.get(), nullptr, nullptr);
      if (fd < 0) break;
      ++connections_;
      open_.lock()->push_back(fd);
      serving_.emplace_back([this, fd] {
        serve(fd);
        ::shutdown(fd, SHUT_RDWR);
      });
    }
  }
  void serve(int fd) {
    if (tls_ != nullptr) {
      sigset_t pipe;  // this thread's own writes; the client under test has to look after itself
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      tls_->serve_one(fd, answer_);
      return;
    }
    std::string buffer;
    char chunk[16384];
    for (;;) {
      const std::size_t end = buffer.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = buffer.find("Content-Length: ");
        const std::size_t body = at < end ? std::stoul(buffer.substr(at + 16)) : 0;
        if (buffer.size() >= end + 4 + body) {
          const std::string response = answer_(buffer.substr(0, end + 4 + body));
          buffer.erase(0, end + 4 + body);
          if (::send(fd, response.data(), response.size(), MSG_NOSIGNAL) < 0) return;
          continue;
        }
      }
      const ssize_t got = ::read(fd, chunk, sizeof chunk);
      if (got <= 0) return;
      buffer.append(chunk, static_cast<std::size_t>(got));
    }
  }

  Answer answer_;
  const TlsIdentity* tls_;
  std::string socket_path_;
  FileDescriptor listener_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  Guarded<std::vector<int>> open_;
  std::vector<std::thread> serving_;
  std::thread accepting_;
};

std::string temp_path(std::string_view name) {
  static const std::string folder = [] {
    char text[] = "/tmp/postern-http-XXXXXX";
    return std::string(::mkdtemp(text));
  }();
  return folder + "/" + std::string(name);
}

Result<HttpResponse> get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return make_http_client()->send(request);
}

AddressKind kind(std::string_view host) { return host_kind(host); }

TEST_CASE("a request goes out as asked and the answer comes back whole") {
  std::string seen;
  Server server([&seen](std::string request) {
    seen = std::move(request);
    return "HTTP/1.1 404 Not Found\r\nETag: \"a\"\r\nX-Two: 1\r\nx-two:  2 \r\nContent-Length: 3\r\n\r\nno\n";
  });
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url("/a?b=c");
  request.headers = {{"If-Match", "\"a\""}, {"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.bearer = Secret("abc.def");
  request.body = "{}";
  const HttpResponse response = make_http_client()->send(request).value();
  CHECK(response.status == 404);
  CHECK(response.body == "no\n");
  REQUIRE(response.header("etag") != nullptr);
  CHECK(*response.header("etag") == "\"a\"");
  CHECK(*response.header("x-two") == "1");
  CHECK(response.headers[2] == std::pair<std::string, std::string>("x-two", "2"));
  CHECK(response.header("x-three") == nullptr);
  CHECK(seen.starts_with("PUT /a?b=c HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nAuthorization: Bearer abc.def\r\n") != std::string::npos);
  CHECK(seen.find("\r\nIf-Match: \"a\"\r\n") != std::string::npos);
  CHECK(seen.find("\r\nX-Empty:\r\n") != std::string::npos);
  CHECK(seen.find("Expect") == std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n{}"));
}

TEST_CASE("a connection is used again for a GET but never for a POST") {
  Server server([](const std::string&) { return ok("x"); });
  const auto client = make_http_client();
  HttpRequest request;
  request.url = server.url("/");
  REQUIRE(client->send(request));
  REQUIRE(client->send(request));
  CHECK(server.connections() == 1);
  request.method = "POST";
  REQUIRE(client->send(request));
  CHECK(server.connections() == 2);
}

TEST_CASE("a redirect is an answer and is not followed") {
  Server other([](const std::string&) { return ok("stolen"); });
  Server server([&other](const std::string&) {
    return "HTTP/1.1 302 Found\r\nLocation: " + other.url("/") + "\r\nContent-Length: 0\r\n\r\n";
  });
  HttpRequest request;
  request.url = server.url("/");
  request.bearer = Secret("abc");
  const HttpResponse response = make_http_client()->send(request).value();
  CHECK(response.status == 302);
  CHECK(*response.header("location") == other.url("/"));
  CHECK(other.connections() == 0);
}

TEST_CASE("an answer larger than the limit is an error also without a length") {
  for (const bool with_length : {true, false}) {
    Server server([with_length](const std::string&) {
      const std::string body(5000, 'x');
      if (with_length) return ok(body);
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + body + "\r\n0\r\n\r\n";
    });
    HttpRequest request;
    request.url = server.url("/");
    request.max_response_bytes = 5000;
    CHECK(make_http_client()->send(request)->body.size() == 5000);
    request.max_response_bytes = 4999;
    const auto response = make_http_client()->send(request);
    REQUIRE_FALSE(response);
    CHECK(response.error().code == ErrorCode::limit);
  }
}

TEST_CASE("an answer with an endless head is an error") {
  Server server([](const std::string&) { return "HTTP/1.1 200 OK\r\n" + std::string(90000, 'x') + ": y\r\n\r\n"; });
  CHECK_FALSE(get(server.url("/")));
  Server many([](const std::string&) {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 9000; ++i) head += "X-Head: y\r\n";
    return head + "Content-Length: 0\r\n\r\n";
  });
  CHECK(get(many.url("/")).error().code == ErrorCode::limit);
}

TEST_CASE("a silent server is a timeout and a closed port is unavailable") {
  std::string closed;
  {
    Server server([](const std::string&) { return std::string(); });
    closed = server.url("/");
    HttpRequest request;
    request.url = closed;
    request.timeout = std::chrono::milliseconds(50);
    CHECK(make_http_client()->send(request).error().code == ErrorCode::timeout);
  }
  CHECK(get(closed).error().code == ErrorCode::unavailable);
}

TEST_CASE("half an answer is no answer") {
  const TlsIdentity identity("localhost");
  Server server([](const std::string&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"); },
                &identity);
  HttpRequest request;
  request.url = server.url("/", "localhost");
  request.ca_file = temp_path("half.pem");
  REQUIRE(write_file_atomic(request.ca_file, identity.certificate_pem(), 0600));
  CHECK(make_http_client()->send(request).error().code == ErrorCode::unavailable);
}

TEST_CASE("plain http goes to loopback and IMDS only") {
  for (const char* url :
       {"http://example.com/", "http://10.0.0.1/", "http://169.254.169.253/", "http://[2001:db8::1]/"}) {
    INFO(url);
    CHECK(get(url).error().code == ErrorCode::denied);
  }
}

TEST_CASE("a URL with a credential or another scheme or a blank is refused") {
  for (const char* url : {"http://user:pass@127.0.0.1/", "https://user@127.0.0.1/", "ftp://127.0.0.1/",
                          "file:///etc/passwd", "127.0.0.1/", "", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
                          "unix:relative:/x", "unix:/only/a/path"}) {
    INFO(url);
    const auto response = get(url);
    REQUIRE_FALSE(response);
    CHECK(response.error().code == ErrorCode::invalid_input);
    CHECK(response.error().message.find("pass@") == std::string::npos);
  }
}

TEST_CASE("a header or a method or a token with a line break is refused") {
  Server server([](const std::string&) { return ok(""); });
  HttpRequest request;
  request.url = server.url("/");
  request.headers = {{"X-A", "b\r\nX-C: d"}};
  CHECK(make_http_client()->send(request).error().code == ErrorCode::invalid_input);
  request.headers = {{"X A", "b"}};
  CHECK(make_http_client()->send(request).error().code == ErrorCode::invalid_input);
  request.headers.clear();
  request.method = "GET / HTTP/1.1\r\nX";
  CHECK(make_http_client()->send(request).error().code == ErrorCode::invalid_input);
  request.method = "GET";
  request.bearer = Secret("secret\r\nX: y");
  const auto response = make_http_client()->send(request);
  CHECK(response.error().code == ErrorCode::invalid_input);
  CHECK(response.error().message.find("secret") == std::string::npos);
  CHECK(server.connections() == 0);
}

TEST_CASE("where private hosts are not allowed no connection is made to them also by name") {
  Server server([](const std::string&) { return ok("x"); });
  const auto client = make_http_client();
  HttpRequest request;
  request.url = server.url("/");
  REQUIRE(client->send(request));
  CHECK(server.connections() == 1);
  request.allow_private_hosts = false;
  CHECK(client->send(request).error().code == ErrorCode::denied);
  request.url = server.url("/", "localhost");
  CHECK(client->send(request).error().code == ErrorCode::denied);
  request.url = "http://169.254.169.254/metadata";
  CHECK(client->send(request).error().code == ErrorCode::denied);
  // A public name whose address is private: only the connecting socket knows. The machine's own name resolves so.
  char name[256] = "";
  REQUIRE(::gethostname(name, sizeof name - 1) == 0);
  request.url = "https://" + std::string(name) + ":1/";
  const auto response = client->send(request);
  REQUIRE_FALSE(response);
  CHECK((response.error().code == ErrorCode::denied || response.error().message.find("resolve") != std::string::npos));
  CHECK(server.connections() == 1);
}

TEST_CASE("spellings of an address do not hide what it is") {
  CHECK(kind("127.0.0.1") == AddressKind::loopback);
  CHECK(kind("127.9.9.9") == AddressKind::loopback);
  CHECK(kind("LOCALHOST") == AddressKind::loopback);
  CHECK(kind("[::1]") == AddressKind::loopback);
  CHECK(kind("[::ffff:127.0.0.1]") == AddressKind::loopback);
  CHECK(kind("[::ffff:a9fe:a9fe]") == AddressKind::imds);
  CHECK(kind("169.254.169.254") == AddressKind::imds);
  for (const char* host :
       {"0.0.0.0", "10.1.2.3", "100.64.0.1", "168.63.129.16", "169.254.1.1", "172.31.255.255", "192.168.1.1",
        "198.18.0.1", "224.0.0.1", "255.255.255.255", "[::]", "[fe80::1]", "[fd00::1]", "[ff02::1]", "[2001:db8::1]",
        "[64:ff9b::10.0.0.1]", "[2002:a00:1::]", "[2001::1]"}) {
    INFO(host);
    CHECK(kind(host) == AddressKind::private_);
  }
  for (const char* host : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "223.255.255.255", "[2606:4700::1]",
                           "[64:ff9b::1.1.1.1]", "example.com"}) {
    INFO(host);
    CHECK(kind(host) == AddressKind::public_);
  }
  // libcurl reads these as 127.0.0.1; a URL in them counts as such.
  HttpRequest request;
  request.allow_private_hosts = false;
  for (const char* url : {"http://2130706433/", "http://0x7f000001/", "http://0177.1/", "http://127.1/"}) {
    INFO(url);
    request.url = url;
    CHECK(make_http_client()->send(request).error().code == ErrorCode::denied);
  }
}

TEST_CASE("a certificate that nobody vouches for is refused before anything is sent") {
  const TlsIdentity identity("localhost");
  std::atomic<int> requests = 0;
  Server server(
      [&requests](const std::string&) {
        ++requests;
        return ok("x");
      },
      &identity);
  HttpRequest request;
  request.url = server.url("/", "localhost");
  request.bearer = Secret("abc");
  CHECK(make_http_client()->send(request).error().code == ErrorCode::unavailable);
  CHECK(requests == 0);
  request.ca_file = temp_path("ca.pem");
  REQUIRE(write_file_atomic(request.ca_file, identity.certificate_pem(), 0600));
  CHECK(make_http_client()->send(request)->body == "x");
  request.url = server.url("/", "127.0.0.1");  // not the name in the certificate
  CHECK(make_http_client()->send(request).error().code == ErrorCode::unavailable);
  CHECK(requests == 1);
}

TEST_CASE("a Unix socket is asked with the target after it") {
  std::string seen;
  Server server(
      [&seen](std::string request) {
        seen = std::move(request);
        return ok("from the socket");
      },
      nullptr, temp_path("gateway.sock"));
  CHECK(get("unix:" + temp_path("gateway.sock") + ":/-/api/v1/pushes?wait=30")->body == "from the socket");
  CHECK(seen.starts_with("GET /-/api/v1/pushes?wait=30 HTTP/1.1\r\n"));
  CHECK(get("unix:" + temp_path("nobody.sock") + ":/").error().code == ErrorCode::unavailable);
}

TEST_CASE("a proxy of the environment is not used for loopback hosts") {
  Server server([](const std::string&) { return ok("direct"); });
  Server proxy([](const std::string&) { return ok("through a proxy"); });
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  ::setenv("ALL_PROXY", proxy.url("").c_str(), 1);
  const auto response = get(server.url("/"));
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  CHECK(response->body == "direct");
  CHECK(proxy.connections() == 0);
}

TEST_CASE("a trailer does not become a header") {
  Server server([](const std::string&) {
    return std::string(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n1\r\nx\r\n0\r\nETag: \"late\"\r\n\r\n");
  });
  const HttpResponse response = get(server.url("/")).value();
  CHECK(response.body == "x");
  CHECK(response.header("etag") == nullptr);
}

TEST_CASE("the head after an interim answer is the one that counts") {
  Server server(
      [](const std::string&) { return "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + ok("x", "X-Late: 1\r\n"); });
  const HttpResponse response = get(server.url("/")).value();
  CHECK(response.status == 200);
  CHECK(response.header("x-early") == nullptr);
  CHECK(response.header("x-late") != nullptr);
}

TEST_CASE("the keys of an issuer are fetched from a server or a file and never from a neighbour that it names") {
  Server server([](const std::string&) { return ok("{}", "Cache-Control: max-age=60\r\nRetry-After: 7\r\n"); });
  const auto client = make_http_client();
  const identity::Fetch fetch = make_issuer_fetch(*client);
  const auto answer = fetch({.url = server.url("/keys"), .ca_file = "", .configured_host = true});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "{}");
  CHECK(answer->cache_control == "max-age=60");
  CHECK(answer->retry_after == "7");
  const auto named = fetch({.url = server.url("/keys"), .ca_file = "", .configured_host = false});
  REQUIRE_FALSE(named);
  CHECK(named.error().code == ErrorCode::denied);
  CHECK(server.connections() == 1);
  const std::string path = temp_path("keys.json");
  REQUIRE(write_file_atomic(path, "{\"keys\":[]}", 0600));
  CHECK(fetch({.url = "file:" + path, .ca_file = "", .configured_host = true})->body == "{\"keys\":[]}");
  CHECK_FALSE(fetch({.url = "file:" + path + ".none", .ca_file = "", .configured_host = true}));
}

TEST_CASE("one client serves many threads") {
  Server server([](const std::string& request) { return ok(request.substr(0, request.find(" HTTP"))); });
  const auto client = make_http_client();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
        HttpRequest request;
        request.url = server.url(path);
        const auto response = client->send(request);
        if (response && response->body == "GET " + path) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 40);
}

}  // namespace
}  // namespace postern::net
