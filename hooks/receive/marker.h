// The marker in a bare repository: which repository of Gogs it is, whatever name it has now. It survives
// a rename, and forks do not copy it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/git/repo_path.h"

namespace postern::receive {

// Value: <repository>/postern.json.
struct Marker {
  std::optional<std::int64_t> id;  // Gogs' id; none where the upstream has none
  std::string name;                // "owner/name"
  bool operator==(const Marker&) const = default;
};

// The file's content. corrupt: anything else than one object with version 1, an id or null, and a name that is one.
Result<Marker> parse_marker(std::string_view text);
std::string to_text(const Marker& marker);

std::string marker_path(const std::string& repository_directory);
// nullopt: no marker. corrupt: there is one and it cannot be read.
Result<std::optional<Marker>> read_marker(const std::string& repository_directory);
Status write_marker(const std::string& repository_directory, const Marker& marker);

}  // namespace postern::receive
