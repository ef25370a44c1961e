// Tokens as attackers and issuers send them, through the whole authenticator. Every test opens with what the sender
// hopes for.
#include <catch2/catch.hpp>
#include <filesystem>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "gateway/identity/providers.h"
#include "gateway/identity/token_authenticator.h"
#include "tests/gateway/identity/test_key_openssl.h"

namespace postern::identity {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr const char* kIssuer = "https://idp.example.com/tenant";

struct Keys {
  TestKey rsa = TestKey::rsa();
  TestKey rsa_pinned = TestKey::rsa();
  TestKey ec = TestKey::ec("P-256");
  TestKey ec384 = TestKey::ec("P-384");
  TestKey ed = TestKey::ed25519();
  TestKey stranger = TestKey::rsa();
};
const Keys& keys() {
  static const Keys made;
  return made;
}

IssuerConfig config_of(std::string name, std::string issuer) {
  IssuerConfig out;
  out.name = std::move(name);
  out.issuer = std::move(issuer);
  out.audiences = {"api://postern", "second"};
  out.jwks_url = "https://idp.example.com/keys";
  out.name_claim = "preferred_username";
  return out;
}

struct Gate {
  ManualClock clock{WallTime(seconds(kNow))};
  std::vector<std::string> fetched;
  std::string jwks;
  bool down = false;
  KeyRefresher refresher{clock, [this](const FetchRequest& request) -> Result<Fetched> {
                           fetched.push_back(request.url);
                           if (down) return fail(ErrorCode::timeout, "no answer");
                           return Fetched{.status = 200, .body = jwks, .cache_control = "", .retry_after = ""};
                         }};
  std::unique_ptr<Providers> providers;

  explicit Gate(std::vector<IssuerConfig> issuers = {config_of("idp", kIssuer)}) {
    clock.advance(hours(1));  // a machine that has been up for a while
    json::Value pinned = keys().rsa_pinned.jwk("pinned");
    pinned.set("alg", "PS256");
    json::Value set;
    set.set("keys", json::Array{keys().rsa.jwk("rsa"), pinned, keys().ec.jwk("ec"), keys().ec384.jwk("ec384"),
                                keys().ed.jwk("ed")});
    jwks = json::dump(set);
    providers = std::move(Providers::make(issuers, clock, refresher).value());
  }
  std::int64_t now() const { return std::chrono::duration_cast<seconds>(clock.wall().time_since_epoch()).count(); }

  AuthOutcome ask(std::string_view token) { return providers->authenticate_waiting({.token = token, .peer = {}}); }
  // "ok", "not mine", "unavailable", or the reason.
  std::string verdict(std::string_view token) {
    const AuthOutcome outcome = ask(token);
    if (std::holds_alternative<VerifiedTokenPtr>(outcome)) return "ok";
    if (std::holds_alternative<NotMine>(outcome)) return "not mine";
    if (std::holds_alternative<Unavailable>(outcome)) return "unavailable";
    const auto* refused = std::get_if<Refused>(&outcome);
    REQUIRE(refused != nullptr);
    // Nothing that a log or a client gets may repeat the token.
    if (token.size() > 40) CHECK(refused->advice.find(token.substr(token.size() / 2, 20)) == std::string::npos);
    return refused->reason;
  }
  json::Value claims() const {
    json::Value out;
    out.set("iss", kIssuer);
    out.set("aud", "api://postern");
    out.set("sub", "alice");
    out.set("iat", now());
    out.set("exp", now() + 600);
    return out;
  }
  std::string claims_with(std::string_view name, json::Value value) const {
    json::Value out = claims();
    out.set(name, std::move(value));
    return json::dump(out);
  }
  std::string claims_without(std::string_view name) const {
    json::Value out;
    const json::Value all = claims();
    for (const auto& [key, value] : *all.as_object()) {
      if (key != name) out.set(key, value);
    }
    return json::dump(out);
  }
  // The claims, with `name` as this JSON text: for what json::Value cannot spell.
  std::string claims_raw(std::string_view name, std::string_view raw) const {
    std::string text = claims_without(name);
    text.pop_back();
    return text + ",\"" + std::string(name) + "\":" + std::string(raw) + "}";
  }
  std::string sign(std::string_view payload, std::string_view header = R"({"alg":"RS256","kid":"rsa"})") const {
    return keys().rsa.token(header, payload);
  }
  std::string good() const { return sign(json::dump(claims())); }
};

std::string compact(std::string_view header, std::string_view payload, std::string_view signature) {
  return base64url_encode(header) + "." + base64url_encode(payload) + "." + base64url_encode(signature);
}

TEST_CASE("a good token of every algorithm is verified") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":"rsa"})", payload)) == "ok");
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"PS256","kid":"rsa"})", payload)) == "ok");
  CHECK(gate.verdict(keys().rsa_pinned.token(R"({"alg":"PS256","kid":"pinned"})", payload)) == "ok");
  CHECK(gate.verdict(keys().ec.token(R"({"alg":"ES256","kid":"ec"})", payload)) == "ok");
  CHECK(gate.verdict(keys().ec384.token(R"({"alg":"ES384","kid":"ec384"})", payload)) == "ok");
  CHECK(gate.verdict(keys().ed.token(R"({"alg":"EdDSA","kid":"ed"})", payload)) == "ok");
  CHECK(gate.verdict(keys().ed.token(R"({"alg":"Ed25519","kid":"ed"})", payload)) == "ok");
}

