#include "hooks/template/information.h"

#include "gateway/base/encoding.h"

namespace postern::tree {

std::optional<Information> Information::read(std::string_view text) {
  Result<json::Value> value = parse_artifact(text);
  if (!value || value->as_object() == nullptr) return std::nullopt;
  const json::Value* properties = value->find("properties");
  if (properties == nullptr || properties->as_object() == nullptr) return std::nullopt;
  Information out;
  out.value_ = std::move(*value);
  out.mark_ = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  return out;
}

const json::Value* Information::at(std::initializer_list<std::string_view> way) const {
  const json::Value* value = &properties();
  for (std::string_view name : way) {
    if (value == nullptr || value->as_object() == nullptr) return nullptr;
    value = value->find(name);
  }
  return value;
}

void Information::add(TreeReporter& reporter, const std::string& path, std::string_view text, const json::Value& at,
                      std::string message, std::string help, std::optional<policy::Severity> severity) const {
  reporter.add(path, text, at.span.begin + mark_, at.span.end + mark_, std::move(message), std::move(help), severity);
}

bool is_known_kind(std::string_view kind) {
  // Azure/apiops 1 to 7 and Azure/apiops-cli.
  constexpr std::string_view kKinds =
      "|api|apirelease|release|apischema|schema|apitag|tag|backend|diagnostic|gateway|gatewayapi|group|logger|"
      "namedvalue|policyfragment|product|productapi|productgroup|producttag|subscription|tagapi|tagproduct|versionset|"
      "apiversionset|workspace|operation|resolver|documentation|policyrestriction|tagdescription|mcpserver|service|";
  return kKinds.find("|" + std::string(kind) + "|") != std::string_view::npos;
}

std::string information_kind(const TreeFile& file) {
  if (file.artifact.kind != ArtifactKind::information) return {};
  const std::size_t slash = file.path.rfind('/');
  std::string stem = ascii_lower(file.path.substr(slash == std::string::npos ? 0 : slash + 1));
  stem.resize(stem.size() - std::string_view("information.json").size());
  return stem;
}

}  // namespace postern::tree
