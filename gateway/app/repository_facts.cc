#include "gateway/app/repository_facts.h"

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"
#include "gateway/git/smart_http.h"

namespace postern::app {
namespace {

constexpr std::size_t kRepositoryJsonMax = std::size_t{256} << 10;

template <class Map>
void make_room(Map& map, std::size_t max) {
  if (map.size() >= max) map.clear();
}

}  // namespace

net::Task<Result<std::string>> read_all(net::UpstreamCall& call, std::size_t max_bytes) {
  std::string body;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await call.read();
    if (!piece) co_return fail(piece.error());
    if (!*piece) co_return std::move(body);
    if (body.size() + (*piece)->size() > max_bytes) {
      co_return fail(ErrorCode::limit, "the upstream's answer is longer than " + std::to_string(max_bytes) + " bytes");
    }
    body.append(**piece);
  }
}

void RepositoryFacts::note(const git::RepoPath& repo, const git::AdvertisementRewriter& advertisement) {
  if (!advertisement.saw_capabilities()) return;
  make_room(push_options_, kMax);
  push_options_[repo] = {advertisement.offers_push_options(), clock_.mono()};
}

net::Task<Result<bool>> RepositoryFacts::takes_push_options(git::RepoPath repo, std::string authorization) {
  const auto known = push_options_.find(repo);
  if (known != push_options_.end() && clock_.mono() - known->second.at <= kFactsFresh) co_return known->second.offered;
  net::UpstreamRequest request;
  request.target = git::upstream_target({repo, git::Action::advertise, git::Service::receive_pack, {}});
  if (!authorization.empty()) request.headers.emplace_back("Authorization", std::move(authorization));
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.ask(std::move(request));
  if (!call) co_return fail(call.error());
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response) co_return fail(response.error());
  if ((*response)->status != 200) {
    co_return fail(ErrorCode::unavailable, "the upstream answers " + std::to_string((*response)->status) +
                                               " where it was asked what pushes it takes");
  }
  git::AdvertisementRewriter advertisement(git::Service::receive_pack);
  std::string ignored;
  while (true) {
    Result<std::optional<std::string_view>> piece = co_await (*call)->read();
    if (!piece) co_return fail(piece.error());
    if (!*piece) break;
    ignored.clear();
    if (Status fed = advertisement.feed(**piece, ignored); !fed) co_return fail(fed.error());
  }
  if (Status whole = advertisement.finish(); !whole) co_return fail(whole.error());
  note(repo, advertisement);
  co_return advertisement.offers_push_options();
}

net::Task<Result<std::optional<std::int64_t>>> RepositoryFacts::id(git::RepoPath repo,
                                                                   std::shared_ptr<const InForce> in_force) {
  if (in_force->config.upstream.kind != config::UpstreamConfig::Kind::gogs) {
    co_return std::optional<std::int64_t>();
  }
  const auto known = ids_.find(repo);
  if (known != ids_.end() && clock_.mono() - known->second.at <= kFactsFresh) {
    co_return std::optional<std::int64_t>(known->second.id);
  }
  net::UpstreamRequest request;
  request.target = "/api/v1/repos/" + repo.owner() + "/" + repo.name();
  // The API takes the token in a scheme of its own only.
  request.headers.emplace_back("Authorization", "token " + std::string(in_force->upstream_token.reveal()));
  Result<std::unique_ptr<net::UpstreamCall>> call = co_await upstream_.ask(std::move(request));
  if (!call) co_return fail(call.error());
  Result<const net::UpstreamResponse*> response = co_await (*call)->response();
  if (!response) co_return fail(response.error());
  const int status = (*response)->status;
  Result<std::string> body = co_await read_all(**call, kRepositoryJsonMax);
  if (!body) co_return fail(body.error());
  if (status == 404) co_return fail(ErrorCode::not_found, "the upstream knows no repository " + repo.full_name());
  if (status == 401 || status == 403) {
    co_return fail(ErrorCode::denied,
                   "the upstream's API refuses the gateway's token (" + std::to_string(status) + ")");
  }
  if (status != 200) {
    co_return fail(ErrorCode::unavailable, "the upstream's API answers " + std::to_string(status));
  }
  Result<json::Value> value = json::parse(*body);
  if (!value) co_return fail(in_context("the upstream's API", value.error()));
  const std::int64_t* id = value->find_int("id");
  const std::string* full_name = value->find_string("full_name");
  if (id == nullptr || *id <= 0) {
    co_return fail(ErrorCode::invalid_input, "the upstream's API: the repository has no id");
  }
  // A redirect by name would bind the push to another repository than the one that was judged.
  if (full_name != nullptr && ascii_lower(*full_name) != repo.owner() + "/" + repo.name()) {
    co_return fail(ErrorCode::conflict,
                   "the upstream's API: asked for " + repo.full_name() + ", it speaks of " + printable(*full_name));
  }
  make_room(ids_, kMax);
  ids_[repo] = {*id, clock_.mono()};
  co_return std::optional<std::int64_t>(*id);
}

}  // namespace postern::app
