// What a request asks for, decided by method, exact path suffix and exact query, before anything is opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/git/repo_path.h"

namespace postern::git {

enum class Service { upload_pack, receive_pack };
enum class Action {
  advertise,  // GET  …/info/refs?service=…
  rpc,        // POST …/git-upload-pack, …/git-receive-pack
  lfs_batch,  // POST …/info/lfs/objects/batch
  lfs_download,
  lfs_upload,
  lfs_verify,
};

// Value. Only classify() makes one.
struct GitRequest {
  RepoPath repo;
  Action action;
  Service service = Service::upload_pack;  // for advertise and rpc
  std::string lfs_oid;                     // 64 lower-case hex digits, for lfs_download and lfs_upload
};

// The request that `method` and `target` (as sent, with its query) mean; nullopt for everything that is not exactly one
// of git's or LFS's, which the gateway answers with 404. Pure.
std::optional<GitRequest> classify(std::string_view method, std::string_view target);

std::string_view to_string(Service service);     // "git-upload-pack" | "git-receive-pack"
std::string upstream_target(const GitRequest&);  // the canonical target that is forwarded: "/owner/name.git/…"

}  // namespace postern::git
