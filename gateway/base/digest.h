// Digests and random bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);

// SHA-256 over pieces. Value-like, not thread-safe; finish() may be called once.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void update(std::string_view bytes);
  Sha256 finish();

 private:
  void* context_;
};

// `count` bytes from the system's generator; aborts the process when there are none to be had.
std::string random_bytes(std::size_t count);

// True when both are equal, in a time that depends on the length alone.
bool equal_constant_time(std::string_view a, std::string_view b);

inline std::string_view as_view(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace postern
