#include "gateway/app/audit_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gateway/app/api_json.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/store/verify_store.h"

namespace postern::app {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::size_t kMaxWitnessBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxResponse = std::size_t{16} << 20;  // a page of the API ends at 768 KiB or after one record

int exit_code_of(const Error& error) {
  return error.code == ErrorCode::bad_usage ? kExitBadUsage
         : error.code == ErrorCode::denied  ? kExitFindings
                                            : kExitCouldNotFinish;
}

Result<std::unique_ptr<store::Store>> open_for_reading(const std::string& url) {
  store::StoreOptions options;
  options.read_only = true;
  return store::open_store(url, options);
}

// Pages of `ask` until the query's limit; turned around where the newest came first.
template <class Ask>
Result<std::vector<store::AuditRecord>> collect(store::AuditQuery query, Ask ask) {
  std::vector<store::AuditRecord> all;
  const std::size_t wanted = query.limit;
  while (all.size() < wanted) {
    query.limit = std::min(wanted - all.size(), kPage);
    auto page = ask(query);
    if (!page) return fail(page.error());
    if (page->empty()) break;
    query.after = page->back().id;
    std::move(page->begin(), page->end(), std::back_inserter(all));
  }
  if (query.newest_first) std::reverse(all.begin(), all.end());
  return all;
}

std::string audit_target(const store::AuditQuery& query) {
  std::string target =
      fmt::format("/-/api/v1/audit?limit={}&order={}", query.limit, query.newest_first ? "desc" : "asc");
  const auto add = [&](std::string_view name, std::string_view value) {
    target += fmt::format("&{}={}", name, percent_encode(value));
  };
  if (query.after > 0) add("after", std::to_string(query.after));
  if (query.who) add("who", *query.who);
  if (query.repository) add("repo", *query.repository);
  if (query.request_id) add("request", *query.request_id);
  if (query.since) add("since", to_rfc3339(*query.since));
  if (query.until) add("until", to_rfc3339(*query.until));
  std::string kinds;
  for (const audit::EntryKind kind : query.kinds) kinds += (kinds.empty() ? "" : ",") + std::string(to_string(kind));
  if (!kinds.empty()) add("kind", kinds);
  return target;
}

std::string plain(const json::Value& value) {
  const std::string* text = value.as_string();
  return printable(text != nullptr ? *text : json::dump(value), 4000);
}

std::string short_id(const json::Value& ref, std::string_view name) {
  const std::string* id = ref.find_string(name);
  return id == nullptr ? "?" : printable(*id, 64).substr(0, 12);
}

std::string ref_line(const json::Value& ref) {
  const json::Value* name = ref.find("ref");
  std::string line =
      fmt::format("{} {} -> {}", name == nullptr ? "?" : plain(*name), short_id(ref, "old"), short_id(ref, "new"));
  if (const json::Value* outcome = ref.find("outcome")) line += " " + plain(*outcome);
  if (const json::Value* forced = ref.find("forced"); forced != nullptr && *forced == json::Value(true)) {
    line += " forced";
  }
  if (const json::Value* rule = ref.find("rule")) line += ", rule " + plain(*rule);
  if (const json::Value* reason = ref.find("reason")) line += ": " + plain(*reason);
  return line;
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out += fmt::format("  {:<11} {}\n", name, value);
}

void append_detail(std::string& out, const json::Value& detail) {
  for (const auto& [name, value] : *detail.as_object()) {
    const json::Array* array = value.as_array();
    if (name == "refs" && array != nullptr) {
      for (const json::Value& ref : *array) append_line(out, "ref", ref_line(ref));
    } else if (const json::Object* object = value.as_object()) {
      std::string text;
      for (const auto& [member, item] : *object) {
        if (item == json::Value("") || item == json::Value(json::Array())) continue;
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", printable(member, 100), plain(item));
      }
      append_line(out, printable(name, 100), text);
    } else if (array != nullptr) {
      for (const json::Value& item : *array) append_line(out, printable(name, 100), plain(item));
    } else {
      append_line(out, printable(name, 100), plain(value));
    }
  }
}

std::string who_line(const audit::AuditEntry& entry) {
  const audit::Who& who = entry.who;
  std::string line = who.name.empty() ? "nobody known" : printable(who.name, 300);
  std::string more;
  for (const auto& [name, value] : {std::pair("", &who.kind), std::pair("issuer ", &who.issuer),
                                    std::pair("subject ", &who.subject), std::pair("client ", &who.client)}) {
    if (!value->empty()) more += fmt::format("{}{}{}", more.empty() ? "" : ", ", name, printable(*value, 300));
  }
  return more.empty() ? line : fmt::format("{} ({})", line, more);
}

}  // namespace

