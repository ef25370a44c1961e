#include "gateway/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <array>
#include <cerrno>

#include "gateway/base/file.h"
#include "gateway/base/guarded.h"
#include "gateway/store/committer.h"
#include "gateway/store/push_record.h"
#include "gateway/store/sqlite_database.h"
#include "gateway/store/sqlite_reader.h"
#include "gateway/store/sqlite_writer.h"

namespace postern::store {

namespace sql {
extern const std::string_view _0001_core_sql;
}

namespace {

constexpr std::int32_t kApplicationId = 0x504f5354;  // "POST", in the file's header

std::array<Migration, 1> migrations() { return {Migration{1, sql::_0001_core_sql}}; }

class SqliteStore final : public Store {
 public:
  SqliteStore(Database reader, std::unique_ptr<SqliteWriter> writer, FileDescriptor lock, std::size_t soon_capacity)
      : lock_(std::move(lock)), writer_(std::move(writer)), reader_(SqliteReader{std::move(reader)}) {
    if (writer_) committer_ = std::make_unique<Committer>(*writer_, soon_capacity);
  }
  ~SqliteStore() override { close(); }

  void append(audit::AuditEntry entry, Appended done) override {
    write<Seq>(prepare(entry), std::move(done),
               [](SqliteWriter& writer, const PreparedRecord& prepared) { return wrap(writer.append(prepared)); });
  }

  Status append_soon(audit::AuditEntry entry) override {
    if (!committer_) return read_only();
    auto prepared = prepare(entry);
    if (!prepared) return fail(prepared.error());
    return committer_->submit_soon([writer = writer_.get(), record = std::move(*prepared)]() -> Status {
      const auto seq = writer->append(record);
      if (!seq) return fail(seq.error());
      return {};
    });
  }

  void begin_push(PushIntent intent, Begun done) override {
    auto prepared = prepare_intent(intent);
    write<Seq>(std::move(prepared), std::move(done),
               [intent = std::move(intent)](SqliteWriter& writer, const PreparedRecord& record) {
                 return writer.begin_push(intent, record);
               });
  }

  void settle_push(PushOutcome outcome, SettledFn done) override {
    auto prepared = prepare_outcome(outcome);
    write<Settled>(std::move(prepared), std::move(done),
                   [outcome = std::move(outcome)](SqliteWriter& writer, const PreparedRecord& record) {
                     return writer.settle(outcome, record);
                   });
  }

  void record_direct(PushOutcome outcome, bool link, SettledFn done) override {
    auto prepared = prepare_direct(outcome, link);
    write<Settled>(std::move(prepared), std::move(done),
                   [outcome = std::move(outcome), link](SqliteWriter& writer, const PreparedRecord& record) {
                     return writer.direct(outcome, link, record);
                   });
  }

  void record_deployment(Deployment deployment, audit::AuditEntry entry,
                         std::function<void(Result<Settled>)> done) override {
    auto prepared = prepare_deployment(deployment, std::move(entry));
    write<Settled>(std::move(prepared), std::move(done),
                   [deployment = std::move(deployment)](SqliteWriter& writer, const PreparedRecord& record) {
                     return writer.deploy(deployment, record);
                   });
  }

  Status add_checkpoint(const StoredCheckpoint& checkpoint) override {
    return write_and_wait([checkpoint](SqliteWriter& writer) { return writer.add_checkpoint(checkpoint); });
  }
  Status mark_witnessed(std::int64_t number) override {
    return write_and_wait([number](SqliteWriter& writer) { return writer.mark_witnessed(number); });
  }

  Result<std::vector<AuditRecord>> list_audit(const AuditQuery& query) override { return reader_.lock()->list(query); }
  Result<std::vector<OpenPush>> open_pushes() override { return reader_.lock()->open_pushes(); }
  Result<PushPage> accepted_pushes(const PushQuery& query) override { return reader_.lock()->accepted(query); }
  Result<std::vector<std::optional<AcceptedPush>>> introducers(std::string_view repository,
                                                               std::span<const std::string> commits) override {
    return reader_.lock()->introducers(repository, commits);
  }
  Seq last_push_seq() override {
    if (writer_) return writer_->last_push_seq;
    return reader_.lock()->last_push().value_or(0);
  }
  void on_accepted_push(std::function<void(Seq)> listener) override {
    if (writer_) *writer_->on_accepted.lock() = std::move(listener);
  }
  Result<std::vector<audit::Head>> heads() override { return reader_.lock()->heads(); }
  Result<std::vector<AuditRecord>> chain_records(std::string_view chain, Seq from_seq, std::size_t limit) override {
    return reader_.lock()->chain(chain, from_seq, limit);
  }
  Result<std::vector<StoredCheckpoint>> checkpoints() override {
    return reader_.lock()->checkpoints("ORDER BY number");
  }
  Result<std::optional<StoredCheckpoint>> last_checkpoint() override {
    auto found = reader_.lock()->checkpoints("ORDER BY number DESC LIMIT 1");
    if (!found) return fail(found.error());
    return found->empty() ? std::nullopt : std::optional(found->front());
  }
  Result<std::vector<StoredCheckpoint>> unwitnessed_checkpoints() override {
    return reader_.lock()->checkpoints("WHERE witnessed = 0 ORDER BY number");
  }
  Result<std::vector<std::string>> check_tables() override { return reader_.lock()->check(); }

