#include "gateway/access/ticket.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "gateway/identity/identity.h"

namespace postern::access {

namespace {

constexpr std::string_view kType = "postern-ticket+jwt";
constexpr std::size_t kPiecesMax = 8;  // no more fit into kPushOptionsMax anyway

json::Array to_array(const std::vector<std::string>& texts) {
  json::Array array;
  array.reserve(texts.size());
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

std::int64_t to_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// Members by name and type, each fault remembered once; nothing is guessed.
class Reader {
 public:
  const json::Value* member(const json::Value& object, std::string_view name) {
    const json::Value* value = object.find(name);
    if (value == nullptr) fault(name, "missing");
    return value;
  }
  std::string text(const json::Value& object, std::string_view name) {
    if (const auto* value = object.find_string(name)) return *value;
    fault(name, "not a string");
    return {};
  }
  std::int64_t number(const json::Value& object, std::string_view name) {
    if (const auto* value = object.find_int(name)) return *value;
    fault(name, "not an integer");
    return 0;
  }
  WallTime time(const json::Value& object, std::string_view name) {
    const std::int64_t seconds = number(object, name);
    // Year 9999 and before: beyond it a time in milliseconds would still fit, but no calendar of ours shows it.
    if (seconds < 0 || seconds > 253402300799) {
      fault(name, "not a time");
      return {};
    }
    return WallTime(std::chrono::seconds(seconds));
  }
  json::Value object(const json::Value& parent, std::string_view name) {
    const json::Value* value = parent.find(name);
    if (value != nullptr && value->as_object() != nullptr) return *value;
    fault(name, "not an object");
    return json::Value(json::Object{});
  }
  json::Array array(const json::Value& parent, std::string_view name) {
    const json::Value* value = parent.find(name);
    if (value != nullptr && value->as_array() != nullptr) return *value->as_array();
    fault(name, "not an array");
    return {};
  }
  std::vector<std::string> texts(const json::Value& parent, std::string_view name) {
    std::vector<std::string> list;
    for (const auto& element : array(parent, name)) {
      if (const auto* element_text = element.as_string()) {
        list.push_back(*element_text);
      } else {
        fault(name, "not an array of strings");
      }
    }
    return list;
  }
  void fault(std::string_view name, std::string_view what) {
    if (fault_.empty()) fault_ = fmt::format("ticket: member \"{}\" is {}", name, what);
  }
  const std::string& first_fault() const { return fault_; }

 private:
  std::string fault_;
};

bool is_lower_hex(std::string_view text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<Ticket> read_ticket(const json::Value& payload) {
  Reader in;
  Ticket ticket;
  ticket.jti = in.text(payload, "jti");
  // The id names files in the spool.
  if (!is_lower_hex(ticket.jti, 32)) in.fault("jti", "not 32 lower-case hex digits");
  ticket.issued_at = in.time(payload, "iat");
  ticket.expires_at = in.time(payload, "exp");
  ticket.issuer = in.text(payload, "iss");
  const json::Value identity = in.object(payload, "identity");
  ticket.identity = {in.text(identity, "name"), in.text(identity, "kind"), in.text(identity, "issuer"),
                     in.text(identity, "subject"), in.text(identity, "client")};
  if (!identity::parse_kind(ticket.identity.kind)) in.fault("kind", "not human, workload or agent");
  const json::Value repository = in.object(payload, "repository");
  ticket.owner = in.text(repository, "owner");
  ticket.name = in.text(repository, "name");
  const json::Value* id = in.member(repository, "id");
  if (id != nullptr && !id->is_null()) ticket.repo_id = in.number(repository, "id");
  const auto mode = parse_mode(in.text(payload, "mode"));
  if (!mode) in.fault("mode", "not observe or enforce");
  ticket.mode = mode.value_or(Mode::enforce);
  ticket.commands = in.text(payload, "commands");
  if (!is_lower_hex(ticket.commands, 64)) in.fault("commands", "not 64 lower-case hex digits");
  for (const auto& object : in.array(payload, "grants")) {
    TicketGrant grant;
    grant.name = in.text(object, "name");
    for (const auto& word : in.texts(object, "verbs")) {
      if (const auto verb = parse_verb(word)) {
        grant.verbs.push_back(*verb);
      } else {
        in.fault("verbs", "not a list of verbs");
      }
    }
    grant.allowed_paths = in.texts(object, "paths");
    grant.denied_paths = in.texts(object, "denied_paths");
    ticket.grants.push_back(std::move(grant));
  }
  for (const auto& index : in.array(payload, "use")) {
    const auto* number = index.as_int();
    if (number == nullptr || *number < 0 || static_cast<std::uint64_t>(*number) >= ticket.grants.size()) {
      in.fault("use", "not a list of places in \"grants\"");
      break;
    }
    ticket.use.push_back(static_cast<unsigned>(*number));
  }
  if (ticket.use.empty()) in.fault("use", "empty: a push has at least one command");
  ticket.rules = in.text(payload, "rules");
  const json::Value settings = in.object(payload, "settings");
  ticket.settings.may_relax = in.texts(settings, "may_relax");
  const json::Value severity = in.object(settings, "severity");
  for (const auto& [rule, level] : *severity.as_object()) {
    if (level.as_string() == nullptr) {
      in.fault("severity", "not an object of strings");
      break;
    }
    ticket.settings.severity.emplace_back(rule, *level.as_string());
  }
  if (!in.first_fault().empty()) return fail(ErrorCode::invalid_input, in.first_fault());
  return ticket;
}

}  // namespace

bool Ticket::operator==(const Ticket& other) const {
  return jti == other.jti && issued_at == other.issued_at && expires_at == other.expires_at && issuer == other.issuer &&
         identity == other.identity && owner == other.owner && name == other.name && repo_id == other.repo_id &&
         mode == other.mode && commands == other.commands && grants == other.grants && use == other.use &&
         rules == other.rules && settings.may_relax == other.settings.may_relax &&
         settings.severity == other.settings.severity;
}

Result<std::string> sign_ticket(const Ticket& ticket, const identity::SigningKey& key) {
  json::Value payload;
  payload.set("jti", ticket.jti);
  payload.set("iat", to_seconds(ticket.issued_at));
  payload.set("exp", to_seconds(ticket.expires_at));
  payload.set("iss", ticket.issuer);
  json::Value identity;
  identity.set("name", ticket.identity.name);
  identity.set("kind", ticket.identity.kind);
  identity.set("issuer", ticket.identity.issuer);
  identity.set("subject", ticket.identity.subject);
  identity.set("client", ticket.identity.client);
  payload.set("identity", std::move(identity));
  json::Value repository;
  repository.set("owner", ticket.owner);
  repository.set("name", ticket.name);
  repository.set("id", ticket.repo_id ? json::Value(*ticket.repo_id) : json::Value());
  payload.set("repository", std::move(repository));
  payload.set("mode", to_string(ticket.mode));
  payload.set("commands", ticket.commands);
  json::Array grants;
  for (const auto& grant : ticket.grants) {
    json::Array verbs;
    for (const Verb verb : grant.verbs) verbs.emplace_back(to_string(verb));
    json::Value object;
    object.set("name", grant.name);
    object.set("verbs", std::move(verbs));
    object.set("paths", to_array(grant.allowed_paths));
    object.set("denied_paths", to_array(grant.denied_paths));
    grants.push_back(std::move(object));
  }
  payload.set("grants", std::move(grants));
  json::Array use;
  for (const unsigned index : ticket.use) use.emplace_back(index);
  payload.set("use", std::move(use));
  payload.set("rules", ticket.rules);
  json::Object severity;
  for (const auto& [rule, level] : ticket.settings.severity) severity.emplace_back(rule, level);
  json::Value settings;
  settings.set("may_relax", to_array(ticket.settings.may_relax));
  settings.set("severity", std::move(severity));
  payload.set("settings", std::move(settings));
  // What the hook would not read must not leave the gateway.
  if (const auto readable = read_ticket(payload); !readable) {
    return fail(ErrorCode::internal, "signing a ticket: " + readable.error().message);
  }
  auto jws = identity::sign_jws(kType, payload, key);
  if (!jws) return fail(ErrorCode::internal, "signing a ticket: " + jws.error().message);
  return jws;
}

Result<Ticket> open_ticket(std::string_view jws, std::span<const identity::PublicKey> keys) {
  const auto denied = [](std::string message) { return fail(ErrorCode::denied, std::move(message)); };
  const auto parsed = identity::parse_jws(jws, kPushOptionsMax);
  if (!parsed) return denied("ticket: " + parsed.error().message);
  if (parsed->type != kType) return denied(fmt::format("ticket: its type is not {}", kType));
  if (parsed->algorithm != identity::Algorithm::EdDSA) return denied("ticket: not signed with EdDSA");
  if (parsed->key_id.empty()) return denied("ticket: names no key");
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const identity::PublicKey& known) { return known.key_id() == parsed->key_id; });
  if (key == keys.end()) {
    return denied(
        "ticket: signed with a key that the hook's bundle does not know: the bundle is stale, or the ticket is from "
        "another gateway");
  }
  if (!key->can(parsed->algorithm) || !key->verify(parsed->algorithm, parsed->signing_input, parsed->signature)) {
    return denied("ticket: the signature does not hold");
  }
  return read_ticket(parsed->payload);
}

std::vector<std::string> ticket_options(std::string_view jws) {
  if (kTicketOption.size() + jws.size() <= kTicketOptionMax) return {std::string(kTicketOption).append(jws)};
  // "<n>/<m>:" takes at most eight bytes.
  const std::size_t room = kTicketOptionMax - kTicketOption.size() - 8;
  const std::size_t count = (jws.size() + room - 1) / room;
  std::vector<std::string> options;
  for (std::size_t i = 0; i < count; ++i) {
    options.push_back(fmt::format("{}{}/{}:{}", kTicketOption, i + 1, count, jws.substr(i * room, room)));
  }
  return options;
}

Result<std::optional<std::string>> collect_ticket(std::span<const std::string> options) {
  const auto bad = [](std::string_view what) {
    return fail(ErrorCode::invalid_input, fmt::format("ticket: the push carries {}", what));
  };
  std::optional<std::string> whole;
  std::vector<std::optional<std::string>> pieces;
  for (const std::string& option : options) {
    if (!option.starts_with(kTicketOption)) continue;
    const std::string_view value = std::string_view(option).substr(kTicketOption.size());
    const std::size_t colon = value.find(':');
    // A JWS has no colon in it.
    if (colon == std::string_view::npos) {
      if (whole || !pieces.empty()) return bad("two tickets");
      whole = std::string(value);
      continue;
    }
    std::size_t number = 0;
    std::size_t count = 0;
    const std::string_view head = value.substr(0, colon);
    const char* const end = head.data() + head.size();
    const auto first = std::from_chars(head.data(), end, number);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '/') return bad("a piece of a ticket without n/m");
    const auto second = std::from_chars(first.ptr + 1, end, count);
    if (second.ec != std::errc{} || second.ptr != end || count < 2 || count > kPiecesMax || number < 1 ||
        number > count || fmt::format("{}/{}", number, count) != head) {
      return bad("a piece of a ticket whose n/m cannot be");
    }
    if (whole || (!pieces.empty() && pieces.size() != count)) return bad("pieces of two tickets");
    pieces.resize(count);
    if (pieces[number - 1]) return bad("one piece of a ticket twice");
    pieces[number - 1] = std::string(value.substr(colon + 1));
  }
  if (pieces.empty()) return whole;
  std::string joined;
  for (const auto& piece : pieces) {
    if (!piece) return bad("a ticket of which a piece is missing");
    joined += *piece;
  }
  return joined;
}

}  // namespace postern::access
