#include "gateway/access/decision.h"

namespace postern::access {

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::read: return "read";
    case Verb::create: return "create";
    case Verb::update: return "update";
    case Verb::force: return "force";
    case Verb::delete_: return "delete";
  }
  return "read";
}

std::optional<Verb> parse_verb(std::string_view text) {
  for (const Verb verb : {Verb::read, Verb::create, Verb::update, Verb::force, Verb::delete_}) {
    if (to_string(verb) == text) return verb;
  }
  return std::nullopt;
}

std::string_view to_string(Mode mode) { return mode == Mode::observe ? "observe" : "enforce"; }

std::string_view to_string(DirectWrites direct) {
  switch (direct) {
    case DirectWrites::refuse: return "refuse";
    case DirectWrites::authorize: return "authorize";
    case DirectWrites::check: return "check";
  }
  return "refuse";
}

std::optional<Mode> parse_mode(std::string_view text) {
  for (const Mode mode : {Mode::observe, Mode::enforce}) {
    if (to_string(mode) == text) return mode;
  }
  return std::nullopt;
}

std::optional<DirectWrites> parse_direct_writes(std::string_view text) {
  for (const DirectWrites direct : {DirectWrites::refuse, DirectWrites::authorize, DirectWrites::check}) {
    if (to_string(direct) == text) return direct;
  }
  return std::nullopt;
}

}  // namespace postern::access
