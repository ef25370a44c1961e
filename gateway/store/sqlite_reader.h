// The asking half of the store in SQLite.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/store/sqlite_database.h"
#include "gateway/store/store.h"

namespace postern::store {

// One connection for every question; thread-safe through its Guarded owner.
struct SqliteReader {
  Database database;

  Result<std::vector<AuditRecord>> list(const AuditQuery& query);
  Result<std::vector<OpenPush>> open_pushes();
  Result<PushPage> accepted(const PushQuery& query);
  Result<std::vector<std::string>> commits_of(Seq first_seq);
  Result<std::vector<std::optional<AcceptedPush>>> introducers(std::string_view repository,
                                                               std::span<const std::string> commits);
  Result<std::vector<audit::Head>> heads();
  Result<std::vector<AuditRecord>> chain(std::string_view id, Seq from_seq, std::size_t limit);
  Result<std::vector<StoredCheckpoint>> checkpoints(std::string_view condition);
  Result<Seq> last_push();
  Result<std::vector<std::string>> check();

 private:
  Status check_records(std::vector<std::string>& faults);
  Status check_pushes(std::vector<std::string>& faults);
  Status check_links(std::vector<std::string>& faults);
};

}  // namespace postern::store
