#include "gateway/git/repo_path.h"

#include "gateway/base/encoding.h"

namespace postern::git {
namespace {

constexpr std::size_t kOwnerMax = 35;
constexpr std::size_t kNameMax = 100;

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_input, "repository '" + printable(text, 200) + "': " + std::string(why));
}

bool has_only_name_bytes(std::string_view segment) {
  for (const char c : segment) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!good) return false;
  }
  return true;
}

bool strip_suffix(std::string& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

}  // namespace

Result<RepoPath> RepoPath::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad(text, "expected owner/name");
  std::string owner = ascii_lower(text.substr(0, slash));
  std::string name = ascii_lower(text.substr(slash + 1));
  if (name.find('/') != std::string::npos) return bad(text, "expected exactly one '/', as in owner/name");
  strip_suffix(name, ".git");
  const bool wiki = strip_suffix(name, ".wiki");
  if (owner.empty() || name.empty()) return bad(text, "owner and name must not be empty");
  if (!has_only_name_bytes(owner) || !has_only_name_bytes(name)) {
    return bad(text, "owner and name hold letters, digits, '-', '_' and '.'");
  }
  if (owner.size() > kOwnerMax) return bad(text, "the owner has more than 35 characters");
  if (name.size() > kNameMax) return bad(text, "the name has more than 100 characters");
  // A trailing dot vanishes on some file systems, and no Gogs repository can be called *.git or *.wiki.
  if (owner.ends_with('.') || name.ends_with('.')) return bad(text, "owner and name must not end in '.'");
  if (name.ends_with(".git") || name.ends_with(".wiki")) return bad(text, "a name must not end in .git or .wiki");
  // "-" is the owner under which everything of ours lives.
  if (owner == "-") return bad(text, "no owner is called '-'");
  return RepoPath(std::move(owner), std::move(name), wiki);
}

}  // namespace postern::git
