#include <fmt/core.h>

#include "gateway/base/encoding.h"
#include "hooks/template/references.h"

namespace postern::tree {
namespace {

bool may_refer(const TreeFile& file) {
  return file.artifact.kind == ArtifactKind::policy || file.artifact.kind == ArtifactKind::fragment;
}

class Check {
 public:
  Check(TreeView& view, TreeReporter& reporter) : view_(view), reporter_(reporter), names_(view) {}

  Status run() {
    Result<Taken> taken = Taken::find(view_, names_);
    if (!taken) return fail(taken.error());
    taken_ = std::move(*taken);
    return judge_users(view_, taken_, may_refer, [this](const TreeFile& file, std::string_view text, bool only_taken) {
      return judge(file, text, only_taken);
    });
  }

 private:
  Status judge(const TreeFile& file, std::string_view text, bool only_taken) {
    for (const policy::Reference& reference : policy::list_references(text)) {
      const std::string_view collection = collection_of(reference.kind);
      if (!reference.certain || is_external(view_.options(), collection, reference.name)) continue;
      const bool gone = taken_.holds(collection, reference.name, file.artifact);
      if (only_taken && !gone) continue;
      const Result<bool> found = names_.has(collection, reference.name, file.artifact);
      if (!found) return fail(found.error());
      if (*found) continue;
      // A tree that carries no such resources keeps them elsewhere.
      const Result<bool> carried = names_.carries(collection, file.artifact);
      if (!carried) return fail(carried.error());
      if (!*carried && !gone && !names_externals(view_.options(), collection)) continue;
      const Result<bool> renamed = gone ? Result<bool>(false) : is_shown_by_override(reference);
      if (!renamed) return fail(renamed.error());
      if (*renamed) continue;
      if (Status said = say(file, reference, gone); !said) return said;
    }
    return {};
  }

  // Publishers look for a named value by the display name that the configuration of the environment gives it.
  Result<bool> is_shown_by_override(const policy::Reference& reference) {
    if (reference.kind != policy::Reference::Kind::named_value) return false;
    const Result<std::string_view> texts = view_.configuration_texts();
    if (!texts) return fail(texts.error());
    constexpr std::string_view kKey = "displayName:";
    for (std::size_t at = texts->find(kKey); at != std::string_view::npos; at = texts->find(kKey, at + 1)) {
      std::string_view value = texts->substr(at + kKey.size());
      value = value.substr(0, value.find_first_of(",}#\r\n"));
      const auto is_mark = [](char c) { return c == ' ' || c == '"' || c == '\''; };
      while (!value.empty() && is_mark(value.front())) value.remove_prefix(1);
      while (!value.empty() && is_mark(value.back())) value.remove_suffix(1);
      if (ascii_lower(value) == ascii_lower(reference.name)) return true;
    }
    return false;
  }

  Status say(const TreeFile& file, const policy::Reference& reference, bool gone) {
    const std::string what = fmt::format("{} '{}'", policy::to_string(reference.kind), printable(reference.name, 100));
    if (gone) {
      reporter_.add_at(file.path, reference.begin.line, reference.begin.column,
                       what + " is deleted by this change and still used here",
                       "remove the use as well, or keep the artifact", policy::Severity::error);
      return {};
    }
    std::string help = "add the artifact, mend the name, or declare it external in the settings";
    if (reference.kind == policy::Reference::Kind::named_value) {
      const Result<std::optional<std::string>> other = names_.other_display(reference.name, file.artifact);
      if (!other) return fail(other.error());
      if (*other)
        help = fmt::format("policies go by the display name, which is '{}' in the folder of that name",
                           printable(**other, 100));
    }
    if (reference.kind == policy::Reference::Kind::certificate)
      help = "mend the id, or declare it external in the settings";
    reporter_.add_at(file.path, reference.begin.line, reference.begin.column, what + " is not in this tree",
                     std::move(help), policy::Severity::warning);
    return {};
  }

  TreeView& view_;
  TreeReporter& reporter_;
  Names names_;
  Taken taken_;
};

}  // namespace

const TreeRule kMissingReference{{"missing-reference", policy::Severity::warning,
                                  "Named values, fragments, backends and loggers that policies name exist in the tree.",
                                  "ARM refuses a policy that names what the service does not have. Named values go by "
                                  "their display name. What lives "
                                  "outside the tree is declared in the settings; certificates, which no tree carries, "
                                  "are asked for once the settings "
                                  "declare some. What this very change deletes is an error.",
                                  "<include-fragment fragment-id=\"auht\" /> where the folder is named auth",
                                  "<include-fragment fragment-id=\"auth\" />"},
                                 [](TreeView& view, TreeReporter& reporter) { return Check(view, reporter).run(); }};

}  // namespace postern::tree