Result<std::vector<store::AuditRecord>> records_of_store(const std::string& store_url, store::AuditQuery query) {
  const auto store = open_for_reading(store_url);
  if (!store) return fail(store.error());
  return collect(std::move(query), [&](const store::AuditQuery& page) { return (*store)->list_audit(page); });
}

Result<std::vector<store::AuditRecord>> records_of_gateway(const std::string& gateway, const Secret& bearer,
                                                           store::AuditQuery query, net::HttpClient& http) {
  const std::string base = gateway.starts_with("unix:") ? gateway + ":" : gateway;
  return collect(std::move(query), [&](const store::AuditQuery& page) -> Result<std::vector<store::AuditRecord>> {
    net::HttpRequest request;
    request.url = base + audit_target(page);
    request.timeout = std::chrono::seconds(30);
    request.max_response_bytes = kMaxResponse;
    if (!bearer.empty()) request.bearer = bearer.copy();
    const auto response = http.send(request);
    if (!response) {
      return fail(response.error().code, "asking the gateway: " + response.error().message +
                                             "; fix: start it, or read its store with --store sqlite:PATH");
    }
    const auto body = json::parse(response->body, {.bytes = kMaxResponse, .depth = 70, .values = kMaxResponse});
    if (response->status != 200) {
      const std::string* detail = body ? body->find_string("detail") : nullptr;
      const bool refused = response->status == 401 || response->status == 403;
      return fail(refused ? ErrorCode::denied : ErrorCode::unavailable,
                  fmt::format("the gateway at {} answered {}: {}", gateway, response->status,
                              printable(detail == nullptr ? response->body : *detail, 400)));
    }
    const json::Value* records = body ? body->find("records") : nullptr;
    if (records == nullptr || records->as_array() == nullptr) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("the gateway at {} answered what is no list of records", gateway));
    }
    std::vector<store::AuditRecord> found;
    for (const json::Value& value : *records->as_array()) {
      auto record = parse_record(value);
      if (!record) return fail(record.error());
      found.push_back(std::move(*record));
    }
    return found;
  });
}

std::string record_lines(const store::AuditRecord& record) {
  const auto entry = audit::parse_entry(record.record.bytes);
  if (!entry) return fmt::format("record {}: {}\n", record.id, printable(entry.error().message));
  std::string out = fmt::format("{} {} #{}{}\n", to_rfc3339(entry->at), to_string(entry->kind), record.id,
                                entry->request_id.empty() ? "" : " request " + printable(entry->request_id, 100));
  if (entry->who != audit::Who{} || !entry->from.empty()) {
    append_line(out, "who", who_line(*entry));
    append_line(out, "from", printable(entry->from, 200));
  }
  append_line(out, "repository", printable(entry->repository, 300));
  append_line(out, "rule", printable(entry->rule, 1000));
  append_detail(out, entry->detail);
  return out;
}

std::string records_json(const std::vector<store::AuditRecord>& records) {
  std::string out = "{\"records\":[";
  for (std::size_t i = 0; i < records.size(); ++i) out += (i == 0 ? "\n" : ",\n") + record_text(records[i]);
  return out + "\n]}\n";
}

CommandOutput audit_list_output(const Result<std::vector<store::AuditRecord>>& records, bool json) {
  if (!records) return {exit_code_of(records.error()), "", records.error().message};
  if (json) return {kExitFine, records_json(*records), ""};
  std::string out;
  for (const store::AuditRecord& record : *records) out += record_lines(record);
  return {kExitFine, std::move(out), ""};
}

