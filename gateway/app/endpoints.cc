#include "gateway/app/endpoints.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"
#include "gateway/base/log.h"

namespace postern::app {
namespace {

using net::Task;

constexpr std::array<std::string_view, 4> kPlainRoles{"audit:read", "pushes:read", "deploy:report", "admin"};

bool has_any_role(const Request& request) {
  const auto may = [&](std::string_view what) { return request.rules().may(request.who, what); };
  if (std::any_of(kPlainRoles.begin(), kPlainRoles.end(), may)) return true;
  return std::any_of(request.in_force->config.environments.begin(), request.in_force->config.environments.end(),
                     [&](const config::EnvironmentConfig& environment) {
                       return may("approve:" + environment.name) || may("rollback:" + environment.name);
                     });
}

void answer_json(Request& request, int status, const json::Value& value) {
  request.exchange->respond(status, common_headers(request, "application/json"), json::dump(value) + "\n");
}

void answer_api(Request& request, ApiResponse response) {
  net::HeaderList headers = common_headers(request, response.content_type);
  for (auto& header : response.headers) headers.push_back(std::move(header));
  if (response.status == 401) headers.emplace_back("WWW-Authenticate", "Basic realm=\"postern\"");
  request.exchange->respond(response.status, std::move(headers), std::move(response.body));
}

}  // namespace

bool is_page(std::string_view target) {
  std::string path(target.substr(0, target.find_first_of("?#")));
  // Whoever decodes once more than we do must not see another path.
  for (int round = 0; round < 4 && path.find('%') != std::string::npos; ++round) {
    Result<std::string> decoded = percent_decode(path);
    if (!decoded) return false;
    path = std::move(*decoded);
  }
  if (path.find('%') != std::string::npos || !path.starts_with('/')) return false;
  for (char& c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '\\' || c == ';') return false;
  }
  path = ascii_lower(path);
  // Segments as a server sees them that tidies up: no empty ones, no dots.
  std::vector<std::string_view> segments;
  std::string_view rest = std::string_view(path).substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment == "." || segment == ".." || (segment.empty() && slash != std::string_view::npos)) return false;
    if (!segment.empty()) segments.push_back(segment);
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (segments.empty()) return true;
  if (segments[0] == "-" || segments[0] == "api") return false;
  if (segments.size() < 3) return true;
  // Below /owner/repository.
  const std::string_view third = segments[2];
  static constexpr std::array<std::string_view, 8> kGit{
      "info", "git-upload-pack", "git-receive-pack", "git-upload-archive", "head", "objects", "tasks", "refs"};
  return std::find(kGit.begin(), kGit.end(), third) == kGit.end();
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(ErrorCode::invalid_input, "the query must be name=value, joined by '&'");
    }
    Result<std::string> name = percent_decode(pair.substr(0, equals));
    Result<std::string> value = percent_decode(pair.substr(equals + 1));
    if (!name || !value) return fail(ErrorCode::invalid_input, "the query holds an escape that is none");
    if (!values.emplace(*name, std::move(*value)).second) {
      return fail(ErrorCode::invalid_input, "the query names '" + printable(*name) + "' twice");
    }
  }
  return values;
}

// A request that waits for the next accepted push, or for its time to be over.
struct Endpoints::Waiting {
  std::coroutine_handle<> waiter;
};

class Endpoints::Wait {
 public:
  Wait(Endpoints& endpoints, std::chrono::milliseconds at_most)
      : endpoints_(endpoints),
        at_most_(at_most),
        timer_(std::make_unique<net::Timer>(endpoints.loop_, [this] { wake(); })) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiting_.waiter = waiter;
    endpoints_.waiting_.push_back(&waiting_);
    timer_->arm(at_most_);
  }
  void await_resume() { timer_->cancel(); }

 private:
  void wake() {
    std::erase(endpoints_.waiting_, &waiting_);
    waiting_.waiter.resume();
  }
  Endpoints& endpoints_;
  std::chrono::milliseconds at_most_;
  Waiting waiting_;
  std::unique_ptr<net::Timer> timer_;
};

void Endpoints::wake_waiting() {
  std::vector<Waiting*> woken;
  woken.swap(waiting_);
  for (Waiting* waiting : woken) loop_.defer([waiter = waiting->waiter] { waiter.resume(); });
}

void Endpoints::end_waiting() {
  ending_ = true;
  wake_waiting();
}

Task<void> Endpoints::handle(Request& request) {
  const std::string_view target = request.exchange->target();
  const std::string_view method = request.exchange->method();
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  const bool get = method == "GET" || method == "HEAD";
  if (path == "/-/healthz" && get) {
    answer_text(request, 200, "ok");
  } else if (path == "/-/readyz" && get) {
    co_await ready(request);
  } else if (path == "/-/metrics" && get) {
    request.exchange->respond(200, common_headers(request, "text/plain; version=0.0.4"), parts_.metrics.exposition());
  } else if (path == "/-/whoami" && get) {
    const bool identified = co_await gate_.identify(request, nullptr);
    if (identified) whoami(request);
  } else if (path == "/-/auth") {
    co_await forward_auth(request);
  } else if (path.starts_with("/-/api/v1/")) {
    co_await api(request, path.substr(std::string_view("/-/api/v1").size()), query);
  } else {
    answer_text(request, 404, "postern: there is nothing here");
  }
}

