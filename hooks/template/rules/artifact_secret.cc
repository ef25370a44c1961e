#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "gateway/base/encoding.h"
#include "hooks/policy/secrets.h"
#include "hooks/template/information.h"

namespace postern::tree {
namespace {

constexpr std::string_view kHelp =
    "take it out of the repository and renew it: it stays in the history; secrets come from Key Vault or from the "
    "pipeline";

unsigned line_of(std::string_view text, std::size_t offset) {
  return static_cast<unsigned>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n')) + 1;
}

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::information) continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    std::set<unsigned> said;  // lines: one secret is one finding
    const auto add = [&](std::size_t offset, const std::string& what) {
      const unsigned line = line_of(*text, offset);
      // No column: behind the name it would tell where the secret ends.
      if (said.insert(line).second)
        reporter.add_at(file.path, line, 1, fmt::format("{} is written here in plain text", what), std::string(kHelp));
    };
    const std::optional<Information> information = Information::read(*text);
    if (information) {
      const std::uint32_t mark = text->starts_with("\xef\xbb\xbf") ? 3 : 0;
      const std::string kind = information_kind(file);
      const json::Value* value = information->at({"value"});
      if (kind == "namedvalue" && value != nullptr && value->as_string() != nullptr) {
        const json::Value* secret = information->at({"secret"});
        const std::string* name = information->properties().find_string("displayName");
        const bool declared = secret != nullptr && secret->as_bool() != nullptr && *secret->as_bool();
        if (declared ? policy::is_written_password(*value->as_string())
                     : name != nullptr && policy::names_secret(*name) && policy::looks_secret(*value->as_string()))
          add(value->span.begin + mark, declared ? "the value of a secret named value" : "a secret in a named value");
      }
      for (const char* where : {"header", "query"}) {
        const json::Value* list = information->at({"credentials", where});
        if (kind != "backend" || list == nullptr || list->as_object() == nullptr) continue;
        for (const auto& [name, values] : *list->as_object()) {
          if (!policy::names_secret(name) || values.as_array() == nullptr) continue;
          for (const json::Value& one : *values.as_array())
            if (one.as_string() != nullptr && policy::looks_secret(*one.as_string()))
              add(one.span.begin + mark, fmt::format("the {} '{}'", where, printable(name, 60)));
        }
      }
    }
    for (const policy::SecretHit& hit : policy::find_secrets(*text)) add(hit.begin, std::string(hit.what));
  }
  return {};
}

}  // namespace

const TreeRule kArtifactSecret{
    {.id = "artifact-secret",
     .severity = policy::Severity::warning,
     .summary = "No secret is written into an artifact.",
     .why = "Whoever may read the repository has it, for ever: values of secret named values, credentials of backends "
            "and loggers, keys of subscriptions. The finding never shows the secret. For policies: inline-secret.",
     .bad =
         "{ \"properties\": { \"displayName\": \"orders-key\", \"secret\": true, \"value\": \"(the key itself)\" } }",
     .good = "{ \"properties\": { \"displayName\": \"orders-key\", \"secret\": true, \"keyVault\": { "
             "\"secretIdentifier\": \"https://contoso.vault.azure.net/secrets/orders-key\" } } }",
     .check = nullptr,
     .syntax = false,
     .hides_source = true},
    check};

}  // namespace postern::tree