TEST_CASE("alg none in any spelling with or without a signature is refused") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  const std::string kept = base64url_decode(gate.good().substr(gate.good().rfind('.') + 1)).value();
  for (const char* alg : {"none", "None", "NONE", "nOnE", "", " none", "none\\u0000"}) {
    INFO(alg);
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":"rsa"})";
    CHECK(gate.verdict(compact(header, payload, "")) == "malformed");
    const std::string verdict = gate.verdict(compact(header, payload, kept));
    CHECK((verdict == "alg_not_allowed" || verdict == "malformed"));
  }
  CHECK(gate.verdict(compact(R"({"kid":"rsa"})", payload, kept)) == "alg_not_allowed");
  CHECK(gate.verdict(compact(R"({"alg":null,"kid":"rsa"})", payload, kept)) == "alg_not_allowed");
  CHECK(gate.verdict(compact(R"({"alg":["RS256"],"kid":"rsa"})", payload, kept)) == "alg_not_allowed");
}

TEST_CASE("HMAC over the public key in any form is refused - CVE-2016-10555") {
  Gate gate;
  const json::Value jwk = keys().rsa.jwk("rsa");
  const std::vector<std::string> secrets = {keys().rsa.public_pem(), keys().rsa.public_der(),
                                            json::dump(jwk),         base64url_decode(*jwk.find_string("n")).value(),
                                            *jwk.find_string("n"),   ""};
  for (const char* alg : {"HS256", "HS384", "HS512", "hs256"}) {
    for (const std::string& secret : secrets) {
      const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":"rsa"})";
      const std::string input = base64url_encode(header) + "." + base64url_encode(json::dump(gate.claims()));
      CHECK(gate.verdict(input + "." + base64url_encode(hmac_sha256(secret, input))) == "alg_not_allowed");
    }
  }
}

TEST_CASE("algorithm names are compared case by case") {
  Gate gate;
  for (const char* alg :
       {"rs256", "Rs256", "RS256 ", "RS-256", "RS512", "ES512", "ES256K", "RSA1_5", "Ed448", "eddsa"}) {
    INFO(alg);
    CHECK(gate.verdict(gate.sign(json::dump(gate.claims()), R"({"alg":")" + std::string(alg) + R"(","kid":"rsa"})")) ==
          "alg_not_allowed");
  }
}

TEST_CASE("a JWS in JSON serialisation is not read - GHSA-jc38-x7x8-2xc8") {
  Gate gate;
  const std::string good = gate.good();
  const std::size_t first = good.find('.');
  const std::size_t second = good.find('.', first + 1);
  json::Value flat;
  flat.set("protected", good.substr(0, first));
  flat.set("header", object(R"({"alg":"none"})"));
  flat.set("payload", good.substr(first + 1, second - first - 1));
  flat.set("signature", good.substr(second + 1));
  CHECK(gate.verdict(json::dump(flat)) == "not mine");
  CHECK_FALSE(parse_jws(json::dump(flat)));
}

