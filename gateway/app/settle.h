// What became of a push: joined from the upstream's report, the hook's verdict and what really moved. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/json.h"
#include "gateway/git/ref_update.h"
#include "gateway/git/repo_path.h"
#include "gateway/git/report_status.h"
#include "gateway/spool/spool.h"
#include "gateway/store/store.h"

namespace postern::app {

// By the upstream's report. `rules`: what decided at the gateway, one per command. The entry is the caller's to fill.
store::PushOutcome outcome_of(std::string_view id, std::span<const git::RefUpdate> commands,
                              std::span<const std::string> rules, const git::PushReport& report,
                              const std::optional<spool::Verdict>& verdict);

// What the hook and the upstream said, for the record.
void add_outcome_detail(json::Value& detail, const git::PushReport& report,
                        const std::optional<spool::Verdict>& verdict);
void add_verdict_detail(json::Value& detail, const spool::Verdict& verdict);

// The hrefs of an LFS batch answer that lead to this repository's own LFS routes, on whatever host the upstream thinks
// it is, lead to the gateway; others (storage elsewhere, signed) stay as they are.
Result<std::string> rewrite_lfs_hrefs(std::string_view answer, const git::RepoPath& repo,
                                      std::string_view external_url);

}  // namespace postern::app
