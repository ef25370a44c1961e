#include "hooks/receive/marker.h"

#include "gateway/base/file.h"
#include "gateway/base/json.h"

namespace postern::receive {

std::string marker_path(const std::string& repository_directory) { return repository_directory + "/postern.json"; }

Result<Marker> parse_marker(std::string_view text) {
  Result<json::Value> parsed = json::parse(text);
  if (!parsed) return fail(ErrorCode::corrupt, parsed.error().message);
  const std::int64_t* version = parsed->find_int("version");
  if (version == nullptr || *version != 1) return fail(ErrorCode::corrupt, "expected \"version\": 1");
  const std::string* name = parsed->find_string("name");
  if (name == nullptr || !git::RepoPath::parse(*name)) {
    return fail(ErrorCode::corrupt, "expected \"name\": \"owner/name\"");
  }
  const json::Value* id = parsed->find("id");
  if (id == nullptr || (!id->is_null() && id->as_int() == nullptr)) {
    return fail(ErrorCode::corrupt, "expected \"id\": number or null");
  }
  return Marker{id->is_null() ? std::nullopt : std::optional(*id->as_int()), *name};
}

std::string to_text(const Marker& marker) {
  json::Value value;
  value.set("version", 1);
  value.set("id", marker.id ? json::Value(*marker.id) : json::Value());
  value.set("name", marker.name);
  return json::dump(value) + "\n";
}

Result<std::optional<Marker>> read_marker(const std::string& repository_directory) {
  const std::string path = marker_path(repository_directory);
  Result<std::string> text = read_file(path, 4096);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return std::optional<Marker>{};
    return fail(text.error());
  }
  Result<Marker> marker = parse_marker(*text);
  if (!marker) return fail(in_context(path, marker.error()));
  return std::optional<Marker>(std::move(*marker));
}

Status write_marker(const std::string& repository_directory, const Marker& marker) {
  return write_file_atomic(marker_path(repository_directory), to_text(marker), 0644);
}

}  // namespace postern::receive
