// The ARM body of an artifact, with places.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/json.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {

// Value: a *Information.json that parses and has an object below "properties".
class Information {
 public:
  // nullopt: it does not parse or has another shape, which artifact-json and artifact-shape say.
  static std::optional<Information> read(std::string_view text);

  const json::Value& properties() const { return *value_.find("properties"); }
  // The value at a way of names below "properties" ("tls", "validateCertificateName"); null when there is none.
  const json::Value* at(std::initializer_list<std::string_view> way) const;
  // Reports at a value of it.
  void add(TreeReporter& reporter, const std::string& path, std::string_view text, const json::Value& at,
           std::string message, std::string help = {}, std::optional<policy::Severity> severity = {}) const;

 private:
  json::Value value_;
  std::uint32_t mark_ = 0;  // bytes of a byte order mark
};

// "backend" of "backends/b/backendInformation.json", in lower case; empty for what is no such file.
std::string information_kind(const TreeFile& file);
// Whether some publisher reads or wrote files of that kind.
bool is_known_kind(std::string_view kind);

}  // namespace postern::tree
