#include "gateway/git/ref_json.h"

#include "gateway/base/encoding.h"

namespace postern::git {

json::Value to_json(const RefUpdate& update) {
  const bool text = is_utf8(update.ref);
  json::Object out{{"ref", text ? update.ref : printable(update.ref, update.ref.size() * 4)},
                   {"old", update.old_id.hex()},
                   {"new", update.new_id.hex()}};
  if (!text) out.emplace_back("ref_hex", hex_encode(update.ref));
  return out;
}

Result<RefUpdate> parse_ref_update(const json::Value& value) {
  const auto invalid = [](std::string_view what) {
    return fail(ErrorCode::invalid_input, "a ref update " + std::string(what));
  };
  const std::string* ref = value.find_string("ref");
  const std::string* old_id = value.find_string("old");
  const std::string* new_id = value.find_string("new");
  if (ref == nullptr || old_id == nullptr || new_id == nullptr) return invalid("without ref, old or new");
  std::string bytes = *ref;
  if (const json::Value* hex = value.find("ref_hex")) {
    const auto decoded = hex->as_string() == nullptr ? Result<std::string>(invalid("")) : hex_decode(*hex->as_string());
    if (!decoded) return invalid("whose ref_hex is no hex");
    bytes = *decoded;
  }
  if (!is_valid_ref_name(bytes)) return invalid("of '" + printable(bytes, 200) + "', which is no ref name");
  const auto from = ObjectId::parse(*old_id);
  const auto to = ObjectId::parse(*new_id);
  if (!from || !to) return invalid("whose old or new is no object id");
  return RefUpdate{*from, *to, std::move(bytes)};
}

}  // namespace postern::git
