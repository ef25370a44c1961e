#include "gateway/store/sqlite_reader.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/store/push_record.h"

namespace postern::store {
namespace {

constexpr std::size_t kMaxPage = 1000;
constexpr std::size_t kCommitsPerPage = 10000;

WallTime time_of(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

constexpr std::string_view kRecordColumns = "r.id, r.chain, r.seq, r.previous, r.hash, r.bytes";

AuditRecord record_of(const Statement& row) {
  return {row.integer(0),
          {std::string(row.text(1)), row.integer(2), row.digest(3), row.digest(4), std::string(row.text(5))}};
}

Result<std::vector<AuditRecord>> records_of(Statement& statement) {
  std::vector<AuditRecord> records;
  Status read = each_row(statement, [&](const Statement& row) -> Status {
    records.push_back(record_of(row));
    return {};
  });
  if (!read) return fail(read.error());
  return records;
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

}  // namespace

Result<std::vector<AuditRecord>> SqliteReader::list(const AuditQuery& query) {
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
  return records_of(*statement);
}

Result<std::vector<OpenPush>> SqliteReader::open_pushes() {
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

Result<std::vector<std::string>> SqliteReader::commits_of(Seq first_seq) {
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

Result<Seq> SqliteReader::last_push() {
  auto statement = database.prepare("SELECT coalesce(max(seq), 0) FROM accepted_ref");
  if (!statement) return fail(statement.error());
  if (const auto row = statement->step(); !row) return fail(row.error());
  return statement->integer(0);
}

Result<PushPage> SqliteReader::accepted(const PushQuery& query) {
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

Result<std::vector<std::optional<AcceptedPush>>> SqliteReader::introducers(std::string_view repository,
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

Result<std::vector<audit::Head>> SqliteReader::heads() {
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
    if (*row) heads.push_back({found, last->integer(0), last->digest(1)});
    last->reset();
    chain = found;
  }
}

Result<std::vector<AuditRecord>> SqliteReader::chain(std::string_view id, Seq from_seq, std::size_t limit) {
  auto statement = database.prepare(fmt::format(
      "SELECT {} FROM record r WHERE r.chain = ? AND r.seq >= ? ORDER BY r.seq, r.id LIMIT ?", kRecordColumns));
  if (!statement) return fail(statement.error());
  statement->bind(0, id).bind(1, from_seq).bind(2, static_cast<std::int64_t>(limit));
  return records_of(*statement);
}

Result<std::vector<StoredCheckpoint>> SqliteReader::checkpoints(std::string_view condition) {
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

}  // namespace postern::store
