#include "gateway/config/known_names.h"

#include <string_view>

#include "gateway/base/json.h"

namespace postern::config {

namespace schema {
extern const std::string_view rules_json;
}

const KnownNames& known_names() {
  static const KnownNames names = [] {
    KnownNames found;
    const auto root = json::parse(schema::rules_json);
    if (!root) return found;  // a test holds that this does not happen
    const auto read = [&](std::string_view list, std::vector<std::string>& into) {
      const json::Value* value = root->find(list);
      if (value == nullptr || value->as_array() == nullptr) return;
      for (const auto& element : *value->as_array()) {
        const std::string* name = element.as_string() != nullptr ? element.as_string() : element.find_string("id");
        if (name != nullptr) into.push_back(*name);
      }
    };
    read("rules", found.rules);
    read("layouts", found.layouts);
    read("kinds", found.kinds);
    return found;
  }();
  return names;
}

}  // namespace postern::config