TEST_CASE("a key in the header does not sign for itself - CVE-2018-0114") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  for (const char* kid : {"rsa", "mine", ""}) {
    json::Value header = object(R"({"alg":"RS256"})");
    if (*kid != '\0') header.set("kid", kid);
    header.set("jwk", keys().stranger.jwk(kid));
    header.set("x5c", json::Array{json::Value(base64_encode(keys().stranger.public_der()))});
    const std::string verdict = gate.verdict(keys().stranger.token(json::dump(header), payload));
    INFO(kid << " " << verdict);
    CHECK((verdict == "bad_signature" || verdict == "unknown_key"));
  }
  // and does no harm to a token that is fine without it
  json::Value header = object(R"({"alg":"RS256","kid":"rsa"})");
  header.set("jwk", keys().stranger.jwk("rsa"));
  CHECK(gate.verdict(keys().rsa.token(json::dump(header), payload)) == "ok");
}

TEST_CASE("a URL in the header is never fetched") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  CHECK(gate.verdict(gate.good()) == "ok");
  const std::size_t before = gate.fetched.size();
  const std::string header =
      R"({"alg":"RS256","kid":"rsa","jku":"https://evil.example/k","x5u":"http://169.254.169.254/"})";
  CHECK(gate.verdict(keys().stranger.token(header, payload)) == "bad_signature");
  CHECK(gate.verdict(keys().rsa.token(header, payload)) == "ok");
  CHECK(gate.fetched.size() == before);
}

TEST_CASE("a kid is nothing but a name") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  for (const std::string& kid :
       {std::string("../../../../dev/null"), std::string("rsa' OR '1'='1"), std::string("rsa; id"), std::string("%s%n"),
        std::string("RSA"), std::string("rsa "), std::string("{tenantid}")}) {
    json::Value header = object(R"({"alg":"RS256"})");
    header.set("kid", kid);
    CHECK(gate.verdict(keys().rsa.token(json::dump(header), payload)) == "unknown_key");
  }
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":"rsa\u0000"})", payload)) == "malformed");
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":["rsa"]})", payload)) == "malformed");
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":")" + std::string(257, 'k') + "\"}", payload)) ==
        "malformed");
  const std::string verdict =
      gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":")" + std::string(65536, 'k') + "\"}", payload));
  CHECK(verdict == "too_large");
}

TEST_CASE("without a kid only the one key that fits is tried") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  CHECK(gate.verdict(keys().ec.token(R"({"alg":"ES256"})", payload)) == "ok");
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256"})", payload)) == "ok");  // the other RSA key is for PS256
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"PS256"})", payload)) == "unknown_key");  // two would fit
}

TEST_CASE("crit in any form and b64 are refused - CVE-2025-59420") {
  Gate gate;
  for (const char* extra :
       {R"("crit":["x"],"x":1)", R"("crit":[])", R"("crit":"exp")", R"("crit":["exp"])", R"("crit":["absent"])",
        R"("crit":null)", R"("crit":["b64"],"b64":false)", R"("b64":false)", R"("b64":true)"}) {
    INFO(extra);
    CHECK(gate.verdict(gate.sign(json::dump(gate.claims()),
                                 R"({"alg":"RS256","kid":"rsa",)" + std::string(extra) + "}")) == "critical_header");
  }
}

TEST_CASE("an ECDSA signature of zeros or in DER does not open - CVE-2022-21449") {
  Gate gate;
  const std::string header = R"({"alg":"ES256","kid":"ec"})";
  const std::string payload = json::dump(gate.claims());
  const std::string input = base64url_encode(header) + "." + base64url_encode(payload);
  CHECK(gate.verdict(compact(header, payload, std::string(64, '\0'))) == "bad_signature");
  CHECK(gate.verdict(compact(header, payload, std::string(64, '\xff'))) == "bad_signature");
  CHECK(gate.verdict(input + "." + base64url_encode(keys().ec.sign_ecdsa_der(input))) == "bad_signature");
}

TEST_CASE("a key is not used for an algorithm of another") {
  Gate gate;
  const std::string payload = json::dump(gate.claims());
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"ES256","kid":"rsa"})", payload)) == "alg_not_allowed");
  CHECK(gate.verdict(keys().ec.token(R"({"alg":"RS256","kid":"ec"})", payload)) == "alg_not_allowed");
  CHECK(gate.verdict(keys().ec.token(R"({"alg":"ES384","kid":"ec"})", payload)) == "alg_not_allowed");
  CHECK(gate.verdict(keys().rsa_pinned.token(R"({"alg":"RS256","kid":"pinned"})", payload)) == "alg_not_allowed");
}

