#include "gateway/app/metrics.h"

#include <string_view>

namespace postern::app {
namespace {

struct Described {
  std::string_view name;
  std::string_view help;
};

// In the order of Metrics::Counter.
constexpr std::array<Described, Metrics::kCount> kDescribed{{
    {"postern_requests_total", "Requests of any kind."},
    {"postern_unauthenticated_total", "Requests answered 401."},
    {"postern_forbidden_total", "Requests of an identity that no rule lets in."},
    {"postern_advertisements_total", "Ref advertisements forwarded."},
    {"postern_fetches_total", "git-upload-pack requests forwarded."},
    {"postern_pushes_accepted_total", "Pushes of which the upstream took every ref."},
    {"postern_pushes_refused_total", "Pushes refused by gateway or hook."},
    {"postern_pushes_failed_total", "Pushes that failed otherwise, or whose outcome was not known at once."},
    {"postern_upstream_errors_total", "Requests that the upstream did not answer as it should."},
}};

}  // namespace

std::string Metrics::exposition() const {
  std::string text;
  for (std::size_t i = 0; i < kDescribed.size(); ++i) {
    const Described& described = kDescribed[i];
    text.append("# HELP ").append(described.name).append(" ").append(described.help).append("\n# TYPE ");
    text.append(described.name).append(" counter\n").append(described.name).append(" ");
    text.append(std::to_string(get(static_cast<Counter>(i)))).append("\n");
  }
  return text;
}

}  // namespace postern::app
