#include "gateway/identity/identity.h"

namespace postern::identity {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::human: return "human";
    case Kind::workload: return "workload";
    case Kind::agent: return "agent";
  }
  return "workload";
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (const Kind kind : {Kind::human, Kind::workload, Kind::agent}) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

}  // namespace postern::identity
