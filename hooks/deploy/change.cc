#include "hooks/deploy/change.h"

#include <fmt/core.h>

#include "gateway/base/encoding.h"
#include "hooks/template/artifact.h"

namespace postern::deploy {

std::string resource_key(std::string_view arm_path) { return ascii_lower(arm_path); }

std::string_view to_string(Action action) { return action == Action::put ? "put" : "delete"; }

Result<Kinds> parse_kinds(const std::vector<std::string>& words) {
  Kinds kinds{false, false};
  for (const std::string& word : words) {
    if (word == "policy") {
      kinds.policies = true;
    } else if (word == "fragment") {
      kinds.fragments = true;
    } else {
      return fail(ErrorCode::invalid_input,
                  fmt::format("kind \"{}\": expected policy or fragment", printable(word, 40)));
    }
  }
  return kinds;
}

Result<Resources> list_resources(const std::vector<TreeFile>& files, std::string_view root, const Kinds& kinds) {
  Resources resources;
  for (const TreeFile& file : files) {
    const auto below = tree::below_root(root, file.path);
    if (!below) continue;
    const tree::Artifact artifact = tree::classify_artifact(*below);
    const bool fragment = artifact.kind == tree::ArtifactKind::fragment;
    if (!fragment && artifact.kind != tree::ArtifactKind::policy) continue;
    if (fragment ? !kinds.fragments : !kinds.policies) continue;
    Resource resource{artifact.arm_path(), artifact.scope, file.path, file.id};
    const auto [place, fresh] = resources.emplace(resource_key(resource.arm_path), resource);
    if (!fresh) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} and {} are the same resource {}; keep one of the two", printable(place->second.file),
                              printable(file.path), printable(resource.arm_path)));
    }
  }
  return resources;
}

std::vector<Change> list_changes(const Resources& from, const Resources& to) {
  std::vector<Change> changes;
  for (const auto& [key, resource] : to) {
    const auto old = from.find(key);
    if (old == from.end() || old->second.id != resource.id) changes.push_back({Action::put, resource});
  }
  for (const auto& [key, resource] : from) {
    if (!to.contains(key)) changes.push_back({Action::remove, resource});
  }
  return changes;
}

}  // namespace postern::deploy
