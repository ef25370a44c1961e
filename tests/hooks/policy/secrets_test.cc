// What is taken for a secret and, more often, what is not.
#include "hooks/policy/secrets.h"

#include <catch2/catch.hpp>
#include <string>

#include "gateway/base/encoding.h"
#include "hooks/policy/check.h"

using namespace postern::policy;

namespace {

// Bytes that look random and are the same each time.
std::string noise(std::size_t size, unsigned seed = 7) {
  std::string out;
  std::uint32_t state = seed;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    out += static_cast<char>(state >> 24U);
  }
  return out;
}

std::string key(std::size_t bytes) { return postern::base64_encode(noise(bytes)); }
std::string token_of(const std::string& header) {
  return postern::base64url_encode(header) + "." + postern::base64url_encode("{\"sub\":\"someone\"}") + "." +
         postern::base64url_encode(noise(32));
}

std::string what(const std::string& text) {
  std::string out;
  for (const SecretHit& hit : find_secrets(text)) out += (out.empty() ? "" : ", ") + std::string(hit.what);
  return out;
}

std::string document(const std::string& inbound) {
  return "<policies><inbound><base />\n" + inbound + "\n</inbound></policies>";
}

std::vector<Finding> secrets_in(const std::string& inbound) {
  std::vector<Finding> out;
  for (Finding& finding : check_policy("a.xml", document(inbound), {}))
    if (finding.rule == "inline-secret") out.push_back(std::move(finding));
  return out;
}

}  // namespace

