#include "gateway/git/smart_http.h"

#include <array>

namespace postern::git {
namespace {

struct Route {
  std::string_view method;
  std::string_view suffix;  // after "/owner/name"
  std::string_view query;   // exact, without '?'; empty: no '?' at all
  Action action;
  Service service;
};

// Every request that is served, and no other.
constexpr std::array<Route, 6> kRoutes{{
    {"GET", "/info/refs", "service=git-upload-pack", Action::advertise, Service::upload_pack},
    {"GET", "/info/refs", "service=git-receive-pack", Action::advertise, Service::receive_pack},
    {"POST", "/git-upload-pack", "", Action::rpc, Service::upload_pack},
    {"POST", "/git-receive-pack", "", Action::rpc, Service::receive_pack},
    {"POST", "/info/lfs/objects/batch", "", Action::lfs_batch, Service::upload_pack},
    {"POST", "/info/lfs/objects/basic/verify", "", Action::lfs_verify, Service::upload_pack},
}};
constexpr std::string_view kLfsObject = "/info/lfs/objects/basic/";

bool is_lfs_oid(std::string_view text) {
  if (text.size() != 64) return false;
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace

std::optional<GitRequest> classify(std::string_view method, std::string_view target) {
  const std::size_t mark = target.find('?');
  const bool has_query = mark != std::string_view::npos;
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = has_query ? target.substr(mark + 1) : std::string_view{};
  if (has_query && query.empty()) return std::nullopt;
  if (!path.starts_with('/')) return std::nullopt;
  const std::size_t after_owner = path.find('/', 1);
  if (after_owner == std::string_view::npos) return std::nullopt;
  const std::size_t after_name = path.find('/', after_owner + 1);
  if (after_name == std::string_view::npos) return std::nullopt;
  // RepoPath refuses every byte that could be read in two ways: escapes, backslashes, ';', control bytes.
  Result<RepoPath> repo = RepoPath::parse(path.substr(1, after_name - 1));
  if (!repo) return std::nullopt;
  const std::string_view suffix = path.substr(after_name);
  for (const Route& route : kRoutes) {
    if (method == route.method && suffix == route.suffix && query == route.query) {
      return GitRequest{std::move(*repo), route.action, route.service, {}};
    }
  }
  if (suffix.starts_with(kLfsObject) && !has_query && (method == "GET" || method == "PUT")) {
    const std::string_view oid = suffix.substr(kLfsObject.size());
    if (!is_lfs_oid(oid)) return std::nullopt;
    return GitRequest{std::move(*repo), method == "GET" ? Action::lfs_download : Action::lfs_upload,
                      Service::upload_pack, std::string(oid)};
  }
  return std::nullopt;
}

std::string_view to_string(Service service) {
  return service == Service::receive_pack ? "git-receive-pack" : "git-upload-pack";
}

std::string upstream_target(const GitRequest& request) {
  std::string target;
  target.reserve(request.repo.full_name().size() + request.lfs_oid.size() + 48);
  target.append("/").append(request.repo.full_name()).append(".git");
  switch (request.action) {
    case Action::advertise: target.append("/info/refs?service=").append(to_string(request.service)); break;
    case Action::rpc: target.append("/").append(to_string(request.service)); break;
    case Action::lfs_batch: target.append("/info/lfs/objects/batch"); break;
    case Action::lfs_verify: target.append("/info/lfs/objects/basic/verify"); break;
    case Action::lfs_download:
    case Action::lfs_upload: target.append(kLfsObject).append(request.lfs_oid); break;
  }
  return target;
}

}  // namespace postern::git
