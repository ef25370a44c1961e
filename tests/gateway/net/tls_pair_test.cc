#include "gateway/net/tls_pair.h"

#include <catch2/catch.hpp>

#include "tests/gateway/net/tls_identity_openssl.h"

namespace postern::net {
namespace {

std::string refused(std::string_view certificate, const std::string& key) {
  const Result<WallTime> until = tls_pair_expiry(certificate, Secret(key));
  REQUIRE_FALSE(until);
  CHECK(until.error().code == ErrorCode::invalid_input);
  return until.error().message;
}

TEST_CASE("a certificate and its key say when they expire") {
  const TlsIdentity own("postern.test", 1000);
  const TlsIdentity past("postern.test", -1000);
  const WallTime now = SystemClock().wall();
  const Result<WallTime> until = tls_pair_expiry(own.certificate_pem(), Secret(own.key_pem()));
  REQUIRE(until);
  CHECK(*until > now + std::chrono::seconds(900));
  CHECK(*until < now + std::chrono::seconds(1100));
  CHECK(tls_pair_expiry(past.certificate_pem(), Secret(past.key_pem())).value() < now);
  // What signed it may follow.
  CHECK(tls_pair_expiry(own.certificate_pem() + past.certificate_pem(), Secret(own.key_pem())));
}

TEST_CASE("a pair that no server could use is named for what it is") {
  const TlsIdentity own("postern.test");
  const TlsIdentity other("postern.test");
  CHECK_THAT(refused(own.certificate_pem(), other.key_pem()), Catch::Contains("do not belong together"));
  CHECK_THAT(refused(other.certificate_pem() + own.certificate_pem(), own.key_pem()),
             Catch::Contains("the first certificate"));
  CHECK_THAT(refused("text", own.key_pem()), Catch::Contains("the certificate is no PEM"));
  CHECK_THAT(refused("", own.key_pem()), Catch::Contains("the certificate is no PEM"));
  CHECK_THAT(refused(own.certificate_pem(), "text"), Catch::Contains("the key is no readable PEM"));
  CHECK_THAT(refused(own.certificate_pem(), own.certificate_pem()), Catch::Contains("the key is no readable PEM"));
  CHECK_THAT(refused(own.certificate_pem(), own.key_pem("secret")), Catch::Contains("wants a passphrase"));
}

}  // namespace
}  // namespace postern::net
