#include "gateway/access/ticket.h"

#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/git/ref_update.h"

using namespace postern;
using namespace postern::access;

namespace {

Ticket sample() {
  Ticket ticket;
  ticket.jti = "00112233445566778899aabbccddeeff";
  ticket.issued_at = *parse_rfc3339("2026-06-01T12:00:00Z");
  ticket.expires_at = *parse_rfc3339("2026-06-01T18:00:00Z");
  ticket.issuer = "https://git.example.com";
  ticket.identity = {"alice", "human", "idp", "sub-1", "cli"};
  ticket.owner = "platform";
  ticket.name = "policies";
  ticket.repo_id = 7;
  ticket.mode = Mode::enforce;
  const git::RefUpdate command{git::ObjectId::zero(), *git::ObjectId::parse(std::string(40, 'a')), "refs/heads/main"};
  ticket.commands = git::command_digest(std::span(&command, 1));
  ticket.grants = {{"orders", {Verb::create, Verb::update}, {"apis/orders/**"}, {"apis/orders/secret"}}};
  ticket.use = {0};
  ticket.rules = std::string(64, 'b');
  ticket.settings.may_relax = {"unknown-element"};
  ticket.settings.severity = {{"doctype", "warning"}};
  return ticket;
}

identity::SigningKey new_key() { return *identity::SigningKey::generate_ed25519(); }

std::vector<identity::PublicKey> public_of(const identity::SigningKey& key) { return {key.public_key()}; }

// The payload with one member changed, signed properly: what a gateway with a fault, or an older one, could send.
std::string signed_with(const identity::SigningKey& key, std::string_view member, json::Value value,
                        std::string_view type = "postern-ticket+jwt") {
  const auto jws = *sign_ticket(sample(), key);
  const std::size_t first = jws.find('.');
  const std::size_t second = jws.find('.', first + 1);
  auto payload = *json::parse(*base64url_decode(std::string_view(jws).substr(first + 1, second - first - 1)));
  if (!member.empty()) payload.set(member, std::move(value));
  return *identity::sign_jws(type, payload, key);
}

}  // namespace

TEST_CASE("a ticket survives the journey") {
  const auto key = new_key();
  const auto jws = sign_ticket(sample(), key);
  REQUIRE(jws);
  const auto opened = open_ticket(*jws, public_of(key));
  REQUIRE(opened);
  CHECK(*opened == sample());
  auto without_id = sample();
  without_id.repo_id.reset();
  CHECK(*open_ticket(*sign_ticket(without_id, key), public_of(key)) == without_id);
}

TEST_CASE("every key of the list verifies and the kid picks it") {
  const auto old_key = new_key();
  const auto key = new_key();
  const std::vector<identity::PublicKey> both{key.public_key(), old_key.public_key()};
  CHECK(open_ticket(*sign_ticket(sample(), old_key), both));
  CHECK(open_ticket(*sign_ticket(sample(), key), both));
}

TEST_CASE("a ticket of an unknown key is refused and says that the bundle may be stale") {
  const auto opened = open_ticket(*sign_ticket(sample(), new_key()), public_of(new_key()));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::denied);
  CHECK(opened.error().message.find("the bundle is stale") != std::string::npos);
}

