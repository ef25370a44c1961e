#include "gateway/audit/entry.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"

namespace postern::audit {
namespace {

struct KindName {
  EntryKind kind;
  std::string_view name;
};

constexpr std::array kKindNames = {
    KindName{EntryKind::gateway_start, "gateway.start"},
    KindName{EntryKind::gateway_stop, "gateway.stop"},
    KindName{EntryKind::rules_load, "rules.load"},
    KindName{EntryKind::rules_refused, "rules.refused"},
    KindName{EntryKind::advertise, "advertise"},
    KindName{EntryKind::fetch, "fetch"},
    KindName{EntryKind::lfs, "lfs"},
    KindName{EntryKind::push_intent, "push.intent"},
    KindName{EntryKind::push_outcome, "push.outcome"},
    KindName{EntryKind::push_refused, "push.refused"},
    KindName{EntryKind::direct_write, "direct.write"},
    KindName{EntryKind::access_refused, "access.refused"},
    KindName{EntryKind::auth_refused, "auth.refused"},
    KindName{EntryKind::auth_refused_aggregate, "auth.refused_aggregate"},
    KindName{EntryKind::token_issued, "token.issued"},
    KindName{EntryKind::token_revoked, "token.revoked"},
    KindName{EntryKind::deploy_outcome, "deploy.outcome"},
    KindName{EntryKind::approval, "approval"},
    KindName{EntryKind::hook_pause, "hook.pause"},
};

constexpr std::int64_t kVersion = 1;  // also spelt out in canonical_bytes()

bool is_clean(const json::Value& value) {
  if (const auto* text = value.as_string()) return is_utf8(*text);
  if (const auto* array = value.as_array()) return std::all_of(array->begin(), array->end(), is_clean);
  if (const auto* object = value.as_object()) {
    return std::all_of(object->begin(), object->end(),
                       [](const json::Member& member) { return is_utf8(member.first) && is_clean(member.second); });
  }
  return true;
}

std::string clean(const std::string& text) { return recorded_text(text); }

json::Value clean(const json::Value& value) {
  if (const auto* text = value.as_string()) return clean(*text);
  if (const auto* array = value.as_array()) {
    json::Array out;
    for (const json::Value& item : *array) out.push_back(clean(item));
    return out;
  }
  if (const auto* object = value.as_object()) {
    json::Object out;
    for (const auto& [name, item] : *object) out.emplace_back(clean(name), clean(item));
    return out;
  }
  return value;
}

// `before` is the punctuation and the member's name.
void append_text(std::string& out, std::string_view before, std::string_view text) {
  out += before;
  if (is_utf8(text)) {
    json::append_quoted(out, text);
  } else {
    json::append_quoted(out, recorded_text(text));
  }
}

std::string text_of(const json::Value& object, std::string_view name) {
  const std::string* text = object.find_string(name);
  return text == nullptr ? std::string() : *text;
}

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::corrupt, "audit record: " + std::string(what));
}

}  // namespace

std::string_view to_string(EntryKind kind) {
  for (const auto& [value, name] : kKindNames) {
    if (value == kind) return name;
  }
  return "";
}

std::optional<EntryKind> parse_entry_kind(std::string_view text) {
  for (const auto& [value, name] : kKindNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::string entry_kinds() {
  std::string all;
  for (const auto& [value, name] : kKindNames) {
    if (!all.empty()) all += ", ";
    all += name;
  }
  return all;
}

Who who_of(const identity::Identity& identity) {
  return {identity.name,   std::string(to_string(identity.kind)), identity.issuer, identity.subject, identity.client,
          identity.display};
}

Result<std::string> canonical_bytes(const AuditEntry& entry) {
  if (entry.detail.as_object() == nullptr) return fail(ErrorCode::internal, "audit record: detail is no object");
  // Written straight away and not as a json::Value: every request that is let through makes one.
  std::string bytes;
  bytes.reserve(512);
  bytes += "{\"v\":1";
  append_text(bytes, ",\"kind\":", to_string(entry.kind));
  append_text(bytes, ",\"at\":", to_rfc3339(entry.at));
  append_text(bytes, ",\"request\":", entry.request_id);
  append_text(bytes, ",\"who\":{\"name\":", entry.who.name);
  append_text(bytes, ",\"kind\":", entry.who.kind);
  append_text(bytes, ",\"issuer\":", entry.who.issuer);
  append_text(bytes, ",\"subject\":", entry.who.subject);
  append_text(bytes, ",\"client\":", entry.who.client);
  append_text(bytes, ",\"display\":", entry.who.display);
  append_text(bytes, "},\"from\":", entry.from);
  append_text(bytes, ",\"repository\":", entry.repository);
  append_text(bytes, ",\"rule\":", entry.rule);
  bytes += ",\"detail\":";
  if (is_clean(entry.detail)) {
    json::append_dump(bytes, entry.detail);
  } else {
    json::append_dump(bytes, clean(entry.detail));
  }
  bytes += '}';
  if (bytes.size() > kMaxEntryBytes) {
    return fail(ErrorCode::limit, "audit record of " + std::to_string(bytes.size()) + " bytes: at most " +
                                      std::to_string(kMaxEntryBytes) + " are taken");
  }
  return bytes;
}

Result<AuditEntry> parse_entry(std::string_view bytes) {
  const auto value = json::parse(bytes, {.bytes = kMaxEntryBytes, .depth = 64, .values = kMaxEntryBytes});
  if (!value) return corrupt(value.error().message);
  const std::int64_t* version = value->find_int("v");
  if (version == nullptr || *version != kVersion) return corrupt("not of version 1");
  const auto kind = parse_entry_kind(text_of(*value, "kind"));
  if (!kind) return corrupt("unknown kind");
  const auto at = parse_rfc3339(text_of(*value, "at"));
  if (!at) return corrupt("unreadable time");
  AuditEntry entry;
  entry.kind = *kind;
  entry.at = *at;
  entry.request_id = text_of(*value, "request");
  if (const json::Value* who = value->find("who")) {
    entry.who = {text_of(*who, "name"),    text_of(*who, "kind"),   text_of(*who, "issuer"),
                 text_of(*who, "subject"), text_of(*who, "client"), text_of(*who, "display")};
  }
  entry.from = text_of(*value, "from");
  entry.repository = text_of(*value, "repository");
  entry.rule = text_of(*value, "rule");
  const json::Value* detail = value->find("detail");
  if (detail == nullptr || detail->as_object() == nullptr) return corrupt("no detail");
  entry.detail = *detail;
  // One entry, one spelling: whatever else stands in the bytes was not written by us.
  const auto again = canonical_bytes(entry);
  if (!again || *again != bytes) return corrupt("not in canonical form");
  return entry;
}

std::string recorded_text(std::string_view text) {
  return is_utf8(text) ? std::string(text) : printable(text, std::string::npos / 2);
}

}  // namespace postern::audit
