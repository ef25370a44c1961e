#include "gateway/git/lfs.h"

#include "gateway/base/json.h"
#include "gateway/git/ref_update.h"

namespace postern::git {
namespace {

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::invalid_input, "LFS batch: " + std::move(message));
}

bool is_oid(std::string_view text) {
  if (text.size() != 64) return false;
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<LfsBatch> parse_lfs_batch(std::string_view body) {
  Result<json::Value> parsed = json::parse(body, {.bytes = kLfsBatchMax, .depth = 16, .values = 50000});
  if (!parsed) return fail(in_context("LFS batch", parsed.error()));
  if (parsed->as_object() == nullptr) return bad("expected an object");
  LfsBatch batch;
  const std::string* operation = parsed->find_string("operation");
  if (operation == nullptr || (*operation != "upload" && *operation != "download")) {
    return bad("'operation' must be \"upload\" or \"download\"");
  }
  batch.upload = *operation == "upload";
  if (const json::Value* algorithm = parsed->find("hash_algo")) {
    if (algorithm->as_string() == nullptr || *algorithm->as_string() != "sha256") {
      return bad("'hash_algo' must be \"sha256\"");
    }
  }
  if (const json::Value* transfers = parsed->find("transfers")) {
    const json::Array* list = transfers->as_array();
    if (list == nullptr) return bad("'transfers' must be an array");
    bool basic = list->empty();
    for (const json::Value& entry : *list) basic = basic || (entry.as_string() && *entry.as_string() == "basic");
    if (!basic) return bad("'transfers' must hold \"basic\"");
  }
  if (const json::Value* ref = parsed->find("ref"); ref != nullptr && !ref->is_null()) {
    const std::string* name = ref->find_string("name");
    if (name == nullptr || !is_valid_ref_name(*name)) return bad("'ref.name' must be a full ref name");
    batch.ref = *name;
  }
  const json::Value* objects = parsed->find("objects");
  if (objects == nullptr || objects->as_array() == nullptr) return bad("'objects' must be an array");
  for (const json::Value& entry : *objects->as_array()) {
    const std::string* oid = entry.find_string("oid");
    const std::int64_t* size = entry.find_int("size");
    if (oid == nullptr || !is_oid(*oid)) return bad("'oid' must be 64 lower-case hex digits");
    if (size == nullptr || *size < 0) return bad("'size' must be a whole number, zero or more");
    batch.objects.push_back({*oid, static_cast<std::uint64_t>(*size)});
  }
  return batch;
}

bool is_lfs_pointer(std::string_view blob) {
  // A pointer is smaller than 1024 bytes, and its first line is the version.
  if (blob.size() >= 1024) return false;
  return blob.starts_with("version https://git-lfs.github.com/spec/") ||
         blob.starts_with("version https://hawser.github.com/spec/") ||
         blob.starts_with("version http://git-media.io/v/");
}

}  // namespace postern::git
