// ECDSA signatures in their two spellings: JOSE's r || s of fixed width (RFC 7518 §3.4), and the DER that OpenSSL
// reads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::identity {

enum class Curve { p256, p384 };

// Value: a DER ECDSA-Sig-Value; at most 2 + 2 * (2 + 49) bytes for P-384.
class DerSignature {
 public:
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return size_; }

 private:
  friend std::optional<DerSignature> ecdsa_to_der(Curve curve, std::string_view raw);
  void append_byte(std::uint8_t byte) { bytes_[size_++] = byte; }
  void append_integer(std::string_view big_endian);
  std::array<std::uint8_t, 112> bytes_{};
  std::size_t size_ = 0;
};

// None unless `raw` has exactly the curve's width (64 or 96 bytes) and 1 <= r, s <= n-1. High s is taken, as JWS does.
std::optional<DerSignature> ecdsa_to_der(Curve curve, std::string_view raw);

}  // namespace postern::identity
