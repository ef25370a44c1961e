// A throw-away TLS server side for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace postern::net {

// Owns a fresh P-256 key and a self-signed certificate for one DNS name.
class TlsIdentity {
 public:
  explicit TlsIdentity(const std::string& dns_name, long valid_seconds = 3600);
  ~TlsIdentity();
  std::string certificate_pem() const;
  std::string key_pem(const std::string& passphrase = {}) const;

  // Shakes hands as the server on a connected socket, hands one decrypted request to `answer` and sends what it
  // returns. False when the client went away first.
  bool serve_one(int fd, const std::function<std::string(std::string)>& answer) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::net
