#include "gateway/git/ref_json.h"

#include "gateway/base/encoding.h"

namespace postern::git {

json::Value to_json(const RefUpdate& update) {
  return json::Object{{"ref", is_ref_text(update.ref) ? update.ref : printable(update.ref, kRefTextMax / 2)},
                      {"old", update.old_id.hex()},
                      {"new", update.new_id.hex()}};
}

Result<RefUpdate> parse_ref_update(const json::Value& value) {
  const auto invalid = [](std::string_view what) {
    return fail(ErrorCode::invalid_input, "a ref update " + std::string(what));
  };
  const std::string* ref = value.find_string("ref");
  const std::string* old_id = value.find_string("old");
  const std::string* new_id = value.find_string("new");
  if (ref == nullptr || old_id == nullptr || new_id == nullptr) return invalid("without ref, old or new");
  if (!is_ref_text(*ref)) return invalid("of '" + printable(*ref, 200) + "', which is no ref name");
  const auto from = ObjectId::parse(*old_id);
  const auto to = ObjectId::parse(*new_id);
  if (!from || !to) return invalid("whose old or new is no object id");
  return RefUpdate{*from, *to, *ref};
}

}  // namespace postern::git
