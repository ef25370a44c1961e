#include "hooks/deploy/sqlite_journal.h"

#include <fmt/core.h>

#include <array>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/guarded.h"
#include "gateway/store/sqlite_database.h"

namespace postern::deploy {

namespace sql {
extern const std::string_view _0001_journal_sql;
}

namespace {

using store::Database;
using store::Statement;

constexpr std::int32_t kApplicationId = 0x504a4c31;  // "PJL1"

std::int64_t millis(WallTime time) { return time.time_since_epoch().count(); }
WallTime from_millis(std::int64_t value) { return WallTime(std::chrono::milliseconds(value)); }

constexpr std::string_view kColumns =
    "name, repository, ref, service, deployed, deployed_at, state, reason, message, since, tip, plan, failed, pinned, "
    "rollback_to, undo, asked";

EnvironmentRecord read_environment(const Statement& row) {
  EnvironmentRecord record;
  record.name = row.text(0);
  record.repository = row.text(1);
  record.ref = row.text(2);
  record.service = row.text(3);
  record.deployed = row.text(4);
  record.deployed_at = from_millis(row.integer(5));
  record.state = parse_state(row.text(6)).value_or(State::idle);
  record.reason = row.text(7);
  record.message = row.text(8);
  record.since = from_millis(row.integer(9));
  record.tip = row.text(10);
  record.plan = row.text(11);
  record.failed = row.text(12);
  record.pinned = row.integer(13) != 0;
  record.rollback_to = row.text(14);
  record.undo = row.text(15);
  record.asked = row.integer(16);
  return record;
}

// Binds values in order: numbers and texts. The texts outlive the statement's run.
template <class... Values>
Status run(Database& database, std::string_view sql, const Values&... values) {
  auto statement = database.prepare(sql);
  if (!statement) return fail(statement.error());
  int index = 0;
  const auto bind = [&](const auto& value) {
    if constexpr (std::is_convertible_v<decltype(value), std::string_view>) {
      statement->bind(index++, std::string_view(value));
    } else {
      statement->bind(index++, static_cast<std::int64_t>(value));
    }
  };
  (bind(values), ...);
  return statement->run();
}

class SqliteJournal final : public Journal {
 public:
  explicit SqliteJournal(Database database) : database_(std::move(database)) {}

  Result<std::optional<EnvironmentRecord>> environment(std::string_view name) override {
    auto database = database_.lock();
    return find(*database, name);
  }

  Result<std::vector<EnvironmentRecord>> environments() override {
    auto database = database_.lock();
    auto statement = database->prepare(fmt::format("SELECT {} FROM environment ORDER BY name", kColumns));
    if (!statement) return fail(statement.error());
    std::vector<EnvironmentRecord> records;
    for (;;) {
      auto row = statement->step();
      if (!row) return fail(row.error());
      if (!*row) return records;
      records.push_back(read_environment(*statement));
    }
  }

  Status adopt(const EnvironmentRecord& adopted, std::string_view asked_by, WallTime now) override {
    return transaction([&](Database& database) -> Status {
      auto status = run(database,
                        "INSERT INTO environment (name, repository, ref, service, deployed, deployed_at, state, since, "
                        "tip, message, asked) VALUES (?, ?, ?, ?, ?, ?, 'idle', ?, ?, 'adopted', 1) "
                        "ON CONFLICT (name) DO UPDATE SET repository=excluded.repository, ref=excluded.ref, "
                        "service=excluded.service, deployed=excluded.deployed, deployed_at=excluded.deployed_at, "
                        "state='idle', reason='', message='adopted', since=excluded.since, tip=excluded.tip, plan='', "
                        "failed='', pinned=0, rollback_to='', undo='', asked=environment.asked+1",
                        adopted.name, adopted.repository, adopted.ref, adopted.service, adopted.deployed, millis(now),
                        millis(now), adopted.deployed);
      if (!status) return status;
      status = run(database, "DELETE FROM before_image WHERE environment=?", adopted.name);
      if (!status) return status;
      // Earlier commits belong to another history, or to one that a person judged anew.
      status = run(database, "DELETE FROM healthy WHERE environment=?", adopted.name);
      if (!status) return status;
      status = run(database, "INSERT INTO healthy VALUES (?, ?, ?)", adopted.name, adopted.deployed, millis(now));
      if (!status) return status;
      return asked(database, adopted.name, "adopt", adopted.deployed, asked_by, now);
    });
  }

  Status ask_retry(std::string_view name, std::string_view asked_by, WallTime now) override {
    return transaction([&](Database& database) -> Status {
      if (auto known = must_know(database, name); !known) return known;
      auto status = run(database,
                        "UPDATE environment SET failed='', pinned=0, rollback_to='', state='idle', reason='', "
                        "message='asked to try again', since=?, asked=asked+1 WHERE name=?",
                        millis(now), name);
      if (!status) return status;
      return asked(database, name, "retry", "", asked_by, now);
    });
  }