TEST_CASE("an issuer may be held to fewer algorithms") {
  IssuerConfig config = config_of("idp", kIssuer);
  config.algorithms = {Algorithm::ES256};
  Gate gate({config});
  const std::string payload = json::dump(gate.claims());
  CHECK(gate.verdict(keys().rsa.token(R"({"alg":"RS256","kid":"rsa"})", payload)) == "alg_not_allowed");
  CHECK(gate.fetched.empty());
  CHECK(gate.verdict(keys().ec.token(R"({"alg":"ES256","kid":"ec"})", payload)) == "ok");
}

TEST_CASE("an issuer is compared as a whole and must be a string - CVE-2024-53861") {
  Gate gate;
  for (const json::Value& iss :
       {json::Value("https://idp.example.com/tenan"), json::Value("https://idp.example.com/tenant/"),
        json::Value("https://idp.example.com/tenant2"), json::Value("https://IDP.example.com/tenant"),
        json::Value("https://idp.example.com"), json::Value(""), json::Value(" https://idp.example.com/tenant"),
        json::Value(json::Array{json::Value(kIssuer), json::Value("bad")}),
        json::Value(json::Array{json::Value(kIssuer)}), json::Value(7), json::Value()}) {
    INFO(json::dump(iss));
    CHECK(gate.verdict(gate.sign(gate.claims_with("iss", iss))) == "unknown_issuer");
  }
  CHECK(gate.verdict(gate.sign(gate.claims_without("iss"))) == "unknown_issuer");
  CHECK(gate.fetched.empty());  // a stranger's issuer causes no network call at all
}

TEST_CASE("a key of one issuer does not sign for another that uses the same kid") {
  IssuerConfig other = config_of("other", "https://other.example.com");
  other.jwks_url = "https://other.example.com/keys";
  Gate gate({config_of("idp", kIssuer), other});
  CHECK(gate.verdict(gate.good()) == "ok");
  const std::string ours = gate.jwks;
  json::Value set;
  set.set("keys", json::Array{keys().stranger.jwk("rsa")});
  gate.jwks = json::dump(set);
  CHECK(gate.verdict(gate.sign(gate.claims_with("iss", "https://other.example.com"))) == "bad_signature");
  CHECK(gate.verdict(keys().stranger.token(R"({"alg":"RS256","kid":"rsa"})",
                                           gate.claims_with("iss", "https://other.example.com"))) == "ok");
  CHECK(gate.verdict(keys().stranger.token(R"({"alg":"RS256","kid":"rsa"})", json::dump(gate.claims()))) ==
        "bad_signature");
}

TEST_CASE("an audience must be ours exactly and be there - CVE-2023-22482") {
  Gate gate;
  for (const char* aud : {"null", "[]", "{}", "\"\"", "7", R"(["api://postern",1])", R"([["api://postern"]])",
                          R"("api://postern/")", R"("api://poster")", R"("api://postern2")", R"("API://postern")",
                          R"("other api://postern")", R"(["other","third"])", R"({"api://postern":true})"}) {
    INFO(aud);
    CHECK(gate.verdict(gate.sign(gate.claims_raw("aud", aud))) == "wrong_audience");
  }
  CHECK(gate.verdict(gate.sign(gate.claims_without("aud"))) == "wrong_audience");
  CHECK(gate.verdict(gate.sign(gate.claims_raw("aud", R"(["other","second"])"))) == "ok");
}

TEST_CASE("duplicate members are refused also when one is escaped") {
  Gate gate;
  std::string text = json::dump(gate.claims());
  text.pop_back();
  for (const char* twin : {R"(,"iss":"https://idp.example.com/tenant"})", R"(,"\u0069ss":"evil"})",
                           R"(,"exp":9999999999})", R"(,"a":{"b":1,"b":2}})"}) {
    INFO(twin);
    CHECK(gate.verdict(gate.sign(text + twin)) == "malformed");
  }
  CHECK(gate.verdict(gate.sign(json::dump(gate.claims()), R"({"alg":"RS256","kid":"rsa","alg":"none"})")) ==
        "malformed");
  CHECK(gate.verdict(gate.sign(json::dump(gate.claims()), R"({"alg":"RS256","kid":"rsa","\u0061lg":"none"})")) ==
        "malformed");
}

TEST_CASE("a time that is no sane number is refused") {
  Gate gate;
  for (const char* claim : {"exp", "nbf", "iat"}) {
    for (const char* value : {"-1", "\"1700000000\"", "9007199254740993", "1e300", "-1e300", "18446744073709551616",
                              "true", "null", "[1700000000]", "{}", "9223372036854775807", "-0.5"}) {
      INFO(claim << " " << value);
      CHECK(gate.verdict(gate.sign(gate.claims_raw(claim, value))) == "malformed_claim");
    }
    CHECK(gate.verdict(gate.sign(gate.claims_raw(claim, "1e400"))) == "malformed");
    CHECK(gate.verdict(gate.sign(gate.claims_raw(claim, "NaN"))) == "malformed");
  }
  CHECK(gate.verdict(gate.sign(gate.claims_raw("exp", "9007199254740992"))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_raw("exp", std::to_string(gate.now() + 5) + ".25"))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_raw("nbf", "1.7e9"))) == "ok");
}

