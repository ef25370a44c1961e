#include "gateway/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/base/guarded.h"
#include "gateway/base/log.h"
#include "gateway/store/committer.h"
#include "gateway/store/push_record.h"
#include "gateway/store/sqlite_database.h"

namespace postern::store {

namespace sql {
extern const std::string_view _0001_core_sql;
}

namespace {

constexpr std::int32_t kApplicationId = 0x504f5354;  // "POST", in the file's header
constexpr std::size_t kMaxPage = 1000;
constexpr std::size_t kRowsAtOnce = 16;
constexpr std::size_t kCommitsPerPage = 10000;

std::array<Migration, 1> migrations() { return {Migration{1, sql::_0001_core_sql}}; }

WallTime time_of(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

Sha256 digest_of(std::string_view bytes) {
  Sha256 digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

// ---- writing: everything below runs on the committer thread ------------------------------------------------------

class Writer final : public CommitTarget {
 public:
  static Result<std::unique_ptr<Writer>> open(Database database, const std::string& instance);

  Status begin() override {
    if (stale_) {
      if (Status loaded = load_head(); !loaded) return loaded;
    }
    return begin_.run();
  }
  Status commit() override {
    if (Status written = write_waiting(); !written) return written;
    return commit_.run();
  }
  void abandon() override {
    waiting_.clear();
    if (database_.in_transaction()) (void)database_.execute("ROLLBACK");
    stale_ = true;  // the head in memory counts records that are not there
    newest_push_ = 0;
  }
  void committed() override {
    if (newest_push_ == 0) return;
    const Seq newest = std::exchange(newest_push_, 0);
    last_push_seq = newest;
    const auto listener = *on_accepted.lock();
    if (listener) listener(newest);
  }

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
  explicit Writer(Database database) : database_(std::move(database)), chain_(std::string()) {}
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

Result<std::unique_ptr<Writer>> Writer::open(Database database, const std::string& instance) {
  std::unique_ptr<Writer> writer(new Writer(std::move(database)));
  auto find = writer->database_.prepare("SELECT id FROM chain WHERE instance = ?");
  if (!find) return fail(find.error());
  find->bind(0, instance);
  auto row = find->step();
  if (!row) return fail(row.error());
  if (*row) {
    writer->chain_id_ = find->text(0);
    find->reset();
  } else {
    writer->chain_id_ = hex_encode(random_bytes(16));
    auto insert = writer->database_.prepare("INSERT INTO chain (id, instance, created_at) VALUES (?, ?, ?)");
    if (!insert) return fail(insert.error());
    const std::int64_t now = SystemClock().wall().time_since_epoch().count();
    insert->bind(0, writer->chain_id_).bind(1, instance).bind(2, now);
    if (Status made = insert->run(); !made) return fail(made.error());
  }
  if (Status prepared = writer->prepare_all(); !prepared) return fail(prepared.error());
  if (Status loaded = writer->load_head(); !loaded) return fail(loaded.error());
  auto newest = writer->database_.prepare("SELECT coalesce(max(seq), 0) FROM accepted_ref");
  if (!newest) return fail(newest.error());
  row = newest->step();
  if (!row) return fail(row.error());
  writer->last_push_seq = newest->integer(0);
  return writer;
}

std::string insert_records(std::size_t rows) {
  std::string sql =
      "INSERT INTO record (id, chain, seq, previous, hash, bytes, at, kind, request, who, repository) VALUES ";
  for (std::size_t i = 0; i < rows; ++i) {
    sql += i == 0 ? "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  }
  return sql;
}

Status Writer::prepare_all() {
  const std::array<std::pair<Statement*, std::string>, 15> all = {{
      {&insert_record_, insert_records(1)},
      {&insert_records_, insert_records(kRowsAtOnce)},
      {&load_last_record_, "SELECT coalesce(max(id), 0) FROM record"},
      {&find_push_, "SELECT intent, outcome, repository, last_accepted FROM push WHERE id = ?"},
      {&insert_push_,
       "INSERT INTO push (id, intent, outcome, repository, sponsor, direct, link, truncated, last_accepted) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)"},
      {&settle_push_, "UPDATE push SET outcome = ?, truncated = ?, last_accepted = ? WHERE id = ?"},
      {&insert_ref_,
       "INSERT INTO accepted_ref (push, repository, ref, old_id, new_id, forced) VALUES (?, ?, ?, ?, ?, ?)"},
      {&insert_commit_, "INSERT OR IGNORE INTO push_commit (repository, commit_id, seq, position) VALUES (?, ?, ?, ?)"},
      {&find_deployment_, "SELECT digest, record FROM deployment WHERE id = ?"},
      {&insert_deployment_, "INSERT INTO deployment (id, digest, record) VALUES (?, ?, ?)"},
      {&insert_checkpoint_, "INSERT INTO checkpoint (number, jws, witnessed) VALUES (?, ?, 0)"},
      {&mark_witnessed_, "UPDATE checkpoint SET witnessed = 1 WHERE number = ?"},
      {&load_head_, "SELECT seq, hash FROM record WHERE chain = ? ORDER BY seq DESC LIMIT 1"},
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
  }};
  for (const auto& [place, text] : all) {
    auto statement = database_.prepare(text);
    if (!statement) return fail(statement.error());
    *place = std::move(*statement);
  }
  return {};
}

Status Writer::load_head() {
  load_head_.bind(0, chain_id_);
  const auto row = load_head_.step();
  if (!row) return fail(row.error());
  chain_ = *row ? audit::AuditChain(audit::Head{chain_id_, load_head_.integer(0), digest_of(load_head_.text(1))})
                : audit::AuditChain(chain_id_);
  load_head_.reset();
  const auto newest = load_last_record_.step();
  if (!newest) return fail(newest.error());
  last_record_ = load_last_record_.integer(0);
  load_last_record_.reset();
  stale_ = false;
  return {};
}

// Opening a table and five indexes costs about as much as a row in them: so records go in many at a time.
Result<Seq> Writer::append(const PreparedRecord& prepared) {
  waiting_.push_back({chain_.append(prepared.bytes), &prepared});
  const Seq id = ++last_record_;
  if (waiting_.size() == kRowsAtOnce) {
    if (Status written = write_waiting(); !written) return fail(written.error());
  }
  return id;
}

// For records that another table refers to.
Result<Seq> Writer::append_now(const PreparedRecord& prepared) {
  const auto id = append(prepared);
  if (!id) return id;
  if (Status written = write_waiting(); !written) return fail(written.error());
  return id;
}

Status Writer::write_waiting() {
  Seq id = last_record_ - static_cast<Seq>(waiting_.size());
  const bool all = waiting_.size() == kRowsAtOnce;
  Statement& statement = all ? insert_records_ : insert_record_;
  int at = 0;
  for (const auto& [record, prepared] : waiting_) {
    statement.bind(at, ++id)
        .bind(at + 1, record.chain)
        .bind(at + 2, record.seq)
        .bind_blob(at + 3, as_view(record.previous))
        .bind_blob(at + 4, as_view(record.hash))
        .bind_blob(at + 5, record.bytes)
        .bind(at + 6, prepared->at_millis)
        .bind(at + 7, prepared->kind)
        .bind(at + 8, prepared->request)
        .bind(at + 9, prepared->who)
        .bind(at + 10, prepared->repository);
    if (all) {
      at += 11;
    } else if (Status inserted = statement.run(); !inserted) {
      return inserted;
    }
  }
  if (all) {
    if (Status inserted = statement.run(); !inserted) return inserted;
  }
  waiting_.clear();
  return {};
}

Result<Result<Seq>> Writer::begin_push(const PushIntent& intent, const PreparedRecord& prepared) {
  find_push_.bind(0, intent.id);
  const auto row = find_push_.step();
  find_push_.reset();
  if (!row) return fail(row.error());
  if (*row) return Result<Seq>(fail(ErrorCode::conflict, "push " + printable(intent.id, 80) + " was begun before"));
  const auto record = append_now(prepared);
  if (!record) return fail(record.error());
  insert_push_.bind(0, intent.id)
      .bind(1, *record)
      .bind_null(2)
      .bind(3, prepared.repository)
      .bind(4, intent.sponsor)
      .bind(5, std::int64_t{0})
      .bind(6, std::int64_t{1})
      .bind(7, std::int64_t{0});
  if (Status inserted = insert_push_.run(); !inserted) return fail(inserted.error());
  return Result<Seq>(*record);
}

// Rows for what was accepted; the seq of the last one, 0 for none.
Result<Seq> Writer::accept_refs(const PushOutcome& outcome, std::string_view repository) {
  Seq first = 0;
  Seq last = 0;
  for (const RefOutcome& ref : outcome.refs) {
    if (ref.outcome != Outcome::accepted) continue;
    insert_ref_.bind(0, outcome.id)
        .bind(1, repository)
        .bind_blob(2, ref.command.ref)
        .bind(3, ref.command.old_id.hex())
        .bind(4, ref.command.new_id.hex())
        .bind(5, std::int64_t{ref.forced});
    if (Status inserted = insert_ref_.run(); !inserted) return fail(inserted.error());
    last = database_.last_insert_id();
    if (first == 0) first = last;
  }
  if (first == 0) return Seq{0};
  std::int64_t position = 0;
  for (const std::string& commit : outcome.new_commits) {
    const auto bytes = hex_decode(commit);
    if (!bytes) return fail(bytes.error());
    insert_commit_.bind(0, repository).bind_blob(1, *bytes).bind(2, first).bind(3, position++);
    if (Status inserted = insert_commit_.run(); !inserted) return fail(inserted.error());
  }
  newest_push_ = last;
  return last;
}

Result<Result<Settled>> Writer::settle(const PushOutcome& outcome, const PreparedRecord& prepared) {
  find_push_.bind(0, outcome.id);
  const auto row = find_push_.step();
  if (!row) return fail(row.error());
  const bool settled = *row && !find_push_.is_null(1);
  const Settled before{settled ? find_push_.integer(1) : 0, settled ? find_push_.integer(3) : 0, false};
  const std::string repository(*row ? find_push_.text(2) : std::string_view());
  find_push_.reset();
  if (!*row) {
    return Result<Settled>(fail(ErrorCode::not_found, "push " + printable(outcome.id, 80) + " was never begun"));
  }
  if (settled) return Result<Settled>(before);
  const auto record = append_now(prepared);
  if (!record) return fail(record.error());
  const auto last = accept_refs(outcome, repository);
  if (!last) return fail(last.error());
  settle_push_.bind(0, *record).bind(1, std::int64_t{outcome.truncated}).bind(2, *last).bind(3, outcome.id);
  if (Status updated = settle_push_.run(); !updated) return fail(updated.error());
  return Result<Settled>(Settled{*record, *last, true});
}

Result<Result<Settled>> Writer::direct(const PushOutcome& write, bool link, const PreparedRecord& prepared) {
  find_push_.bind(0, write.id);
  const auto row = find_push_.step();
  if (!row) return fail(row.error());
  const bool settled = *row && !find_push_.is_null(1);
  const Settled before{settled ? find_push_.integer(1) : 0, settled ? find_push_.integer(3) : 0, false};
  find_push_.reset();
  if (settled) return Result<Settled>(before);
  if (*row) {
    return Result<Settled>(fail(ErrorCode::conflict, "direct write " + printable(write.id, 80) + " has a push's id"));
  }
  const auto record = append_now(prepared);
  if (!record) return fail(record.error());
  insert_push_.bind(0, write.id)
      .bind_null(1)
      .bind(2, *record)
      .bind(3, prepared.repository)
      .bind(4, write.sponsor)
      .bind(5, std::int64_t{1})
      .bind(6, std::int64_t{link})
      .bind(7, std::int64_t{write.truncated});
  if (Status inserted = insert_push_.run(); !inserted) return fail(inserted.error());
  const auto last = accept_refs(write, prepared.repository);
  if (!last) return fail(last.error());
  settle_push_.bind(0, *record).bind(1, std::int64_t{write.truncated}).bind(2, *last).bind(3, write.id);
  if (Status updated = settle_push_.run(); !updated) return fail(updated.error());
  return Result<Settled>(Settled{*record, *last, true});
}

Result<Result<Settled>> Writer::deploy(const Deployment& deployment, const PreparedRecord& prepared) {
  const Sha256 digest = deployment_digest(deployment);
  find_deployment_.bind(0, deployment.id);
  const auto row = find_deployment_.step();
  if (!row) return fail(row.error());
  const bool same = *row && find_deployment_.text(0) == as_view(digest);
  const Settled before{*row ? find_deployment_.integer(1) : 0, 0, false};
  find_deployment_.reset();
  if (*row && !same) {
    return Result<Settled>(fail(ErrorCode::conflict, "deployment " + printable(deployment.id, 80) +
                                                         " was reported before, with another outcome"));
  }
  if (*row) return Result<Settled>(before);
  const auto record = append_now(prepared);
  if (!record) return fail(record.error());
  insert_deployment_.bind(0, deployment.id).bind_blob(1, as_view(digest)).bind(2, *record);
  if (Status inserted = insert_deployment_.run(); !inserted) return fail(inserted.error());
  return Result<Settled>(Settled{*record, 0, true});
}

Status Writer::add_checkpoint(const StoredCheckpoint& checkpoint) {
  return insert_checkpoint_.bind(0, checkpoint.number).bind(1, checkpoint.jws).run();
}

Status Writer::mark_witnessed(std::int64_t number) { return mark_witnessed_.bind(0, number).run(); }

// ---- reading -----------------------------------------------------------------------------------------------------

// Rows of one query, each handed to `take`, which may fail.
template <class Take>
Status each_row(Statement& statement, Take take) {
  for (;;) {
    const auto row = statement.step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    if (Status taken = take(statement); !taken) return taken;
  }
}

constexpr std::string_view kRecordColumns = "r.id, r.chain, r.seq, r.previous, r.hash, r.bytes";

AuditRecord record_of(const Statement& row) {
  return {row.integer(0),
          {std::string(row.text(1)), row.integer(2), digest_of(row.text(3)), digest_of(row.text(4)),
           std::string(row.text(5))}};
}

constexpr std::string_view kPushSelect =
    "SELECT a.seq, a.push, a.repository, a.ref, a.old_id, a.new_id, a.forced, p.direct, p.link, p.sponsor, p.truncated,"
    " who.bytes, settled.at, (SELECT min(f.seq) FROM accepted_ref f WHERE f.push = a.push)"
    " FROM accepted_ref a JOIN push p ON p.id = a.push"
    " JOIN record settled ON settled.id = p.outcome JOIN record who ON who.id = coalesce(p.intent, p.outcome) ";

Result<AcceptedPush> push_of(const Statement& row) {
  const auto from = git::ObjectId::parse(row.text(4));
  const auto to = git::ObjectId::parse(row.text(5));
  auto entry = audit::parse_entry(row.text(11));
  if (!from || !to)
    return fail(ErrorCode::corrupt, fmt::format("store: accepted ref {}: no object id", row.integer(0)));
  if (!entry) return fail(in_context(fmt::format("store: accepted ref {}", row.integer(0)), entry.error()));
  AcceptedPush push;
  push.seq = row.integer(0);
  push.id = row.text(1);
  push.repository = row.text(2);
  push.command = {*from, *to, std::string(row.text(3))};
  push.forced = row.integer(6) != 0;
  push.direct = row.integer(7) != 0;
  push.link = row.integer(8) != 0;
  push.sponsor = row.text(9);
  push.truncated = row.integer(10) != 0;
  push.who = std::move(entry->who);
  push.rule = std::move(entry->rule);
  push.at = time_of(row.integer(12));
  return push;
}

// One connection for every question; thread-safe through its Guarded owner.
struct Reader {
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

Result<std::vector<AuditRecord>> Reader::list(const AuditQuery& query) {
  std::string text = fmt::format("SELECT {} FROM record r WHERE ", kRecordColumns);
  text += !query.newest_first ? "r.id > ?1" : "(?1 = 0 OR r.id < ?1)";
  std::vector<std::string> values;  // bound from ?2 on
  const auto add = [&](std::string_view condition, std::string value) {
    values.push_back(std::move(value));
    text += fmt::format(" AND {} ?{}", condition, values.size() + 1);
  };
  if (query.who) add("r.who =", *query.who);
  if (query.repository) add("r.repository =", *query.repository);
  if (query.request_id) add("r.request =", *query.request_id);
  if (!query.kinds.empty()) {
    text += " AND r.kind IN (";
    for (std::size_t i = 0; i < query.kinds.size(); ++i) {
      values.emplace_back(to_string(query.kinds[i]));
      text += fmt::format("{}?{}", i == 0 ? "" : ",", values.size() + 1);
    }
    text += ")";
  }
  if (query.since) text += fmt::format(" AND r.at >= {}", query.since->time_since_epoch().count());
  if (query.until) text += fmt::format(" AND r.at < {}", query.until->time_since_epoch().count());
  text +=
      fmt::format(" ORDER BY r.id {} LIMIT {}", query.newest_first ? "DESC" : "ASC", std::min(query.limit, kMaxPage));
  auto statement = database.prepare(text);
  if (!statement) return fail(statement.error());
  statement->bind(0, query.after);
  for (std::size_t i = 0; i < values.size(); ++i) {
    statement->bind(static_cast<int>(i) + 1, std::string_view(values[i]));
  }
  std::vector<AuditRecord> records;
  Status read = each_row(*statement, [&](const Statement& row) -> Status {
    records.push_back(record_of(row));
    return {};
  });
  if (!read) return fail(read.error());
  return records;
}

Result<std::vector<OpenPush>> Reader::open_pushes() {
  auto statement = database.prepare(
      "SELECT p.id, p.sponsor, r.bytes FROM push p JOIN record r ON r.id = p.intent WHERE p.outcome IS NULL "
      "ORDER BY p.intent");
  if (!statement) return fail(statement.error());
  std::vector<OpenPush> pushes;
  Status read = each_row(*statement, [&](const Statement& row) -> Status {
    auto entry = audit::parse_entry(row.text(2));
    if (!entry) return fail(entry.error());
    const auto recorded = parse_recorded_push(*entry);
    if (!recorded) return fail(recorded.error());
    OpenPush push{std::string(row.text(0)), std::string(row.text(1)), {}, std::move(*entry)};
    for (const RecordedRef& ref : recorded->refs) push.commands.push_back(ref.command);
    pushes.push_back(std::move(push));
    return {};
  });
  if (!read) return fail(read.error());
  return pushes;
}

Result<std::vector<std::string>> Reader::commits_of(Seq first_seq) {
  auto statement = database.prepare("SELECT commit_id FROM push_commit WHERE seq = ? ORDER BY position");
  if (!statement) return fail(statement.error());
  statement->bind(0, first_seq);
  std::vector<std::string> commits;
  Status read = each_row(*statement, [&](const Statement& row) -> Status {
    commits.push_back(hex_encode(row.text(0)));
    return {};
  });
  if (!read) return fail(read.error());
  return commits;
}

Result<Seq> Reader::last_push() {
  auto statement = database.prepare("SELECT coalesce(max(seq), 0) FROM accepted_ref");
  if (!statement) return fail(statement.error());
  if (const auto row = statement->step(); !row) return fail(row.error());
  return statement->integer(0);
}

Result<PushPage> Reader::accepted(const PushQuery& query) {
  PushPage page;
  // Before the rows: what is accepted meanwhile must not be skipped by the next question.
  const auto newest = last_push();
  if (!newest) return fail(newest.error());
  std::string text = std::string(kPushSelect) + "WHERE a.seq > ?1 AND a.seq <= ?2";
  if (query.repository) text += " AND a.repository = ?3";
  if (query.ref) text += " AND a.ref = ?4";
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kMaxPage);
  text += fmt::format(" ORDER BY a.seq LIMIT {}", limit + 1);
  auto statement = database.prepare(text);
  if (!statement) return fail(statement.error());
  statement->bind(0, query.after).bind(1, *newest);
  if (query.repository) statement->bind(2, std::string_view(*query.repository));
  if (query.ref) statement->bind_blob(3, *query.ref);
  std::size_t commits = 0;
  for (;;) {
    const auto row = statement->step();
    if (!row) return fail(row.error());
    if (!*row) break;
    if (page.pushes.size() == limit || commits >= kCommitsPerPage) {
      page.more = true;
      break;
    }
    auto push = push_of(*statement);
    if (!push) return fail(push.error());
    auto listed = commits_of(statement->integer(13));
    if (!listed) return fail(listed.error());
    commits += listed->size();
    push->new_commits = std::move(*listed);
    page.pushes.push_back(std::move(*push));
  }
  page.next = page.more ? page.pushes.back().seq : std::max(*newest, query.after);
  return page;
}

Result<std::vector<std::optional<AcceptedPush>>> Reader::introducers(std::string_view repository,
                                                                     std::span<const std::string> commits) {
  if (commits.size() > kMaxPage) {
    return fail(ErrorCode::limit, fmt::format("introducers: at most {} commits at once", kMaxPage));
  }
  // A direct write that is no link was nobody's accepted push: whom it brought in stays unknown.
  auto statement =
      database.prepare(std::string(kPushSelect) +
                       "WHERE a.seq = (SELECT min(c.seq) FROM push_commit c JOIN accepted_ref b ON b.seq = c.seq"
                       " JOIN push q ON q.id = b.push WHERE c.repository = ?1 AND c.commit_id = ?2 AND q.link = 1)");
  if (!statement) return fail(statement.error());
  std::vector<std::optional<AcceptedPush>> answers;
  for (const std::string& commit : commits) {
    const auto id = git::ObjectId::parse(commit);
    if (!id) return fail(id.error());
    const auto bytes = hex_decode(id->hex());
    statement->bind(0, repository).bind_blob(1, *bytes);
    const auto row = statement->step();
    if (!row) return fail(row.error());
    if (*row) {
      auto push = push_of(*statement);
      if (!push) return fail(push.error());
      answers.emplace_back(std::move(*push));
    } else {
      answers.emplace_back(std::nullopt);
    }
    statement->reset();
  }
  return answers;
}

Result<std::vector<audit::Head>> Reader::heads() {
  // Chains are few and records many: the index is walked from chain to chain.
  auto next = database.prepare("SELECT min(chain) FROM record WHERE chain > ?");
  auto last = database.prepare("SELECT seq, hash FROM record WHERE chain = ? ORDER BY seq DESC LIMIT 1");
  if (!next) return fail(next.error());
  if (!last) return fail(last.error());
  std::vector<audit::Head> heads;
  std::string chain;
  for (;;) {
    next->bind(0, std::string_view(chain));
    auto row = next->step();
    if (!row) return fail(row.error());
    if (!*row || next->is_null(0)) return heads;
    const std::string found(next->text(0));
    next->reset();
    last->bind(0, std::string_view(found));
    row = last->step();
    if (!row) return fail(row.error());
    if (*row) heads.push_back({found, last->integer(0), digest_of(last->text(1))});
    last->reset();
    chain = found;
  }
}

Result<std::vector<AuditRecord>> Reader::chain(std::string_view id, Seq from_seq, std::size_t limit) {
  auto statement = database.prepare(fmt::format(
      "SELECT {} FROM record r WHERE r.chain = ? AND r.seq >= ? ORDER BY r.seq, r.id LIMIT ?", kRecordColumns));
  if (!statement) return fail(statement.error());
  statement->bind(0, id).bind(1, from_seq).bind(2, static_cast<std::int64_t>(limit));
  std::vector<AuditRecord> records;
  Status read = each_row(*statement, [&](const Statement& row) -> Status {
    records.push_back(record_of(row));
    return {};
  });
  if (!read) return fail(read.error());
  return records;
}

Result<std::vector<StoredCheckpoint>> Reader::checkpoints(std::string_view condition) {
  auto statement = database.prepare(fmt::format("SELECT number, jws FROM checkpoint {}", condition));
  if (!statement) return fail(statement.error());
  std::vector<StoredCheckpoint> found;
  Status read = each_row(*statement, [&](const Statement& row) -> Status {
    found.push_back({row.integer(0), std::string(row.text(1))});
    return {};
  });
  if (!read) return fail(read.error());
  return found;
}

Status Reader::check_records(std::vector<std::string>& faults) {
  auto statement = database.prepare(fmt::format(
      "SELECT {}, r.at, r.kind, r.request, r.who, r.repository FROM record r ORDER BY r.id", kRecordColumns));
  if (!statement) return fail(statement.error());
  return each_row(*statement, [&](const Statement& row) -> Status {
    const auto entry = audit::parse_entry(row.text(5));
    if (!entry) return {};  // the chain's check names it
    if (row.integer(6) != entry->at.time_since_epoch().count() || row.text(7) != to_string(entry->kind) ||
        row.text(8) != entry->request_id || row.text(9) != entry->who.name || row.text(10) != entry->repository) {
      faults.push_back(
          fmt::format("record {} (chain {} seq {}): the columns it is searched by differ from what it says",
                      row.integer(0), row.text(1), row.integer(2)));
    }
    return {};
  });
}

// What a push's rows say against what its records say.
Status Reader::check_pushes(std::vector<std::string>& faults) {
  auto statement = database.prepare(
      "SELECT p.id, p.repository, p.sponsor, p.direct, p.link, p.truncated, p.last_accepted, i.bytes, o.bytes,"
      " p.intent IS NULL, p.outcome IS NULL FROM push p"
      " LEFT JOIN record i ON i.id = p.intent LEFT JOIN record o ON o.id = p.outcome ORDER BY p.rowid");
  auto refs = database.prepare(
      "SELECT seq, repository, ref, old_id, new_id, forced FROM accepted_ref WHERE push = ? ORDER BY seq");
  if (!statement) return fail(statement.error());
  if (!refs) return fail(refs.error());
  return each_row(*statement, [&](const Statement& row) -> Status {
    const std::string id(row.text(0));
    const auto differs = [&](std::string_view what) {
      faults.push_back(fmt::format("push {}: {} differs from its records", printable(id, 80), what));
      return Status{};
    };
    const bool has_intent = row.integer(9) == 0;
    const bool has_outcome = row.integer(10) == 0;
    const bool direct = row.integer(3) != 0;
    if (has_intent) {
      const auto entry = audit::parse_entry(row.text(7));
      if (!entry) return {};
      const auto recorded = parse_recorded_push(*entry);
      if (!recorded || entry->kind != audit::EntryKind::push_intent || recorded->id != id ||
          entry->repository != row.text(1) || recorded->sponsor != row.text(2) || row.integer(4) != 1) {
        return differs("its beginning");
      }
    }
    if (direct == has_intent) return differs("its kind");
    std::vector<RecordedRef> accepted;
    RecordedPush outcome;
    if (has_outcome) {
      const auto entry = audit::parse_entry(row.text(8));
      if (!entry) return {};
      const auto recorded = parse_recorded_push(*entry);
      if (!recorded || recorded->id != id || recorded->truncated != (row.integer(5) != 0) ||
          entry->kind != (direct ? audit::EntryKind::direct_write : audit::EntryKind::push_outcome) ||
          (direct && (entry->repository != row.text(1) || recorded->sponsor != row.text(2) ||
                      recorded->link != (row.integer(4) != 0)))) {
        return differs("its outcome");
      }
      outcome = *recorded;
      for (const RecordedRef& ref : recorded->refs) {
        if (ref.outcome == to_string(Outcome::accepted)) accepted.push_back(ref);
      }
    }
    std::size_t at = 0;
    bool same = true;
    Seq first = 0;
    Seq last = 0;
    refs->bind(0, std::string_view(id));
    Status read = each_row(*refs, [&](const Statement& ref) -> Status {
      if (at >= accepted.size() || ref.text(1) != row.text(1) || ref.text(2) != accepted[at].command.ref ||
          ref.text(3) != accepted[at].command.old_id.hex() || ref.text(4) != accepted[at].command.new_id.hex() ||
          (ref.integer(5) != 0) != accepted[at].forced) {
        same = false;
      }
      ++at;
      last = ref.integer(0);
      if (first == 0) first = last;
      return {};
    });
    refs->reset();
    if (!read) return read;
    if (!same || at != accepted.size() || last != row.integer(6)) return differs("its accepted refs");
    if (first != 0) {
      const auto commits = commits_of(first);
      if (!commits) return fail(commits.error());
      if (static_cast<std::int64_t>(commits->size()) != outcome.commit_count ||
          commits_digest(*commits) != outcome.commit_digest) {
        return differs("its list of new commits");
      }
    }
    return {};
  });
}

Status Reader::check_links(std::vector<std::string>& faults) {
  struct Question {
    std::string_view sql;
    std::string_view message;
  };
  const std::array<Question, 4> questions = {{
      {"SELECT r.id FROM record r WHERE r.kind = 'push.intent' AND NOT EXISTS"
       " (SELECT 1 FROM push p WHERE p.intent = r.id)",
       "record {}: the push it began is not in the table"},
      {"SELECT r.id FROM record r WHERE r.kind IN ('push.outcome', 'direct.write') AND NOT EXISTS"
       " (SELECT 1 FROM push p WHERE p.outcome = r.id)",
       "record {}: the push it settled is not in the table"},
      {"SELECT r.id FROM record r WHERE r.kind = 'deploy.outcome' AND NOT EXISTS"
       " (SELECT 1 FROM deployment d WHERE d.record = r.id)",
       "record {}: the deployment it tells of is not in the table"},
      {"SELECT a.seq FROM accepted_ref a WHERE NOT EXISTS (SELECT 1 FROM push p WHERE p.id = a.push)",
       "accepted ref {}: its push is not in the table"},
  }};
  for (const Question& question : questions) {
    auto statement = database.prepare(question.sql);
    if (!statement) return fail(statement.error());
    Status read = each_row(*statement, [&](const Statement& row) -> Status {
      faults.push_back(fmt::format(fmt::runtime(question.message), row.integer(0)));
      return {};
    });
    if (!read) return read;
  }
  for (const std::string_view pragma : {"PRAGMA integrity_check(20)", "PRAGMA foreign_key_check"}) {
    auto statement = database.prepare(pragma);
    if (!statement) return fail(statement.error());
    Status read = each_row(*statement, [&](const Statement& row) -> Status {
      if (row.text(0) != "ok") faults.push_back(fmt::format("{}: {}", pragma, printable(row.text(0), 300)));
      return {};
    });
    if (!read) return read;
  }
  return {};
}

Result<std::vector<std::string>> Reader::check() {
  // One snapshot: the gateway may be writing.
  if (Status begun = database.execute("BEGIN"); !begun) return fail(begun.error());
  std::vector<std::string> faults;
  Status checked = check_records(faults);
  if (checked) checked = check_pushes(faults);
  if (checked) checked = check_links(faults);
  (void)database.execute("COMMIT");
  if (!checked) return fail(checked.error());
  return faults;
}

// ---- the store ---------------------------------------------------------------------------------------------------

class SqliteStore final : public Store {
 public:
  SqliteStore(Database reader, std::unique_ptr<Writer> writer, FileDescriptor lock, std::size_t soon_capacity)
      : lock_(std::move(lock)), writer_(std::move(writer)), reader_(Reader{std::move(reader)}) {
    if (writer_) committer_ = std::make_unique<Committer>(*writer_, soon_capacity);
  }
  ~SqliteStore() override { close(); }

  void append(audit::AuditEntry entry, Appended done) override {
    write<Seq>(prepare(entry), std::move(done),
               [](Writer& writer, const PreparedRecord& prepared) { return wrap(writer.append(prepared)); });
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
               [intent = std::move(intent)](Writer& writer, const PreparedRecord& record) {
                 return writer.begin_push(intent, record);
               });
  }

  void settle_push(PushOutcome outcome, SettledFn done) override {
    auto prepared = prepare_outcome(outcome);
    write<Settled>(std::move(prepared), std::move(done),
                   [outcome = std::move(outcome)](Writer& writer, const PreparedRecord& record) {
                     return writer.settle(outcome, record);
                   });
  }

  void record_direct(PushOutcome outcome, bool link, SettledFn done) override {
    auto prepared = prepare_direct(outcome, link);
    write<Settled>(std::move(prepared), std::move(done),
                   [outcome = std::move(outcome), link](Writer& writer, const PreparedRecord& record) {
                     return writer.direct(outcome, link, record);
                   });
  }

  void record_deployment(Deployment deployment, audit::AuditEntry entry,
                         std::function<void(Result<Settled>)> done) override {
    auto prepared = prepare_deployment(deployment, std::move(entry));
    write<Settled>(std::move(prepared), std::move(done),
                   [deployment = std::move(deployment)](Writer& writer, const PreparedRecord& record) {
                     return writer.deploy(deployment, record);
                   });
  }

  Status add_checkpoint(const StoredCheckpoint& checkpoint) override {
    return write_and_wait([checkpoint](Writer& writer) { return writer.add_checkpoint(checkpoint); });
  }
  Status mark_witnessed(std::int64_t number) override {
    return write_and_wait([number](Writer& writer) { return writer.mark_witnessed(number); });
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

  Status write_and_wait(std::function<Status(Writer&)> work) {
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
  std::unique_ptr<Writer> writer_;
  Guarded<Reader> reader_;
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
  auto writer = Writer::open(std::move(*database), options.instance);
  if (!writer) return fail(in_context(doing, writer.error()));
  auto reader = Database::open(path, Database::Access::read_only, options.busy_timeout);
  if (!reader) return fail(reader.error());
  return std::make_unique<SqliteStore>(std::move(*reader), std::move(*writer), std::move(*lock), options.soon_capacity);
}

}  // namespace postern::store