  Status ask_rollback(std::string_view name, std::string_view commit, std::string_view asked_by,
                      WallTime now) override {
    return transaction([&](Database& database) -> Status {
      if (auto known = must_know(database, name); !known) return known;
      auto healthy = is_healthy(database, name, commit);
      if (!healthy) return fail(healthy.error());
      if (!*healthy) {
        return fail(ErrorCode::bad_usage, fmt::format("{} was never healthy in {}; a rollback goes only to a commit "
                                                      "that was",
                                                      printable(commit, 64), name));
      }
      auto status = run(database, "UPDATE environment SET rollback_to=?, asked=asked+1 WHERE name=?", commit, name);
      if (!status) return status;
      return asked(database, name, "rollback", commit, asked_by, now);
    });
  }

  Status set_state(std::string_view name, const NewState& state, const std::optional<json::Value>& outcome,
                   WallTime now) override {
    return transaction([&](Database& database) -> Status {
      if (auto status = write_state(database, name, state, now); !status) return status;
      return put_outcome(database, outcome);
    });
  }

  Result<std::int64_t> begin_run(std::string_view name, const Plan& plan, WallTime now) override {
    std::int64_t id = 0;
    auto status = transaction([&](Database& database) -> Status {
      auto inserted =
          run(database, "INSERT INTO run (environment, from_commit, to_commit, plan, begun) VALUES (?,?,?,?,?)", name,
              plan.from, plan.to, plan.digest, millis(now));
      id = database.last_insert_id();
      return inserted;
    });
    if (!status) return fail(status.error());
    return id;
  }

  Status begin_step(std::int64_t run_id, unsigned number, const Step& step, std::string_view name,
                    const BeforeImage& before, WallTime now) override {
    return transaction([&](Database& database) -> Status {
      auto status =
          run(database, "INSERT INTO step (run, number, action, resource, file, sha256, begun) VALUES (?,?,?,?,?,?,?)",
              run_id, number, to_string(step.action), step.resource.arm_path, step.resource.file,
              hex_encode(as_view(sha256(step.text))), millis(now));
      if (!status) return status;
      auto statement = database.prepare("INSERT OR IGNORE INTO before_image VALUES (?,?,?,?,?,?,?)");
      if (!statement) return fail(statement.error());
      const std::string key = resource_key(before.resource.arm_path);
      statement->bind(0, name)
          .bind(1, std::string_view(key))
          .bind(2, std::string_view(before.resource.arm_path))
          .bind(3, policy::to_string(before.resource.scope))
          .bind(4, std::string_view(before.resource.file))
          .bind(5, static_cast<std::int64_t>(before.existed))
          .bind_blob(6, before.value);
      return statement->run();
    });
  }

  Status end_step(std::int64_t run_id, unsigned number, std::string_view result, WallTime now) override {
    return transaction([&](Database& database) {
      return run(database, "UPDATE step SET ended=?, result=? WHERE run=? AND number=?", millis(now), result, run_id,
                 number);
    });
  }

  Status end_run(std::int64_t run_id, std::string_view result, WallTime now) override {
    return transaction([&](Database& database) {
      return run(database, "UPDATE run SET ended=?, result=? WHERE id=?", millis(now), result, run_id);
    });
  }

  Status deployed(std::string_view name, std::string_view commit, const NewState& state,
                  const std::optional<json::Value>& outcome, WallTime now) override {
    return transaction([&](Database& database) -> Status {
      auto status =
          run(database,
              "UPDATE environment SET deployed=?, deployed_at=?, failed='', pinned=?, rollback_to='', undo='' "
              "WHERE name=?",
              commit, millis(now), state.state == State::pinned, name);
      if (!status) return status;
      status = run(database, "INSERT OR REPLACE INTO healthy VALUES (?,?,?)", name, commit, millis(now));
      if (!status) return status;
      status = run(database, "DELETE FROM before_image WHERE environment=?", name);
      if (!status) return status;
      if (status = write_state(database, name, state, now); !status) return status;
      return put_outcome(database, outcome);
    });
  }

  Status begin_undo(std::string_view name, std::string_view why, std::string_view failed_commit,
                    std::string_view message, const std::optional<json::Value>& outcome, WallTime now) override {
    return transaction([&](Database& database) -> Status {
      auto status =
          run(database,
              "UPDATE environment SET undo=?, failed=?, message=?, state='failed', reason='', since=? WHERE name=?",
              why, failed_commit, message, millis(now), name);
      if (!status) return status;
      return put_outcome(database, outcome);
    });
  }

  Status end_undo(std::string_view name, const NewState& state, const std::optional<json::Value>& outcome,
                  WallTime now) override {
    return transaction([&](Database& database) -> Status {
      auto status = run(database, "UPDATE environment SET undo='' WHERE name=?", name);
      if (!status) return status;
      status = run(database, "DELETE FROM before_image WHERE environment=?", name);
      if (!status) return status;
      if (status = write_state(database, name, state, now); !status) return status;
      return put_outcome(database, outcome);
    });
  }

