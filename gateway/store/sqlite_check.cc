// What `postern audit verify` asks of the tables: that each says what the records say.
#include <fmt/core.h>

#include <array>

#include "gateway/base/encoding.h"
#include "gateway/store/push_record.h"
#include "gateway/store/sqlite_reader.h"

namespace postern::store {

Status SqliteReader::check_records(std::vector<std::string>& faults) {
  auto statement =
      database.prepare("SELECT id, chain, seq, bytes, at, kind, request, who, repository FROM record ORDER BY id");
  if (!statement) return fail(statement.error());
  return each_row(*statement, [&](const Statement& row) -> Status {
    const auto entry = audit::parse_entry(row.text(3));
    if (!entry) return {};  // the chain's check names it
    if (row.integer(4) != entry->at.time_since_epoch().count() || row.text(5) != to_string(entry->kind) ||
        row.text(6) != entry->request_id || row.text(7) != entry->who.name || row.text(8) != entry->repository) {
      faults.push_back(
          fmt::format("record {} (chain {} seq {}): the columns it is searched by differ from what it says",
                      row.integer(0), row.text(1), row.integer(2)));
    }
    return {};
  });
}

// What a push's rows say against what its records say.
Status SqliteReader::check_pushes(std::vector<std::string>& faults) {
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

Status SqliteReader::check_links(std::vector<std::string>& faults) {
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

Result<std::vector<std::string>> SqliteReader::check() {
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

}  // namespace postern::store
