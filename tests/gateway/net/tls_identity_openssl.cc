#include "tests/gateway/net/tls_identity_openssl.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace postern::net {

struct TlsIdentity::Impl {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
};

TlsIdentity::TlsIdentity(const std::string& dns_name, long valid_seconds) : impl_(std::make_unique<Impl>()) {
  X509* x = impl_->certificate;
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), valid_seconds);
  X509_set_pubkey(x, impl_->key);
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, "DNS:" + dns_name},
                                   std::pair{NID_basic_constraints, std::string("critical,CA:TRUE")}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x, impl_->key, EVP_sha256());
  SSL_CTX_use_certificate(impl_->context, x);
  SSL_CTX_use_PrivateKey(impl_->context, impl_->key);
}

TlsIdentity::~TlsIdentity() {
  SSL_CTX_free(impl_->context);
  X509_free(impl_->certificate);
  EVP_PKEY_free(impl_->key);
}

static std::string taken(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string pem(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string TlsIdentity::certificate_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, impl_->certificate);
  return taken(bio);
}

std::string TlsIdentity::key_pem(const std::string& passphrase) const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, impl_->key, passphrase.empty() ? nullptr : EVP_aes_128_cbc(), passphrase.data(),
                                static_cast<int>(passphrase.size()), nullptr, nullptr);
  return taken(bio);
}

bool TlsIdentity::serve_one(int fd, const std::function<std::string(std::string)>& answer) const {
  SSL* ssl = SSL_new(impl_->context);
  SSL_set_fd(ssl, fd);
  bool served = false;
  if (SSL_accept(ssl) == 1) {
    std::string request(65536, '\0');
    const int size = SSL_read(ssl, request.data(), static_cast<int>(request.size()));
    if (size > 0) {
      request.resize(static_cast<std::size_t>(size));
      const std::string response = answer(std::move(request));
      served = SSL_write(ssl, response.data(), static_cast<int>(response.size())) > 0;
      SSL_shutdown(ssl);
    }
  }
  SSL_free(ssl);
  return served;
}

}  // namespace postern::net
