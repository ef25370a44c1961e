#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "gateway/net/tls_pair.h"

namespace postern::net {
namespace {

struct Free {
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> bio_of(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Instead of a question on the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// What went wrong is said by us; OpenSSL's own words stay in a queue of this thread.
std::unexpected<Error> unusable(const char* what) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_input, what);
}

}  // namespace

Result<WallTime> tls_pair_expiry(std::string_view certificate_pem, const Secret& key_pem) {
  const Owned<BIO> certificate_text = bio_of(certificate_pem);
  const Owned<BIO> key_text = bio_of(key_pem.reveal());
  if (!certificate_text || !key_text) return fail(ErrorCode::internal, "OpenSSL: out of memory");
  const Owned<X509> certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  if (!certificate) return unusable("the certificate is no PEM that begins with -----BEGIN CERTIFICATE-----");
  bool asked = false;
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, &asked));
  if (!key)
    return unusable(asked ? "the key wants a passphrase; accepted: a PEM key without one"
                          : "the key is no readable PEM of a private key");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return unusable("certificate and key do not belong together; the first certificate of the file must be the key's");
  }
  std::tm until{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &until) != 1) {
    return unusable("the certificate's notAfter is no time");
  }
  return WallTime(std::chrono::seconds(::timegm(&until)));
}

}  // namespace postern::net
