// Secret: bytes that no log, error or formatter can print.
#pragma once

#include <string>
#include <string_view>

namespace postern {

// Move-only value; wiped when it goes. There is no operator<<, no formatter and no conversion: the one way to the
// bytes is reveal(), which a reviewer can search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  Secret copy() const { return Secret(bytes_); }
  std::string_view reveal() const { return bytes_; }  // valid while this Secret lives and is not moved from
  bool empty() const { return bytes_.empty(); }

 private:
  void wipe() noexcept;
  std::string bytes_;
};

}  // namespace postern
