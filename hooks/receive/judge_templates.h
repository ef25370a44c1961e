// The policy templates among the files of a push.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access/bundle.h"
#include "hooks/policy/check.h"
#include "hooks/policy/finding.h"
#include "hooks/receive/repository_settings.h"
#include "hooks/repo/pushed_tree.h"
#include "hooks/template/words.h"

namespace postern::receive {

// Value: where a file stands as a policy template; nullopt from template_at: it is none by its path.
struct TemplatePlace {
  policy::Scope scope = policy::Scope::unknown;
  // "loose": only its content tells whether it is one.
  bool by_content = false;
};
std::optional<TemplatePlace> template_at(const access::Templates& templates, std::string_view path);

// The findings for one changed file that is there after the push. limit names the limit; anything else: could not find
// out. `counts`, where given, is added to.
Result<std::vector<policy::Finding>> check_template(const repo::PushedTree& tree, const TemplatePlace& place,
                                                    const std::string& path, const repo::Entry& entry,
                                                    const RepositorySettings& settings, std::uint64_t max_bytes,
                                                    std::int64_t today, policy::CheckCounts* counts = nullptr);

// Takes away what the baseline holds. For a rule that the repository may not relax, an entry counts only while the very
// same finding stands in the file as it was before the push (`entry_before`; nullopt: it was not there). What goes is
// added to `dropped`, where given.
Status drop_baselined(std::vector<policy::Finding>& findings, const repo::PushedTree& tree, const TemplatePlace& place,
                      const std::string& path, const std::optional<repo::Entry>& entry_before,
                      const RepositorySettings& settings, std::uint64_t max_bytes, std::int64_t today,
                      std::vector<policy::Finding>* dropped = nullptr);

// What the rules over the whole tree say of one command's change, under the repository's levels and baseline. `before`
// nullopt: everything is new. `changes` are those that came in with this push; `complete`: that is the whole tree.
// What the baseline takes away is added to `dropped`, what comments take away to `suppressed`, where given. Empty for
// the layout "loose".
Result<std::vector<policy::Finding>> check_tree_change(
    const repo::PushedTree& tree, const access::Templates& templates, const std::optional<repo::ObjectId>& before,
    const repo::ObjectId& after, const std::vector<repo::Change>& changes, bool complete,
    const RepositorySettings& settings, std::uint64_t max_bytes, std::int64_t today,
    std::vector<policy::Finding>* dropped = nullptr, std::vector<policy::Finding>* suppressed = nullptr,
    tree::KeptWords* kept = nullptr);

}  // namespace postern::receive
