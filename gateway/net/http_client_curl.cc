#include <curl/curl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>

#include <cstring>
#include <exception>
#include <mutex>

#include "gateway/base/encoding.h"
#include "gateway/base/guarded.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_client_address.h"

namespace postern::net {
namespace {

struct FreeEasy {
  void operator()(CURL* p) const { curl_easy_cleanup(p); }
};
struct FreeUrl {
  void operator()(CURLU* p) const { curl_url_cleanup(p); }
};
struct FreeText {
  void operator()(char* p) const { curl_free(p); }
};
// A header line may be a credential, so it is wiped before it is given back.
struct FreeList {
  void operator()(curl_slist* list) const {
    for (curl_slist* item = list; item != nullptr; item = item->next) {
      explicit_bzero(item->data, std::strlen(item->data));
    }
    curl_slist_free_all(list);
  }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Url = std::unique_ptr<CURLU, FreeUrl>;
using List = std::unique_ptr<curl_slist, FreeList>;

constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kMaxKeptHandles = 8;
constexpr long kConnectTimeoutMillis = 5000;

// Where a request goes, taken apart by the library that will send it: two readers could see two hosts.
struct Target {
  std::string url;
  std::string socket;  // of a unix: URL
  std::string shown;   // scheme, host and path, for messages: the query may hold what must not be seen
  bool plain = false;  // http:
  AddressKind kind = AddressKind::public_;
};

Result<std::string> url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* raw = nullptr;
  if (curl_url_get(url, part, &raw, flags) != CURLUE_OK) return fail(ErrorCode::not_found, "no such part");
  const std::unique_ptr<char, FreeText> text(raw);
  return std::string(text.get());
}

std::unexpected<Error> bad_url(std::string_view what) {
  return fail(ErrorCode::invalid_input,
              fmt::format("URL: {}; accepted are https:, http: to loopback or IMDS, and unix:/socket:/target", what));
}

Result<Target> parse_socket_url(std::string_view text) {
  const std::string_view rest = text.substr(5);
  const std::size_t colon = rest.find(":/");
  if (!rest.starts_with('/') || colon == std::string_view::npos) return bad_url("a unix: one without socket or target");
  Target target;
  target.socket = rest.substr(0, colon);
  target.url = "http://localhost" + std::string(rest.substr(colon + 1));
  target.shown = "unix:" + target.socket;
  target.plain = true;
  target.kind = AddressKind::loopback;
  return target;
}

Result<Target> parse_target(const HttpRequest& request) {
  const std::string& text = request.url;
  if (text.size() > kMaxUrlBytes) return bad_url(fmt::format("longer than {} bytes", kMaxUrlBytes));
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad_url("a blank or control character");
  }
  if (text.starts_with("unix:")) return parse_socket_url(text);
  const Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return bad_url("not readable");
  const auto scheme = url_part(url.get(), CURLUPART_SCHEME);
  const auto host = url_part(url.get(), CURLUPART_HOST);
  if (!scheme || !host || (*scheme != "https" && *scheme != "http")) return bad_url("another scheme");
  if (url_part(url.get(), CURLUPART_USER) || url_part(url.get(), CURLUPART_PASSWORD)) {
    return bad_url("a credential in it");
  }
  Target target;
  target.plain = *scheme == "http";
  target.kind = host_kind(*host);
  const auto port = url_part(url.get(), CURLUPART_PORT);
  const auto path = url_part(url.get(), CURLUPART_PATH);
  target.shown = printable(fmt::format("{}://{}{}{}", *scheme, *host, port ? ":" + *port : "", path.value_or("")), 200);
  target.url = text;
  const bool near = target.kind == AddressKind::loopback || target.kind == AddressKind::imds;
  if (target.plain && !near) {
    return fail(ErrorCode::denied,
                fmt::format("{}: http: goes to loopback hosts and IMDS only; use https:", target.shown));
  }
  if (!request.allow_private_hosts && target.kind != AddressKind::public_) {
    return fail(ErrorCode::denied,
                fmt::format("{}: a loopback, link-local or private address is not asked", target.shown));
  }
  return target;
}

// What the callbacks of one transfer fill in.
struct Transfer {
  const HttpRequest& request;
  const Target& target;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool body_began = false;
  bool too_large = false;
  bool denied = false;
};

curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.target.socket.empty()) {
    const AddressKind kind = address_kind(&address->addr);
    // A name such as localhost is whatever the resolver says: what counts is where the connection really goes.
    const bool plain_and_far = transfer.target.plain && kind != AddressKind::loopback && kind != AddressKind::imds;
    if (plain_and_far || (!transfer.request.allow_private_hosts && kind != AddressKind::public_)) {
      transfer.denied = true;
      return CURL_SOCKET_BAD;
    }
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.body_began = true;
  if (count > transfer.request.max_response_bytes - transfer.response.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  try {
    transfer.response.body.append(bytes, count);
  } catch (const std::exception&) {
    return 0;
  }
  return count;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.remove_suffix(1);
  return text;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += count;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  if (transfer.body_began) return count;  // a trailer
  const std::string_view line(bytes, count);
  try {
    if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // the head after an interim answer
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.front() == ' ' || line.front() == '\t') return count;
    transfer.response.headers.emplace_back(ascii_lower(trim(line.substr(0, colon))),
                                           std::string(trim(line.substr(colon + 1))));
  } catch (const std::exception&) {
    return 0;
  }
  return count;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && (c == '\0' || std::strchr("!#$%&'*+-.^_`|~", c) == nullptr)) return false;
  }
  return !text.empty();
}

bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

Result<List> header_list(const HttpRequest& request) {
  List list;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    list.release();
    list.reset(longer);
    return true;
  };
  bool typed = false;
  bool fine = add("Expect:");  // no 100-continue round
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || has_line_break(value)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("a request header named \"{}\" that is none", printable(name, 60)));
    }
    typed = typed || ascii_lower(name) == "content-type";
    // libcurl takes "Name:" for the wish to drop a header; "Name;" sends it empty.
    fine = fine && add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!typed) fine = fine && add("Content-Type:");
  if (request.bearer) {
    if (has_line_break(request.bearer->reveal())) {
      return fail(ErrorCode::invalid_input, "a bearer token with a line break in it");
    }
    std::string line = "Authorization: Bearer ";
    line.reserve(line.size() + request.bearer->reveal().size());
    line += request.bearer->reveal();
    fine = fine && add(line);
    explicit_bzero(line.data(), line.size());
  }
  if (!fine) return fail(ErrorCode::internal, "out of memory");
  return list;
}

void set_method(CURL* easy, const HttpRequest& request) {
  const bool carries = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (carries || !request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "POST" || request.method == "PATCH") curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void set_options(CURL* easy, Transfer& transfer, curl_slist* headers, char* error_text) {
  const HttpRequest& request = transfer.request;
  const Target& target = transfer.target;
  const auto millis = static_cast<long>(request.timeout.count());
  curl_easy_setopt(easy, CURLOPT_URL, target.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, target.plain ? "http" : "https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, std::max(1L, millis));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, std::min(std::max(1L, millis), kConnectTimeoutMillis));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!target.socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, target.socket.c_str());
  if (target.kind != AddressKind::public_ || !request.allow_private_hosts) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_response_bytes));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text);
  set_method(easy, request);
}

Error to_error(CURLcode code, const Transfer& transfer, const char* error_text) {
  const std::string& shown = transfer.target.shown;
  const HttpRequest& request = transfer.request;
  if (transfer.denied) {
    return {ErrorCode::denied, fmt::format("{}: it resolves to an address that is not asked", shown)};
  }
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return {ErrorCode::limit, fmt::format("{}: the answer is larger than {} bytes (head: {})", shown,
                                          request.max_response_bytes, kMaxHeaderBytes)};
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {ErrorCode::timeout, fmt::format("{}: no answer within {} ms", shown, request.timeout.count())};
  }
  // The library speaks of the host that no request to a socket has.
  if (code == CURLE_COULDNT_CONNECT && !transfer.target.socket.empty()) {
    return {ErrorCode::unavailable, fmt::format("{}: nobody answers at this socket", shown)};
  }
  const std::string_view detail = *error_text != '\0' ? error_text : curl_easy_strerror(code);
  return {ErrorCode::unavailable, fmt::format("{}: {}", shown, printable(detail, 200))};
}

// While it lives, writing to a connection that the peer closed raises no SIGPIPE in this thread: OpenSSL writes without
// MSG_NOSIGNAL, and ignoring the signal for the process would pass on to every git it starts.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec at_once{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

class CurlClient final : public HttpClient {
 public:
  Result<HttpResponse> send(const HttpRequest& request) override {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    const Result<Target> target = parse_target(request);
    if (!target) return fail(target.error());
    if (!is_token(request.method)) return fail(ErrorCode::invalid_input, "a request method that is none");
    const Result<List> headers = header_list(request);
    if (!headers) return fail(headers.error());
    // A connection made where private addresses were allowed must not serve a request that forbids them.
    Guarded<std::vector<Easy>>& pool = request.allow_private_hosts ? any_host_ : public_only_;
    Easy easy = take(pool);
    if (!easy) return fail(ErrorCode::internal, "libcurl: out of memory");
    Transfer transfer{.request = request, .target = *target, .response = {}};
    char error_text[CURL_ERROR_SIZE] = "";
    set_options(easy.get(), transfer, headers->get(), error_text);
    CURLcode code = CURLE_OK;
    {
      const NoSigpipe quiet;
      code = curl_easy_perform(easy.get());
    }
    if (code != CURLE_OK) return fail(to_error(code, transfer, error_text));
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    keep(pool, std::move(easy));
    return std::move(transfer.response);
  }

 private:
  static Easy take(Guarded<std::vector<Easy>>& pool) {
    auto kept = pool.lock();
    if (kept->empty()) return Easy(curl_easy_init());
    Easy easy = std::move(kept->back());
    kept->pop_back();
    return easy;
  }
  static void keep(Guarded<std::vector<Easy>>& pool, Easy easy) {
    curl_easy_reset(easy.get());  // options go, connections stay
    auto kept = pool.lock();
    if (kept->size() < kMaxKeptHandles) kept->push_back(std::move(easy));
  }

  Guarded<std::vector<Easy>> any_host_;
  Guarded<std::vector<Easy>> public_only_;
};

}  // namespace

std::unique_ptr<HttpClient> make_http_client() { return std::make_unique<CurlClient>(); }

}  // namespace postern::net
