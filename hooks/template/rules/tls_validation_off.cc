#include <fmt/core.h>

#include "hooks/template/information.h"

namespace postern::tree {
namespace {

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (information_kind(file) != "backend") continue;
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    const std::optional<Information> information = Information::read(*text);
    if (!information) continue;
    for (const char* name : {"validateCertificateChain", "validateCertificateName"}) {
      const json::Value* value = information->at({"tls", name});
      if (value == nullptr || value->as_bool() == nullptr || *value->as_bool()) continue;
      information->add(reporter, file.path, *text, *value,
                       fmt::format("'{}' is false: the gateway talks to whoever answers in the backend's place", name),
                       "leave it out, and give the gateway the authority's certificate where it is a private one");
    }
  }
  return {};
}

}  // namespace

const TreeRule kTlsValidationOff{
    {"tls-validation-off", policy::Severity::warning, "The certificate of a backend is checked.",
     "Without the check of chain and name, TLS hides a call from nobody who can stand in between. What callers and the "
     "gateway prove themselves with is in those calls.",
     "{ \"properties\": { \"tls\": { \"validateCertificateChain\": false } } }",
     "{ \"properties\": { \"tls\": { \"validateCertificateChain\": true } } }"},
    check};

}  // namespace postern::tree
