// `postern audit verify`: a whole store against keys and witnesses.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/audit/verify.h"
#include "gateway/base/result.h"
#include "gateway/identity/jws.h"
#include "gateway/store/store.h"

namespace postern::store {

struct WitnessContent {
  std::string name;  // for messages
  std::string content;
};

// Read the witnesses before calling: what is written meanwhile then only adds. The store may be in use. An Error means
// that it could not be read, which says nothing about it.
Result<audit::VerifyReport> verify_store(Store& store, std::vector<identity::PublicKey> keys,
                                         std::span<const WitnessContent> witnesses);

}  // namespace postern::store
