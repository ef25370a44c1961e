#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "hooks/policy/secrets.h"
#include "hooks/template/information.h"

namespace postern::tree {
namespace {

// Whether the diagnostic hides or masks that header at that place.
bool is_masked(const json::Value& message, std::string_view header) {
  const json::Value* masking = message.find("dataMasking");
  const json::Value* headers = masking == nullptr ? nullptr : masking->find("headers");
  if (headers == nullptr || headers->as_array() == nullptr) return false;
  return std::any_of(headers->as_array()->begin(), headers->as_array()->end(), [&](const json::Value& one) {
    const std::string* name = one.find_string("value");
    return name != nullptr && ascii_lower(*name) == ascii_lower(header);
  });
}

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (information_kind(file) != "diagnostic") continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    const std::optional<Information> information = Information::read(*text);
    if (!information) continue;
    for (const char* side : {"frontend", "backend"}) {
      for (const char* way : {"request", "response"}) {
        const json::Value* message = information->at({side, way});
        if (message == nullptr || message->as_object() == nullptr) continue;
        const json::Value* bytes = information->at({side, way, "body", "bytes"});
        if (bytes != nullptr && bytes->as_int() != nullptr && *bytes->as_int() > 0) {
          information->add(
              reporter, file.path, *text, *bytes,
              fmt::format("up to {} bytes of every {} {}'s body go into the log", *bytes->as_int(), side, way),
              "set bytes to 0; bodies hold personal data and credentials");
        }
        const json::Value* headers = message->find("headers");
        if (headers == nullptr || headers->as_array() == nullptr) continue;
        for (const json::Value& header : *headers->as_array()) {
          const std::string* name = header.as_string();
          if (name == nullptr || !policy::is_secret_header(*name) || is_masked(*message, *name)) continue;
          information->add(reporter, file.path, *text, header,
                           fmt::format("the {} {}'s header '{}' goes into the log", side, way, printable(*name, 60)),
                           "take it out of the list, or mask it: dataMasking.headers");
        }
      }
    }
  }
  return {};
}

}  // namespace

const TreeRule kLoggedContent{
    {"logged-content", policy::Severity::warning, "Diagnostics log neither bodies nor credentials.",
     "What a diagnostic logs is read by more people, and kept longer, than the calls themselves. For policies that "
     "log: "
     "sensitive-log.",
     "{ \"properties\": { \"frontend\": { \"request\": { \"headers\": [\"Authorization\"], \"body\": { \"bytes\": 8192 "
     "} } } } }",
     "{ \"properties\": { \"frontend\": { \"request\": { \"headers\": [\"User-Agent\"], \"body\": { \"bytes\": 0 } } } "
     "} "
     "}"},
    check};

}  // namespace postern::tree
