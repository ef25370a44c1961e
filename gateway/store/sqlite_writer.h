// The writing half of the store in SQLite: records in their chain, and the tables that go with them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/audit/chain.h"
#include "gateway/base/guarded.h"
#include "gateway/base/result.h"
#include "gateway/store/committer.h"
#include "gateway/store/push_record.h"
#include "gateway/store/sqlite_database.h"
#include "gateway/store/store.h"

namespace postern::store {

// What the committer writes with; but for what says otherwise, used by the committer's thread alone.
// The outer Result of an answer undoes the whole batch, the inner one is what the asker hears.
class SqliteWriter final : public CommitTarget {
 public:
  // Continues the chain of `instance`, or begins one.
  static Result<std::unique_ptr<SqliteWriter>> open(Database database, const std::string& instance);

  Status begin() override;
  Status commit() override;
  void abandon() override;
  void committed() override;

  // `prepared` must live until the commit.
  Result<Seq> append(const PreparedRecord& prepared);
  Result<Result<Seq>> begin_push(const PushIntent& intent, const PreparedRecord& prepared);
  Result<Result<Settled>> settle(const PushOutcome& outcome, const PreparedRecord& prepared);
  Result<Result<Settled>> direct(const PushOutcome& write, bool link, const PreparedRecord& prepared);
  Result<Result<Settled>> deploy(const Deployment& deployment, const PreparedRecord& prepared);
  Status add_checkpoint(const StoredCheckpoint& checkpoint);
  Status mark_witnessed(std::int64_t number);

  std::atomic<Seq> last_push_seq{0};              // any thread
  Guarded<std::function<void(Seq)>> on_accepted;  // any thread

 private:
  explicit SqliteWriter(Database database) : database_(std::move(database)), chain_(std::string()) {}
  Status prepare_all();
  Status load_head();
  Result<Seq> append_now(const PreparedRecord& prepared);
  Status write_waiting();
  Result<Seq> accept_refs(const PushOutcome& outcome, std::string_view repository);

  Database database_;
  audit::AuditChain chain_;
  std::string chain_id_;
  bool stale_ = true;
  Seq newest_push_ = 0;  // of the running transaction
  Seq last_record_ = 0;  // id of the newest record, counting those that wait
  struct Waiting {
    audit::Record record;
    const PreparedRecord* prepared;
  };
  std::vector<Waiting> waiting_;  // appended in the running transaction, and not yet handed to SQLite
  Statement insert_record_, insert_records_, load_last_record_, find_push_, insert_push_, settle_push_, insert_ref_,
      insert_commit_, find_deployment_, insert_deployment_, insert_checkpoint_, mark_witnessed_, load_head_, begin_,
      commit_;
};

}  // namespace postern::store