TEST_CASE("a token without an end is refused") {
  Gate gate;
  CHECK(gate.verdict(gate.sign(gate.claims_without("exp"))) == "no_expiry");
}

TEST_CASE("expired by a millisecond is expired and skew is counted once") {
  Gate gate;
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", gate.now() - 59))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", gate.now() - 60))) == "expired");
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", gate.now() - 61))) == "expired");
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", 0))) == "expired");
  CHECK(gate.verdict(gate.sign(gate.claims_with("nbf", gate.now() + 60))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("nbf", gate.now() + 61))) == "not_yet_valid");
  CHECK(gate.verdict(gate.sign(gate.claims_with("iat", gate.now() + 60))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("iat", gate.now() + 61))) == "issued_in_future");
  CHECK(gate.verdict(gate.sign(gate.claims_without("iat"))) == "ok");
}

TEST_CASE("a skew of a day counts as five minutes") {
  IssuerConfig config = config_of("idp", kIssuer);
  config.clock_skew = hours(24);
  Gate gate({config});
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", gate.now() - 299))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("exp", gate.now() - 300))) == "expired");
}

TEST_CASE("a maximum age needs iat and holds") {
  IssuerConfig config = config_of("idp", kIssuer);
  config.max_token_age = hours(1);
  Gate gate({config});
  CHECK(gate.verdict(gate.sign(gate.claims_with("iat", gate.now() - 3660))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("iat", gate.now() - 3661))) == "too_old");
  CHECK(gate.verdict(gate.sign(gate.claims_without("iat"))) == "too_old");
}

TEST_CASE("a token of many dots or deep nesting or great length costs nothing - CVE-2025-30204") {
  Gate gate;
  CHECK_FALSE(parse_jws(std::string(1 << 20, '.'), std::size_t{2} << 20));
  CHECK(gate.verdict("ey" + std::string(1 << 20, '.')) == "too_large");
  CHECK(gate.verdict("ey" + std::string(10000, '.')) == "malformed");
  CHECK(gate.verdict(gate.sign(R"({"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}")) == "malformed");
  CHECK(gate.verdict(gate.sign(gate.claims_with("pad", std::string(20000, 'x')))) == "too_large");
  CHECK(gate.verdict(gate.good() + ".x") == "malformed");
  CHECK(gate.verdict(gate.good() + "." + gate.good()) == "malformed");  // five parts: a JWE
  CHECK(gate.fetched.empty());
}

TEST_CASE("text that is not clean UTF-8 is refused") {
  Gate gate;
  const auto payload = [&gate](std::string_view raw) { return gate.claims_raw("name", raw); };
  CHECK(gate.verdict(gate.sign(payload("\"\xff\""))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload("\"\xc0\xaf\""))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload("\"\xed\xa0\x80\""))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload(R"("\ud800")"))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload(R"("a\u0000b")"))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload(R"({"deep\u0000":[1]})"))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload(R"([["\u0000"]])"))) == "malformed");
  CHECK(gate.verdict(gate.sign(payload(R"("\\u0000 as text")"))) == "ok");
  CHECK(gate.verdict(gate.sign("\xef\xbb\xbf" + json::dump(gate.claims()))) == "malformed");
  CHECK(gate.verdict(gate.sign(json::dump(gate.claims()) + "x")) == "malformed");
  CHECK(gate.verdict(gate.sign("[" + json::dump(gate.claims()) + "]")) == "malformed");
}