  Status health() override { return committer_ ? committer_->health() : Status{}; }
  void close() override {
    if (committer_) committer_->close();
  }

 private:
  static std::unexpected<Error> read_only() { return fail(ErrorCode::denied, "the store was opened read-only"); }
  static Result<Result<Seq>> wrap(Result<Seq> seq) {
    if (!seq) return fail(seq.error());
    return Result<Seq>(*seq);
  }

  // `work` answers Result<Result<T>>: the outer one undoes the batch, the inner one is what `done` hears.
  template <class T, class Done, class Work>
  void write(Result<PreparedRecord> prepared, Done done, Work work) {
    if (!committer_) return done(read_only());
    if (!prepared) return done(fail(prepared.error()));
    struct State {
      PreparedRecord record;
      Work work;
      Done done;
      Result<T> answer;
    };
    auto state = std::make_shared<State>(State{std::move(*prepared), std::move(work), std::move(done), T{}});
    committer_->submit({[state, writer = writer_.get()]() -> Status {
                          auto answer = state->work(*writer, state->record);
                          if (!answer) return fail(answer.error());
                          state->answer = std::move(*answer);
                          return {};
                        },
                        [state](const Status& status) {
                          if (status) {
                            state->done(std::move(state->answer));
                          } else {
                            state->done(fail(status.error()));
                          }
                        }});
  }

  Status write_and_wait(std::function<Status(SqliteWriter&)> work) {
    if (!committer_) return read_only();
    std::mutex mutex;
    std::condition_variable wake;
    std::optional<Status> answer;
    committer_->submit({[work = std::move(work), writer = writer_.get()] { return work(*writer); },
                        [&](const Status& status) {
                          const std::lock_guard lock(mutex);
                          answer = status;
                          wake.notify_one();
                        }});
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return answer.has_value(); });
    return *answer;
  }

  // The order of the members is that of closing, backwards: the writer's connection must be the last one, since only
  // such a one folds the -wal into the file when it goes, so that a copy of the file is whole.
  FileDescriptor lock_;
  std::unique_ptr<SqliteWriter> writer_;
  Guarded<SqliteReader> reader_;
  std::unique_ptr<Committer> committer_;
};

// Two programs that append to one chain would fork it; the kernel lets go of the lock when the holder dies.
Result<FileDescriptor> lock_for_writing(const std::string& path) {
  const std::string name = path + ".lock";
  FileDescriptor fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) return fail(errno_error("opening " + name, errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(errno_error("locking " + name, errno));
    return fail(ErrorCode::conflict, "opening store " + path + ": another process has it open for writing");
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(std::string_view path_text, const StoreOptions& options) {
  const std::string path(path_text);
  if (path.empty() || path.find('\0') != std::string::npos || path.starts_with("//")) {
    return fail(ErrorCode::bad_usage, "store URL: after sqlite: comes the path of a file, as sqlite:/var/lib/x.db");
  }
  const auto versions = migrations();
  const std::string doing = "opening store " + path;
  if (options.read_only) {
    auto reader = Database::open(path, Database::Access::read_only, options.busy_timeout);
    if (!reader) return fail(reader.error());
    if (Status fits = check_version(*reader, kApplicationId, versions); !fits) {
      return fail(in_context(doing, fits.error()));
    }
    return std::make_unique<SqliteStore>(std::move(*reader), nullptr, FileDescriptor(), 0);
  }
  auto lock = lock_for_writing(path);
  if (!lock) return fail(lock.error());
  auto database = Database::open(path, Database::Access::read_write_create, options.busy_timeout);
  if (!database) return fail(database.error());
  if (Status migrated = migrate(*database, kApplicationId, versions); !migrated) {
    return fail(in_context(doing, migrated.error()));
  }
  auto writer = SqliteWriter::open(std::move(*database), options.instance);
  if (!writer) return fail(in_context(doing, writer.error()));
  auto reader = Database::open(path, Database::Access::read_only, options.busy_timeout);
  if (!reader) return fail(reader.error());
  return std::make_unique<SqliteStore>(std::move(*reader), std::move(*writer), std::move(*lock), options.soon_capacity);
}

}  // namespace postern::store
