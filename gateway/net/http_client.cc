#include "gateway/net/http_client.h"

namespace postern::net {

const std::string* HttpResponse::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return &value;
  }
  return nullptr;
}

}  // namespace postern::net
