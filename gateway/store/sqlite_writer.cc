#include "gateway/store/sqlite_writer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"

namespace postern::store {
namespace {

constexpr std::size_t kRowsAtOnce = 16;

std::string insert_records(std::size_t rows) {
  std::string sql =
      "INSERT INTO record (id, chain, seq, previous, hash, bytes, at, kind, request, who, repository) VALUES ";
  for (std::size_t i = 0; i < rows; ++i) {
    sql += i == 0 ? "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  }
  return sql;
}

}  // namespace

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::open(Database database, const std::string& instance) {
  std::unique_ptr<SqliteWriter> writer(new SqliteWriter(std::move(database)));
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

Status SqliteWriter::prepare_all() {
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

Status SqliteWriter::load_head() {
  load_head_.bind(0, chain_id_);
  const auto row = load_head_.step();
  if (!row) return fail(row.error());
  chain_ = *row ? audit::AuditChain(audit::Head{chain_id_, load_head_.integer(0), load_head_.digest(1)})
                : audit::AuditChain(chain_id_);
  load_head_.reset();
  const auto newest = load_last_record_.step();
  if (!newest) return fail(newest.error());
  last_record_ = load_last_record_.integer(0);
  load_last_record_.reset();
  stale_ = false;
  return {};
}

Status SqliteWriter::begin() {
  if (stale_) {
    if (Status loaded = load_head(); !loaded) return loaded;
  }
  return begin_.run();
}

Status SqliteWriter::commit() {
  if (Status written = write_waiting(); !written) return written;
  return commit_.run();
}

void SqliteWriter::abandon() {
  waiting_.clear();
  if (database_.in_transaction()) (void)database_.execute("ROLLBACK");
  stale_ = true;  // the head in memory counts records that are not there
  newest_push_ = 0;
}

void SqliteWriter::committed() {
  if (newest_push_ == 0) return;
  const Seq newest = std::exchange(newest_push_, 0);
  last_push_seq = newest;
  const auto listener = *on_accepted.lock();
  if (listener) listener(newest);
}

// Opening a table and five indexes costs about as much as a row in them: so records go in many at a time.
Result<Seq> SqliteWriter::append(const PreparedRecord& prepared) {
  waiting_.push_back({chain_.append(prepared.bytes), &prepared});
  const Seq id = ++last_record_;
  if (waiting_.size() == kRowsAtOnce) {
    if (Status written = write_waiting(); !written) return fail(written.error());
  }
  return id;
}

// For records that another table refers to.
Result<Seq> SqliteWriter::append_now(const PreparedRecord& prepared) {
  const auto id = append(prepared);
  if (!id) return id;
  if (Status written = write_waiting(); !written) return fail(written.error());
  return id;
}

Status SqliteWriter::write_waiting() {
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

Result<Result<Seq>> SqliteWriter::begin_push(const PushIntent& intent, const PreparedRecord& prepared) {
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
Result<Seq> SqliteWriter::accept_refs(const PushOutcome& outcome, std::string_view repository) {
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

Result<Result<Settled>> SqliteWriter::settle(const PushOutcome& outcome, const PreparedRecord& prepared) {
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

Result<Result<Settled>> SqliteWriter::direct(const PushOutcome& write, bool link, const PreparedRecord& prepared) {
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

Result<Result<Settled>> SqliteWriter::deploy(const Deployment& deployment, const PreparedRecord& prepared) {
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

Status SqliteWriter::add_checkpoint(const StoredCheckpoint& checkpoint) {
  return insert_checkpoint_.bind(0, checkpoint.number).bind(1, checkpoint.jws).run();
}

Status SqliteWriter::mark_witnessed(std::int64_t number) { return mark_witnessed_.bind(0, number).run(); }

}  // namespace postern::store
