#include "gateway/identity/credential.h"

#include <catch2/catch.hpp>

#include "gateway/base/encoding.h"
#include "gateway/identity/providers.h"

namespace postern::identity {
namespace {

// "bearer:TOKEN", "basic:USER:PASSWORD", "none", or the reason it is refused for.
std::string read(const std::vector<std::string_view>& values) {
  const Credential credential = credential_of(values);
  if (const auto* bearer = std::get_if<BearerCredential>(&credential)) {
    return "bearer:" + std::string(bearer->token);
  }
  if (const auto* basic = std::get_if<BasicCredential>(&credential)) {
    return "basic:" + basic->user + ":" + std::string(basic->password.reveal());
  }
  if (const auto* refused = std::get_if<Refused>(&credential)) return refused->reason;
  return "none";
}

std::string basic(std::string_view pair) { return "Basic " + base64_encode(pair); }

TEST_CASE("a token comes as Bearer or as the password of Basic") {
  CHECK(read({}) == "none");
  CHECK(read({"Bearer a.b.c"}) == "bearer:a.b.c");
  CHECK(read({"bearer   a.b.c  "}) == "bearer:a.b.c");
  CHECK(read({basic("oidc:a.b.c")}) == "basic:oidc:a.b.c");
  CHECK(read({basic(":a.b.c")}) == "basic::a.b.c");
  CHECK(read({basic("any user:pass:with:colons")}) == "basic:any user:pass:with:colons");
  CHECK(read({basic("token-as-user:")}) == "basic:token-as-user:");
  CHECK(read({"BASIC " + base64_encode("u:p")}) == "basic:u:p");
}

TEST_CASE("two Authorization headers are refused also when they are equal") {
  CHECK(read({"Bearer a", "Bearer a"}) == "two_credentials");
  CHECK(read({"Bearer a", basic("u:p")}) == "two_credentials");
  CHECK(read({"", ""}) == "two_credentials");
}

TEST_CASE("two credentials in one header are refused") {
  CHECK(read({"Bearer a, Basic dTpw"}) == "malformed_credential");
  CHECK(read({"Bearer a b"}) == "malformed_credential");
  CHECK(read({"Bearer a,b"}) == "malformed_credential");
}

TEST_CASE("a scheme that proves possession or is unknown is refused and never read as Bearer") {
  for (const char* value : {"DPoP a.b.c", "Negotiate abc", "Digest username=\"u\"", "a.b.c", "", "Token abc"}) {
    INFO(value);
    CHECK(read({value}) == "unsupported_scheme");
  }
}

TEST_CASE("a credential that is not well made is refused") {
  for (const char* value : {"Bearer", "Bearer ", "Bearer =", "Bearer a\tb", "Bearer \"a\"", "Basic", "Basic !!!!",
                            "Basic dTpw=", "Basic dTp", "Basic dQ=="}) {
    INFO(value);
    CHECK(read({value}) == "malformed_credential");
  }
  CHECK(read({basic(std::string_view("u:a\0b", 5))}) == "malformed_credential");
  CHECK(read({basic("u:a\nb")}) == "malformed_credential");
  CHECK(read({"Bearer " + std::string(40000, 'a')}) == "malformed_credential");
}

TEST_CASE("a large token of Entra fits into Basic") {
  const std::string token(16384, 'a');
  CHECK(read({basic("oidc:" + token)}) == "basic:oidc:" + token);
}

TEST_CASE("the peer of a socket is a token of issuer unix") {
  const VerifiedToken token = unix_peer_token({.uid = 990, .gid = 991, .user = "postern-deploy"});
  CHECK(token.issuer_name == "unix");
  CHECK(token.subject == "990");
  CHECK(*token.claims.find_int("uid") == 990);
  CHECK(*token.claims.find_int("gid") == 991);
  CHECK(*token.claims.find_string("user") == "postern-deploy");
  CHECK(token.client.empty());
  CHECK(unix_peer_token({.uid = 1, .gid = 1, .user = ""}).claims.find("user") == nullptr);
}

TEST_CASE("a refusal never quotes the credential") {
  for (const std::string& value : {std::string("Bearer se cret"), basic("secret"), std::string("Secret abc")}) {
    const std::string_view view = value;
    const Credential credential = credential_of({&view, 1});
    REQUIRE(std::holds_alternative<Refused>(credential));
    CHECK(std::get<Refused>(credential).advice.find("cret") == std::string::npos);
  }
}

}  // namespace
}  // namespace postern::identity
