// Where checkpoints go that the gateway cannot take back.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern::store {

// Used by one thread at a time.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual Status write(std::string_view jws) = 0;  // durable as far as the witness can be
};

// "file:/absolute/path": appended to, one line each, synced; opened anew for every line, so that it may be rotated.
// "syslog:": the system's log, "postern-checkpoint <JWS>", facility auth. bad_usage for any other.
Result<std::unique_ptr<Witness>> open_witness(std::string_view url);

}  // namespace postern::store