TEST_CASE("attack 6 - a changed ticket does not hold") {
  const auto key = new_key();
  const std::string jws = *sign_ticket(sample(), key);
  const std::size_t first = jws.find('.');
  const std::size_t second = jws.find('.', first + 1);
  // Another repository under the old signature.
  auto payload = *json::parse(*base64url_decode(std::string_view(jws).substr(first + 1, second - first - 1)));
  auto repository = *payload.find("repository");
  repository.set("name", "other");
  payload.set("repository", repository);
  const std::string moved = jws.substr(0, first + 1) + base64url_encode(json::dump(payload)) + jws.substr(second);
  CHECK(open_ticket(moved, public_of(key)).error().message == "ticket: the signature does not hold");
  for (std::size_t at = 0; at < jws.size(); at += 7) {
    std::string bent = jws;
    bent[at] = bent[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(open_ticket(bent, public_of(key)));
  }
  CHECK_FALSE(open_ticket(jws.substr(0, second + 1), public_of(key)));
  CHECK_FALSE(open_ticket("", public_of(key)));
  CHECK_FALSE(open_ticket(jws, {}));
}

TEST_CASE("another kind of token signed with the same key is no ticket") {
  const auto key = new_key();
  CHECK(open_ticket(signed_with(key, "", {}), public_of(key)));
  for (const char* type : {"JWT", "at+jwt", "postern-ticket", ""}) {
    CHECK_FALSE(open_ticket(signed_with(key, "", {}, type), public_of(key)));
  }
}

TEST_CASE("a ticket with a member that cannot be is refused though its signature holds") {
  const auto key = new_key();
  const std::vector<std::pair<const char*, json::Value>> faults{
      {"jti", "../../etc/passwd"},
      {"jti", "00112233445566778899AABBCCDDEEFF"},
      {"jti", 5},
      {"iat", "yesterday"},
      {"exp", -1},
      {"exp", 1e99},
      {"commands", "abc"},
      {"mode", "off"},
      {"use", json::Array{}},
      {"use", json::Array{1}},
      {"use", json::Array{-1}},
      {"use", json::Array{0.5}},
      {"grants", json::Array{}},
      {"grants", json::Array{json::Object{{"name", "x"}}}},
      {"identity", json::Object{}},
      {"identity", "alice"},
      {"repository", json::Object{{"owner", "o"}, {"name", "n"}}},
      {"settings", json::Value()},
  };
  for (const auto& [member, value] : faults) {
    const auto opened = open_ticket(signed_with(key, member, value), public_of(key));
    CHECK_FALSE(opened);
  }
}

TEST_CASE("a ticket that could not be read is not signed") {
  auto ticket = sample();
  ticket.use = {3};
  CHECK(sign_ticket(ticket, new_key()).error().code == ErrorCode::internal);
}

TEST_CASE("a short ticket is one option and a long one is pieces") {
  CHECK(ticket_options("a.b.c") == std::vector<std::string>{"postern-ticket=a.b.c"});
  const std::string fits(kTicketOptionMax - kTicketOption.size(), 'x');
  CHECK(ticket_options(fits).size() == 1);
  CHECK(ticket_options(fits).front().size() == kTicketOptionMax);
  for (const std::size_t size : {fits.size() + 1, std::size_t{120000}, std::size_t{180001}}) {
    std::string jws(size, 'x');
    for (std::size_t i = 0; i < size; ++i) jws[i] = static_cast<char>('a' + i % 26);
    const auto options = ticket_options(jws);
    CHECK(options.size() > 1);
    for (const auto& option : options) CHECK(option.size() <= kTicketOptionMax);
    CHECK(*collect_ticket(options) == jws);
  }
}

TEST_CASE("the ticket is found among other options and pieces in any order") {
  CHECK_FALSE(collect_ticket({})->has_value());
  const std::vector<std::string> none{"ci.skip", "xpostern-ticket=a.b.c", "postern-ticket"};
  CHECK_FALSE(collect_ticket(none)->has_value());
  const std::vector<std::string> one{"ci.skip", "postern-ticket=a.b.c", "topic=x"};
  CHECK(*collect_ticket(one) == "a.b.c");
  const std::vector<std::string> pieces{"postern-ticket=3/3:c", "topic=x", "postern-ticket=1/3:a",
                                        "postern-ticket=2/3:b"};
  CHECK(*collect_ticket(pieces) == "abc");
}

TEST_CASE("attack 8 - a second ticket of the client's own is refused") {
  const std::vector<std::vector<std::string>> cases{
      {"postern-ticket=a.b.c", "postern-ticket=a.b.c"},
      {"postern-ticket=a.b.c", "postern-ticket=d.e.f"},
      {"postern-ticket=a.b.c", "postern-ticket=1/2:x", "postern-ticket=2/2:y"},
      {"postern-ticket=1/2:x", "postern-ticket=2/2:y", "postern-ticket=a.b.c"},
      {"postern-ticket=1/2:x", "postern-ticket=2/2:y", "postern-ticket=2/2:z"},
      {"postern-ticket=1/2:x", "postern-ticket=1/3:x", "postern-ticket=2/3:y", "postern-ticket=3/3:z"},
  };
  for (const auto& options : cases) CHECK(collect_ticket(options).error().code == ErrorCode::invalid_input);
}

TEST_CASE("pieces that are missing or misnumbered are refused") {
  const std::vector<std::vector<std::string>> cases{
      {"postern-ticket=1/2:x"},    {"postern-ticket=0/2:x"},  {"postern-ticket=3/2:x"},  {"postern-ticket=1/1:x"},
      {"postern-ticket=1/9999:x"}, {"postern-ticket=a/b:x"},  {"postern-ticket=:x"},     {"postern-ticket=01/2:x"},
      {"postern-ticket=1/2 :x"},   {"postern-ticket=1:x"},    {"postern-ticket=-1/2:x"}, {"postern-ticket=1/02:x"},
      {"postern-ticket=+1/2:x"},   {"postern-ticket=1/2/3:x"}};
  for (const auto& options : cases) CHECK_FALSE(collect_ticket(options));
}

TEST_CASE("schema ticket md names every member of a ticket") {
  const auto text = read_file(std::string(POSTERN_SOURCE_DIR) + "/schema/ticket.md", 1 << 20);
  REQUIRE(text);
  const auto key = new_key();
  const std::string jws = *sign_ticket(sample(), key);
  const std::size_t first = jws.find('.');
  const auto payload =
      *json::parse(*base64url_decode(std::string_view(jws).substr(first + 1, jws.rfind('.') - first - 1)));
  for (const auto& [name, value] : *payload.as_object()) {
    CHECK(text->find("`" + name + "`") != std::string::npos);
    if (value.as_object() == nullptr) continue;
    for (const auto& [inner, unused] : *value.as_object()) CHECK(text->find("`" + inner + "`") != std::string::npos);
  }
  const auto header = *json::parse(*base64url_decode(std::string_view(jws).substr(0, first)));
  for (const auto& [name, value] : *header.as_object()) CHECK(text->find("`" + name + "`") != std::string::npos);
}