  Result<std::vector<BeforeImage>> before_images(std::string_view name) override {
    auto database = database_.lock();
    auto statement = database->prepare(
        "SELECT resource, scope, file, existed, value FROM before_image WHERE environment=? ORDER BY key");
    if (!statement) return fail(statement.error());
    statement->bind(0, name);
    std::vector<BeforeImage> images;
    for (;;) {
      auto row = statement->step();
      if (!row) return fail(row.error());
      if (!*row) return images;
      BeforeImage image;
      image.resource.arm_path = statement->text(0);
      image.resource.scope = parse_scope(statement->text(1));
      image.resource.file = statement->text(2);
      image.existed = statement->integer(3) != 0;
      image.value = statement->text(4);
      images.push_back(std::move(image));
    }
  }

  Result<bool> was_healthy(std::string_view name, std::string_view commit) override {
    auto database = database_.lock();
    return is_healthy(*database, name, commit);
  }

  Result<std::vector<OutboxItem>> unacknowledged(std::size_t limit) override {
    auto database = database_.lock();
    auto statement = database->prepare("SELECT id, body FROM outcome WHERE acknowledged=0 ORDER BY number LIMIT ?");
    if (!statement) return fail(statement.error());
    statement->bind(0, static_cast<std::int64_t>(limit));
    std::vector<OutboxItem> items;
    for (;;) {
      auto row = statement->step();
      if (!row) return fail(row.error());
      if (!*row) return items;
      items.push_back({std::string(statement->text(0)), std::string(statement->text(1))});
    }
  }

  Status acknowledge(std::string_view id) override {
    return transaction(
        [&](Database& database) { return run(database, "UPDATE outcome SET acknowledged=1 WHERE id=?", id); });
  }

 private:
  static policy::Scope parse_scope(std::string_view text) {
    using policy::Scope;
    for (const Scope scope : {Scope::global, Scope::workspace, Scope::product, Scope::api, Scope::operation,
                              Scope::resolver, Scope::fragment}) {
      if (policy::to_string(scope) == text) return scope;
    }
    return Scope::unknown;
  }

  template <class Body>
  Status transaction(Body body) {
    auto database = database_.lock();
    if (auto begun = database->execute("BEGIN IMMEDIATE"); !begun) return begun;
    Status status = body(*database);
    if (status) status = database->execute("COMMIT");
    if (!status && database->in_transaction()) (void)database->execute("ROLLBACK");
    return status;
  }

  static Result<std::optional<EnvironmentRecord>> find(Database& database, std::string_view name) {
    auto statement = database.prepare(fmt::format("SELECT {} FROM environment WHERE name=?", kColumns));
    if (!statement) return fail(statement.error());
    statement->bind(0, name);
    auto row = statement->step();
    if (!row) return fail(row.error());
    if (!*row) return std::optional<EnvironmentRecord>();
    return std::optional(read_environment(*statement));
  }

  static Status must_know(Database& database, std::string_view name) {
    auto found = find(database, name);
    if (!found) return fail(found.error());
    if (*found) return {};
    return fail(ErrorCode::not_found, fmt::format("environment {} is not adopted; first: postern-deploy adopt "
                                                  "--environment {}",
                                                  name, name));
  }

  static Result<bool> is_healthy(Database& database, std::string_view name, std::string_view commit) {
    auto statement = database.prepare("SELECT 1 FROM healthy WHERE environment=? AND commit_id=?");
    if (!statement) return fail(statement.error());
    statement->bind(0, name).bind(1, commit);
    return statement->step();
  }

  static Status asked(Database& database, std::string_view name, std::string_view what, std::string_view commit,
                      std::string_view by, WallTime now) {
    return run(database, "INSERT INTO request (environment, at, what, commit_id, asked_by) VALUES (?,?,?,?,?)", name,
               millis(now), what, commit, by);
  }

  static Status write_state(Database& database, std::string_view name, const NewState& state, WallTime now) {
    return run(database,
               "UPDATE environment SET since=CASE WHEN state=?1 AND reason=?2 AND message=?3 THEN since ELSE ?4 END, "
               "state=?1, reason=?2, message=?3, tip=?5, plan=?6 WHERE name=?7",
               to_string(state.state), state.reason, state.message, millis(now), state.tip, state.plan, name);
  }

  static Status put_outcome(Database& database, const std::optional<json::Value>& outcome) {
    if (!outcome) return {};
    const std::string* id = outcome->find_string("id");
    if (id == nullptr) return fail(ErrorCode::internal, "an outcome without an id");
    return run(database, "INSERT OR IGNORE INTO outcome (id, body) VALUES (?,?)", *id, json::dump(*outcome));
  }

  Guarded<Database> database_;
};

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite_journal(std::string_view path, const JournalOptions& options) {
  const std::array migrations = {store::Migration{1, sql::_0001_journal_sql}};
  const std::string file(path);
  auto database =
      Database::open(file, options.read_only ? Database::Access::read_only : Database::Access::read_write_create,
                     std::chrono::seconds(10));
  if (!database) return fail(database.error());
  const Status ready = options.read_only ? store::check_version(*database, kApplicationId, migrations)
                                         : store::migrate(*database, kApplicationId, migrations);
  if (!ready) return fail(in_context("[deploy] store " + file, ready.error()));
  return std::make_unique<SqliteJournal>(std::move(*database));
}

}  // namespace postern::deploy