Task<void> Endpoints::ready(Request& request) {
  store::Store* store = &parts_.store;
  const spool::Spool* spool = &parts_.spool;
  std::string problem = co_await net::on_worker(parts_.workers, loop_, [store, spool]() -> std::string {
    if (Status health = store->health(); !health) return "store: " + health.error().message;
    if (Status check = spool->check(); !check) return "spool: " + check.error().message;
    return {};
  });
  if (problem.empty()) {
    answer_text(request, 200, "ready");
  } else {
    log::warning("gateway.not_ready", {{"what", problem}});
    answer_text(request, 503, problem);
  }
}

void Endpoints::whoami(Request& request) {
  const identity::Identity& who = request.who;
  json::Value answer = json::Object{};
  answer.set("name", who.name);
  answer.set("kind", identity::to_string(who.kind));
  answer.set("issuer", who.issuer);
  answer.set("subject", who.subject);
  answer.set("client", who.client);
  if (!who.display.empty()) answer.set("display", who.display);
  json::Array groups;
  for (const std::string& group : who.groups) groups.emplace_back(group);
  answer.set("groups", std::move(groups));
  answer.set("request_id", request.id);
  answer_json(request, 200, answer);
}

// For the edge's web pages: does this person have an account at the git server, and is it a page that is asked for?
Task<void> Endpoints::forward_auth(Request& request) {
  const bool identified = co_await gate_.identify(request, nullptr);
  if (!identified) co_return;
  const net::Exchange& exchange = *request.exchange;
  std::optional<std::string_view> target = exchange.header("x-forwarded-uri");
  if (!target) target = exchange.header("x-original-uri");
  if (!target || !is_page(*target)) {
    answer_text(request, 403, "postern: this path is not served as a page; git, LFS and API paths go to the gateway");
    co_return;
  }
  if (!has_any_role(request)) {
    answer_text(request, 403, "postern: no role of yours lets you in here");
    co_return;
  }
  if (request.who.gogs_user.empty()) {
    answer_text(request, 403, "postern: no account at the git server belongs to this identity (gogs_user)");
    co_return;
  }
  net::HeaderList headers = common_headers(request, "text/plain");
  headers.emplace_back("X-WEBAUTH-USER", request.who.gogs_user);
  request.exchange->respond(200, std::move(headers), {});
}

Task<void> Endpoints::api(Request& request, std::string_view path, std::string_view query) {
  const bool identified = co_await gate_.identify(request, nullptr);
  if (!identified) co_return;
  net::Exchange& exchange = *request.exchange;
  Result<std::map<std::string, std::string>> parsed = parse_query(query);
  if (!parsed) {
    answer_api(request, problem(400, "bad_query", parsed.error().message, request.id));
    co_return;
  }
  ApiRequest asked;
  asked.method = exchange.method();
  asked.path = path;
  asked.query = std::move(*parsed);
  asked.who = request.who;
  const std::shared_ptr<const InForce> in_force = request.in_force;
  const identity::Identity who = request.who;
  asked.may = [in_force, who](std::string_view what) { return in_force->rules->may(who, what); };
  asked.from = request.from;
  asked.request_id = request.id;
  while (exchange.has_body()) {
    Result<std::optional<std::string_view>> piece = co_await exchange.read();
    if (!piece) {
      answer_api(request, problem(400, "bad_body", piece.error().message, request.id));
      co_return;
    }
    if (!*piece) break;
    if (asked.body.size() + (*piece)->size() > kApiBodyMax) {
      answer_api(request, problem(413, "too_large", "a body is at most 256 KiB", request.id));
      co_return;
    }
    asked.body.append(**piece);
  }
  const MonoTime started = parts_.clock.mono();
  while (true) {
    // Reads of the store block: they run on a worker.
    const Api* api = &api_;
    net::Workers* workers = &parts_.workers;
    ApiRequest once = asked;
    ApiAnswer answer =
        co_await net::callback<ApiAnswer>(loop_, [workers, api, &once](std::function<void(ApiAnswer)> done) {
          workers->submit([api, &once, done = std::move(done)] { api->handle(once, done); });
        });
    if (auto* response = std::get_if<ApiResponse>(&answer)) {
      answer_api(request, std::move(*response));
      co_return;
    }
    const ApiWait wait = std::get<ApiWait>(answer);
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.mono() - started);
    if (exchange.gone()) co_return;
    if (passed >= wait.at_most || ending_) {
      asked.last = true;
      continue;
    }
    if (parts_.store.last_push_seq() > wait.after) continue;
    co_await Wait(*this, wait.at_most - passed);
  }
}

}  // namespace postern::app