TEST_CASE("base64url that has a second spelling is refused") {
  Gate gate;
  const std::string good = gate.good();
  REQUIRE(gate.verdict(good) == "ok");
  const std::size_t payload_at = good.find('.') + 1;
  for (const char c : {'=', '?', ' ', '\n', '+', '/', '%'}) {
    for (const std::size_t at : {payload_at, good.size(), std::size_t{10}}) {
      std::string bad = good;
      bad.insert(at, 1, c);
      INFO(static_cast<int>(c) << " at " << at);
      CHECK(gate.verdict(bad) == "malformed");
    }
  }
  // 256 bytes of signature leave four unused bits in the last character.
  std::string trailing = good;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  trailing.back() = alphabet[alphabet.find(good.back()) + 1];
  CHECK(gate.verdict(trailing) == "malformed");
}

TEST_CASE("a token made for another door is refused by its type") {
  Gate gate;
  const auto verdict = [&gate](const std::string& typ) {
    return gate.verdict(gate.sign(json::dump(gate.claims()), R"({"alg":"RS256","kid":"rsa","typ":")" + typ + "\"}"));
  };
  for (const char* typ :
       {"dpop+jwt", "logout+jwt", "secevent+jwt", "kb+jwt", "postern-ticket+jwt", "rt+jwt", "JWE", "x"}) {
    INFO(typ);
    CHECK(verdict(typ) == "wrong_token_type");
  }
  for (const char* typ : {"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "APPLICATION/JWT", "JOSE", ""}) {
    INFO(typ);
    CHECK(verdict(typ) == "ok");
  }
  for (const char* use : {"ID", "Refresh", "Offline"}) {
    CHECK(gate.verdict(gate.sign(gate.claims_with("typ", use))) == "wrong_token_type");
  }
  CHECK(gate.verdict(gate.sign(gate.claims_with("typ", "Bearer"))) == "ok");
}