TEST_CASE("secrets are known by their form") {
  CHECK(what("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + key(64) + ";") == "an account key");
  CHECK(what("Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey=" + key(32)) == "a shared access key");
  CHECK(what("Server=a;Database=b;User Id=c;Password=hunter22") == "a password in a connection string");
  CHECK(what("https://a/b?sv=2022&amp;se=1&amp;sig=" + postern::percent_encode(key(32))) ==
        "a shared access signature");
  CHECK(what("https://a.example.net/api/f?code=" + key(40)) == "a function key");
  CHECK(what("Bearer " + token_of("{\"alg\":\"RS256\"}")) == "a signed token");
  CHECK(what("Basic " + postern::base64_encode("svc:pass")) == "basic credentials");
  CHECK(what("-----BEGIN RSA PRIVATE KEY-----\nMIIE") == "a private key");
  CHECK(what(postern::base64_encode(std::string("\x30\x82\x04\xa4\x02\x01\x00", 7) + noise(200))) == "a private key");
  CHECK(what("{\"client_secret\" : \"" + key(24) + "\"}") == "a secret member");
  CHECK(what("{\\\"apiKey\\\":\\\"" + key(24) + "\\\"}") == "a secret member");
  CHECK(what(std::string("gh") + "p_" + postern::hex_encode(noise(18))) == "a token of a code host");
}

TEST_CASE("what only looks like a secret is none") {
  for (const std::string& text : {
           std::string("id: 7d3c1f0e-52ab-4c8e-9f61-0a4be27d9913"),
           std::string("thumbprint=\"9A1C5E0D7B3F2846A0C9D81E5F7B3264AD0E91C7\""),
           "sha256-" + key(32),
           "ETag: \"" + postern::hex_encode(noise(32)) + "\"",
           "data:image/png;base64," + key(300),
           std::string("AccountKey={{storage-key}};EndpointSuffix=core.windows.net"),
           std::string("SharedAccessKeyName=RootManageSharedAccessKey"),
           std::string("password=@(context.Variables[\"p\"])"),
           std::string("client_secret={{secret}}&grant_type=client_credentials"),
           std::string("response_type=code&code=abc"),
           std::string("Bearer {{token}}"),
           std::string("Bearer realm"),
           std::string("Basic authentication is not supported"),
           "MII" + std::string("DXTCCAkWgAwIBAgIJALmVVuDWu4NYMA0GCSqGSIb3DQEBCwUAMEUxCzAJBgNVBAYTAkFVMRMwEQYDVQQI"
                               "DApTb21lLVN0YXRlMSEwHwYDVQQKDBhJbnRlcm5ldCBXaWRnaXRzIFB0eSBMdGQwHhcN"),
           "{\"token\": \"" + postern::base64_encode("just a long text that hides nothing 1 2 3") + "\"}",
           std::string("{\"secret\": \"your-secret-1a2b3c4d5e6f7g8h\", \"password\": \"********\"}"),
           std::string(
               "{\"tokenUrl\": \"https://a.example.net/oauth2/v2.0/token\", \"apiKeyName\": \"x1y2z3a4b5c6d7e8f9\"}"),
           "-----BEGIN CERTIFICATE-----\n" + key(90),
       }) {
    CAPTURE(text);
    CHECK(what(text) == "");
  }
}

TEST_CASE("names tell what holds a secret") {
  for (const char* name : {"x-functions-key", "Ocp-Apim-Subscription-Key", "clientSecret", "api_key", "Authorization",
                           "accessToken", "password", "x-api-key", "connection-string"}) {
    CAPTURE(name);
    CHECK(names_secret(name));
  }
  for (const char* name : {"x-token-type", "secretName", "key-id", "cacheKey", "token-endpoint", "Content-Type",
                           "partition-key", "passwordExpiry", "monkey", "keyThumbprint"}) {
    CAPTURE(name);
    CHECK_FALSE(names_secret(name));
  }
}

TEST_CASE("a finding tells neither the secret nor how long it is") {
  const std::string secret = key(24);
  const auto header = [](const std::string& value) {
    return "<set-header name=\"x-api-key\" exists-action=\"override\"><value>" + value + "</value></set-header>";
  };
  const std::vector<Finding> one = secrets_in(header(secret));
  const std::vector<Finding> other = secrets_in(header(key(48)));
  REQUIRE(one.size() == 1);
  REQUIRE(other.size() == 1);
  CHECK(one[0].hides_source);
  CHECK(one[0].message == "the value of 'x-api-key' is written here in plain text");
  CHECK((one[0].message + one[0].help).find(secret.substr(0, 8)) == std::string::npos);
  CHECK(one[0].end_column == other[0].end_column);
  CHECK(one[0].fingerprint == other[0].fingerprint);
}

TEST_CASE("one secret is one finding") {
  const std::string header = "<set-header name=\"Authorization\" exists-action=\"override\"><value>Bearer " +
                             token_of("{\"alg\":\"RS256\"}") + "</value></set-header>";
  CHECK(secrets_in(header).size() == 1);
  CHECK(secrets_in("<set-variable name=\"a\" value=\"@(\"AccountKey=" + key(64) + "\")\" />").size() == 1);
}

TEST_CASE("keys in expressions are told by what stands in front of them") {
  const auto in = [](const std::string& code) {
    return secrets_in("<set-variable name=\"v\" value=\"@{ " + code + " return \"\"; }\" />").size();
  };
  CHECK(in("var apiKey = \"" + key(24) + "\";") == 1);
  CHECK(in("var h = new HMACSHA256(Convert.FromBase64String(\"" + key(32) + "\"));") == 1);
  CHECK(in("var o = new JObject(new JProperty(\"client_secret\", \"" + key(24) + "\"));") == 1);
  CHECK(in("var h = new HMACSHA256(Encoding.UTF8.GetBytes(\"{{signing-key}}\"));") == 0);
  CHECK(in("var correlation = \"" + key(24) + "\";") == 0);
  CHECK(in("var s = new SHA256Managed().ComputeHash(Encoding.UTF8.GetBytes(\"a plain long sentence\"));") == 0);
  CHECK(in("if (apiKey == \"" + key(24) + "\") { return \"x\"; }") == 0);
}

TEST_CASE("code that can hold no key is not read for one") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    const std::string secret = postern::base64_encode(noise(12 + seed % 30, seed));
    CAPTURE(secret);
    if (looks_secret(secret)) CHECK(may_hold_secret("var apiKey = \"" + secret + "\";"));
  }
  CHECK(may_hold_secret("new HMACSHA256(Encoding.UTF8.GetBytes(\"correct horse battery staple\"))"));
  CHECK(may_hold_secret("Convert.FromBase64String(\"" + key(32) + "\")"));
  CHECK(may_hold_secret("apiKey = &quot;ab&#x31;c2&#x33;defgh&quot;"));
  CHECK_FALSE(may_hold_secret("context.Response.StatusCode >= 400 && context.Variables.ContainsKey(\"retry1\")"));
  CHECK_FALSE(may_hold_secret(""));
}

TEST_CASE("what is made to be long is read in linear time") {
  for (const char* piece :
       {"code=", "password=abcd,", "-AKIA", "eyJhbGciOiJub25lIn0.", "Basic QQ", "\"key\":\"", "MII"}) {
    CAPTURE(piece);
    std::string text;
    while (text.size() < (std::size_t{2} << 20)) text += piece;
    CHECK(find_secrets(text).empty());
  }
}