Result<std::vector<identity::PublicKey>> read_verify_keys(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
  constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
  if (const std::size_t begin = text.find(kBegin); begin != std::string_view::npos) {
    const std::size_t end = text.find(kEnd, begin);
    std::string base64;
    if (end != std::string_view::npos) {
      for (const char c : text.substr(begin + kBegin.size(), end - begin - kBegin.size())) {
        if (c != '\n' && c != '\r') base64 += c;
      }
    }
    // SubjectPublicKeyInfo of Ed25519 (RFC 8410 §4, §10.1) is this prefix and 32 bytes.
    constexpr std::string_view kPrefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    const auto der = base64_decode(base64);
    if (!der || der->size() != kPrefix.size() + 32 || !der->starts_with(kPrefix)) {
      return fail(ErrorCode::invalid_input, "the PEM public key is not an Ed25519 key");
    }
    auto key = identity::PublicKey::from_jwk(json::Object{
        {"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url_encode(der->substr(kPrefix.size()))}, {"alg", "EdDSA"}});
    if (!key) return fail(key.error());
    return std::vector{*key};
  }
  if (text.find("-----BEGIN") != std::string_view::npos) {
    const auto key = identity::SigningKey::from_pem(Secret(std::string(text)));
    if (!key) return fail(key.error());
    return std::vector{key->public_key()};
  }
  const auto value = json::parse(text);
  if (!value) {
    return fail(ErrorCode::invalid_input, "neither a PEM key nor JSON: accepted are a PEM key, a JWK, a JWK set");
  }
  const json::Value* set = value->find("keys");
  std::vector<identity::PublicKey> keys;
  for (const json::Value& jwk : set != nullptr && set->as_array() != nullptr ? *set->as_array() : json::Array{*value}) {
    auto key = identity::PublicKey::from_jwk(jwk);
    if (!key) return fail(key.error());
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return fail(ErrorCode::invalid_input, "the JWK set is empty");
  return keys;
}

CommandOutput audit_verify_output(const AuditVerifyOptions& options) {
  if (options.keys.empty()) {
    return {kExitBadUsage, "", "no key to check checkpoints with: give --key FILE (PEM, JWK or JWK set)"};
  }
  std::vector<store::WitnessContent> witnesses;
  for (const std::string& path : options.witness_files) {
    auto content = read_file(path, kMaxWitnessBytes);
    if (!content) return {kExitCouldNotFinish, "", "witness: " + content.error().message};
    witnesses.push_back({path, std::move(*content)});
  }
  const auto store = open_for_reading(options.store_url);
  if (!store) return {exit_code_of(store.error()), "", store.error().message};
  auto report = store::verify_store(**store, options.keys, witnesses);
  if (!report) return {kExitCouldNotFinish, "", report.error().message};
  report->notes.insert(report->notes.end(), options.notes.begin(), options.notes.end());
  return {report->fault_count == 0 ? kExitFine : kExitFindings,
          options.json ? json::dump_pretty(to_json(*report)) : to_text(*report), ""};
}

CommandOutput db_check_output(const std::string& store_url) {
  const auto store = open_for_reading(store_url);
  if (!store) return {exit_code_of(store.error()), "", store.error().message};
  const auto faults = (*store)->check_tables();
  if (!faults) return {kExitCouldNotFinish, "", faults.error().message};
  const auto heads = (*store)->heads();
  if (!heads) return {kExitCouldNotFinish, "", heads.error().message};
  std::string out;
  for (const std::string& fault : *faults) out += "fault: " + printable(fault, 1000) + "\n";
  std::int64_t records = 0;
  for (const audit::Head& head : *heads) records += head.seq;
  out += fmt::format("{} chains, {} records, {} faults\n", heads->size(), records, faults->size());
  return {faults->empty() ? kExitFine : kExitFindings, std::move(out), ""};
}

}  // namespace postern::app