TEST_CASE("a token bound to a key is refused and never taken as bearer") {
  Gate gate;
  for (const char* cnf : {R"({"jkt":"abc"})", R"({"x5t#S256":"abc"})", "{}", "null"}) {
    CHECK(gate.verdict(gate.sign(gate.claims_raw("cnf", cnf))) == "bound_token");
  }
}

TEST_CASE("a subject must be a string of sane length") {
  Gate gate;
  for (const char* sub : {"null", "7", "\"\"", "[\"alice\"]", "{}"}) {
    CHECK(gate.verdict(gate.sign(gate.claims_raw("sub", sub))) == "malformed_claim");
  }
  CHECK(gate.verdict(gate.sign(gate.claims_without("sub"))) == "malformed_claim");
  CHECK(gate.verdict(gate.sign(gate.claims_with("sub", std::string(2048, 's')))) == "ok");
  CHECK(gate.verdict(gate.sign(gate.claims_with("sub", std::string(2049, 's')))) == "malformed_claim");
}

TEST_CASE("a token signed by another key is refused without another fetch") {
  Gate gate;
  CHECK(gate.verdict(gate.good()) == "ok");
  const std::size_t before = gate.fetched.size();
  for (int i = 0; i < 50; ++i) {
    gate.clock.advance(seconds(40));
    if (i == 0) {
      CHECK(gate.verdict(keys().stranger.token(R"({"alg":"RS256","kid":"rsa"})", json::dump(gate.claims()))) ==
            "bad_signature");
    }
    CHECK(gate.verdict(keys().stranger.token(R"({"alg":"RS256","kid":"rsa"})",
                                             gate.claims_with("jti", std::to_string(i)))) == "bad_signature");
  }
  CHECK(gate.fetched.size() == before);
}

TEST_CASE("what is no JWS is left to others") {
  Gate gate;
  for (const char* token :
       {"", "hunter2", "0123456789abcdef0123456789abcdef01234567", "a.b.c", "ey", "eyJub3RhdG9rZW4"}) {
    INFO(token);
    CHECK(gate.verdict(token) == "not mine");
  }
}

TEST_CASE("the first token of an issuer needs keys and no network is touched by asking") {
  Gate gate;
  const std::string token = gate.good();
  const AuthOutcome first = gate.providers->authenticate({.token = token, .peer = {}});
  REQUIRE(std::holds_alternative<NeedsKeys>(first));
  CHECK(std::get<NeedsKeys>(first).issuer == "idp");
  CHECK(gate.fetched.empty());
  REQUIRE(gate.providers->refresh("idp"));
  CHECK(std::holds_alternative<VerifiedTokenPtr>(gate.providers->authenticate({.token = token, .peer = {}})));
  CHECK(gate.providers->refresh("nobody").error().code == ErrorCode::not_found);
}

TEST_CASE("keys that cannot be had are unavailable and never a refusal") {
  Gate gate;
  gate.down = true;
  CHECK(gate.verdict(gate.good()) == "unavailable");
  CHECK(gate.verdict(gate.good()) == "unavailable");
  CHECK(gate.fetched.size() == 1);  // the second waits for the back-off
  gate.down = false;
  gate.clock.advance(seconds(2));
  CHECK(gate.verdict(gate.good()) == "ok");
}

TEST_CASE("the same token again is answered from memory and changed bytes are not") {
  Gate gate;
  const std::string token = gate.good();
  const auto first = std::get<VerifiedTokenPtr>(gate.ask(token));
  CHECK(std::get<VerifiedTokenPtr>(gate.ask(token)) == first);
  std::string changed = token;
  changed[changed.size() - 20] = changed[changed.size() - 20] == 'A' ? 'B' : 'A';
  CHECK(gate.verdict(changed) == "bad_signature");
  CHECK(std::get<VerifiedTokenPtr>(gate.ask(token)) == first);
}

TEST_CASE("tokens that differ in one claim never share an answer - GHSA-rp9m-7r4c-75qg") {
  Gate gate;
  for (const char* sub : {"alice", "bob", "alice "}) {
    const std::string token = gate.sign(gate.claims_with("sub", sub));
    CHECK(std::get<VerifiedTokenPtr>(gate.ask(token))->subject == sub);
    CHECK(std::get<VerifiedTokenPtr>(gate.ask(token))->subject == sub);
  }
}

TEST_CASE("a remembered token dies with its expiry and after a minute and with its keys") {
  Gate gate;
  const std::string brief = gate.sign(gate.claims_with("exp", gate.now() + 5));
  CHECK(gate.verdict(brief) == "ok");
  gate.clock.advance(seconds(65));
  CHECK(gate.verdict(brief) == "expired");

  const std::string token = gate.good();
  const auto first = std::get<VerifiedTokenPtr>(gate.ask(token));
  gate.clock.advance(seconds(60));
  CHECK(std::get<VerifiedTokenPtr>(gate.ask(token)) != first);  // verified anew

  json::Value set;
  set.set("keys", json::Array{keys().ec.jwk("ec")});
  gate.jwks = json::dump(set);  // the issuer takes the key back
  gate.clock.advance(minutes(9));
  const std::string last = gate.good();
  CHECK(gate.verdict(last) == "ok");
  CHECK(gate.refresher.refresh_due() == 1);
  CHECK(gate.verdict(last) == "unknown_key");
}

// With the usual minute of skew a token remembered for a minute is never older than it may be.
TEST_CASE("a token is not remembered beyond its expiry where no skew is granted") {
  IssuerConfig config = config_of("idp", kIssuer);
  config.clock_skew = seconds(0);
  Gate gate({config});
  const std::string brief = gate.sign(gate.claims_with("exp", gate.now() + 5));
  CHECK(gate.verdict(brief) == "ok");
  gate.clock.advance(seconds(5));
  CHECK(gate.verdict(brief) == "expired");
}

TEST_CASE("the memory of tokens is bounded") {
  TokenCache cache;
  const WallTime now{seconds(kNow)};
  VerifiedToken token;
  token.expires_at = now + hours(1);
  const auto shared = std::make_shared<const VerifiedToken>(token);
  for (int i = 0; i < 20000; ++i) cache.put(sha256(std::to_string(i)), shared, 0, 1, now);
  CHECK(cache.size() <= TokenCache::kShards * TokenCache::kPerShard);
  CHECK(cache.find(sha256("19999"), now).token == shared);
  CHECK(cache.find(sha256("19999"), now - seconds(1)).token == nullptr);  // the calendar was set back
}

TEST_CASE("a bad token never falls back to the account at the other end of the socket") {
  Gate gate;
  const UnixPeer peer{.uid = 7, .gid = 7, .user = "proxy"};
  const auto outcome = [&](std::string_view token) {
    return gate.providers->authenticate_waiting({.token = token, .peer = peer});
  };
  CHECK(std::get<VerifiedTokenPtr>(outcome(""))->issuer_name == "unix");
  CHECK(std::holds_alternative<NotMine>(outcome("hunter2")));
  CHECK(std::holds_alternative<Refused>(outcome(gate.good() + "A")));
  CHECK(std::get<VerifiedTokenPtr>(outcome(gate.good()))->issuer_name == "idp");
  CHECK(std::holds_alternative<NotMine>(gate.providers->authenticate({.token = "", .peer = {}})));
}

TEST_CASE("issuers that could be taken for each other are bad configuration") {
  ManualClock clock{WallTime(seconds(kNow))};
  KeyRefresher refresher(clock, [](const FetchRequest&) -> Result<Fetched> { return fail(ErrorCode::io, "no"); });
  const auto refused = [&](const std::vector<IssuerConfig>& issuers) {
    const auto made = Providers::make(issuers, clock, refresher);
    return !made && made.error().code == ErrorCode::bad_usage;
  };
  CHECK_FALSE(refused({}));
  CHECK_FALSE(refused({config_of("a", "https://a"), config_of("b", "https://b")}));
  CHECK(refused({config_of("a", "https://a"), config_of("a", "https://b")}));
  CHECK(refused({config_of("a", "https://a"), config_of("b", "https://a")}));
  CHECK(refused({config_of("unix", "https://a")}));
  CHECK(refused({config_of("gogs", "https://a")}));
  CHECK(refused({config_of("", "https://a")}));
  IssuerConfig no_audience = config_of("a", "https://a");
  no_audience.audiences.clear();
  CHECK(refused({no_audience}));
}

// --- tokens as the issuers of this world make them: fixtures/jwt/*.json ---

TEST_CASE("the client and the actor and the id of a token are read where issuers put them") {
  Gate gate;
  json::Value claims = gate.claims();
  claims.set("client_id", "third");
  claims.set("uti", "u1");
  CHECK(std::get<VerifiedTokenPtr>(gate.ask(gate.sign(json::dump(claims))))->client == "third");
  claims.set("appid", "second");
  CHECK(std::get<VerifiedTokenPtr>(gate.ask(gate.sign(json::dump(claims))))->client == "second");
  claims.set("azp", "first");
  claims.set("jti", "j1");
  claims.set("act", object(R"({"sub":"robot"})"));
  claims.set("preferred_username", "Alice");
  const auto token = std::get<VerifiedTokenPtr>(gate.ask(gate.sign(json::dump(claims))));
  CHECK(token->client == "first");
  CHECK(token->token_id == "j1");
  CHECK(token->has_actor);
  CHECK(token->display == "Alice");
  CHECK(*token->claims.find_string("uti") == "u1");
  CHECK(gate.verdict(gate.sign(gate.claims_raw("azp", "[\"a\"]"))) == "malformed_claim");
}

TEST_CASE("tokens of real issuers are read as their fixtures say") {
  const std::filesystem::path folder = std::filesystem::path(POSTERN_SOURCE_DIR) / "fixtures" / "jwt";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    DYNAMIC_SECTION(entry.path().stem().string()) {
      const json::Value fixture = object(read_file(entry.path().string(), 1 << 20).value());
      IssuerConfig config = config_of("it", *fixture.find_string("issuer"));
      config.audiences = {*fixture.find_string("audience")};
      Gate gate({config});
      json::Value claims = *fixture.find("claims");
      if (claims.find("exp") != nullptr) claims.set("exp", gate.now() + 3600);  // the shapes are real, the dates move
      for (const char* name : {"iat", "nbf"}) {
        if (claims.find(name) != nullptr) claims.set(name, gate.now() - 5);
      }
      json::Value header = *fixture.find("header");
      header.set("kid", "rsa");
      const std::string token = keys().rsa.token(json::dump(header), json::dump(claims));
      if (const std::string* refused = fixture.find_string("refused")) {
        CHECK(gate.verdict(token) == *refused);
      } else {
        REQUIRE(gate.verdict(token) == "ok");
        const auto verified = std::get<VerifiedTokenPtr>(gate.ask(token));
        const json::Value& expect = *fixture.find("expect");
        CHECK(verified->subject == *expect.find_string("subject"));
        CHECK(verified->client == *expect.find_string("client"));
        CHECK(verified->token_id == *expect.find_string("token_id"));
      }
    }
  }
  CHECK(files >= 10);
}

}  // namespace
}  // namespace postern::identity
