#include "gateway/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "gateway/base/encoding.h"

namespace postern::config {

namespace {

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::bad_usage, std::move(message)); }

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// "<digits><unit>"; nullopt when it is not that, or more than `limit`.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units, std::uint64_t limit) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& known : units) {
    if (known.name == unit && number <= limit / known.factor) return number * known.factor;
  }
  return std::nullopt;
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_alnum_dash(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || (text.size() > 1 && text.front() == '0')) return {};
  return port;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits{{{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}}};
  // Ten years: more is a slip of the pen.
  if (const auto value = parse_with_unit(text, kUnits, 3650ULL * 86400000)) return std::chrono::milliseconds(*value);
  return bad("not a duration; accepted: a whole number and ms, s, m, h or d, such as \"50s\" or \"6h\"");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<Unit, 4> kUnits{
      {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};
  if (const auto value = parse_with_unit(text, kUnits, 1ULL << 50)) return *value;
  return bad("not a size; accepted: a whole number and B, KiB, MiB or GiB, such as \"16MiB\"");
}

Result<std::string> parse_path(std::string_view text, const std::string& base_directory) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return bad("not a path");
  const std::string whole = text.front() == '/' ? std::string(text) : base_directory + "/" + std::string(text);
  std::vector<std::string_view> segments;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find('/', at), whole.size());
    const std::string_view segment = std::string_view(whole).substr(at, end - at);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    at = end + 1;
  }
  std::string path;
  for (const auto segment : segments) path.append(1, '/').append(segment);
  if (path.empty()) return bad("not a path of a file");
  return path;
}

Result<SecretRef> parse_secret_ref(std::string_view text, const std::string& base_directory, bool key_vault) {
  const std::string_view accepted =
      key_vault ? "accepted: env:NAME, file:PATH, keyvault:VAULT/NAME[/VERSION]" : "accepted: env:NAME, file:PATH";
  const auto is = [&](std::string_view scheme) { return text.starts_with(scheme); };
  if (is("env:")) {
    const std::string_view name = text.substr(4);
    if (!is_variable_name(name))
      return bad("env: must be followed by the name of a variable; " + std::string(accepted));
    return SecretRef{SecretRef::Kind::env, std::string(name)};
  }
  if (is("file:")) {
    auto path = parse_path(text.substr(5), base_directory);
    if (!path) return bad("file: must be followed by a path; " + std::string(accepted));
    return SecretRef{SecretRef::Kind::file, *std::move(path)};
  }
  if (is("keyvault:") && !key_vault) {
    return bad("keyvault: only the client-secret of an [[environment]] is read from Key Vault; " +
               std::string(accepted));
  }
  if (is("keyvault:")) {
    const std::string_view rest = text.substr(9);
    const std::size_t slash = rest.find('/');
    const std::string_view vault = rest.substr(0, slash);
    const std::string_view behind = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    const std::size_t second = behind.find('/');
    const std::string_view name = behind.substr(0, second);
    const bool version_fine = second == std::string_view::npos || is_alnum_dash(behind.substr(second + 1), 1, 64);
    // Names as Key Vault has them: 3 to 24 bytes for a vault, 1 to 127 for a secret.
    if (!is_alnum_dash(vault, 3, 24) || !is_alnum_dash(name, 1, 127) || !version_fine) {
      return bad("keyvault: must be followed by VAULT/NAME or VAULT/NAME/VERSION of letters, digits and -; " +
                 std::string(accepted));
    }
    return SecretRef{SecretRef::Kind::keyvault, std::string(rest)};
  }
  // What stands there may be the secret itself: it is not repeated.
  return bad("says not where the secret is kept (a secret itself never stands in the configuration); " +
             std::string(accepted));
}

Result<Listen> parse_listen(std::string_view text, const std::string& base_directory) {
  static constexpr std::string_view kAccepted = "accepted: ADDRESS:PORT, [ADDRESS]:PORT for IPv6, unix:PATH";
  Listen listen;
  if (text.starts_with("unix:")) {
    auto path = parse_path(text.substr(5), base_directory);
    // sun_path holds 108 bytes with its end.
    if (!path || path->size() > 107) return bad("unix: must be followed by a path of at most 107 bytes");
    listen.is_unix = true;
    listen.path = *std::move(path);
    return listen;
  }
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find("]:");
    if (close == std::string_view::npos) return bad("not an address to listen at; " + std::string(kAccepted));
    host = text.substr(1, close - 1);
    port = text.substr(close + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad("not an address to listen at; " + std::string(kAccepted));
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos)
      return bad("an IPv6 address needs brackets; " + std::string(kAccepted));
  }
  const auto address = IpAddress::parse(host);
  if (!address) return bad("names no IP address; " + std::string(kAccepted));
  const auto number = parse_port(port);
  if (!number) return bad("names no port from 0 to 65535; " + std::string(kAccepted));
  listen.host = address->to_string();
  listen.port = *number;
  return listen;
}

Result<std::string> parse_url(std::string_view text, UrlRule rule) {
  const bool https = text.starts_with("https://");
  if (!https && !text.starts_with("http://")) return bad("not a URL; accepted: https://host[:port]…");
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
      return bad("holds a character that no URL has");
  }
  if (text.find_first_of("?#@") != std::string_view::npos) return bad("must have no user, query or fragment");
  const std::string_view rest = text.substr(https ? 8 : 7);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view host = rest.substr(0, slash);
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos || !IpAddress::parse(host.substr(1, close - 1))) return bad("names no host");
    port = host.substr(close + 1);
    host = host.substr(1, close - 1);
  } else {
    const std::size_t colon = std::min(host.find(':'), host.size());
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (!port.empty() && (port.front() != ':' || !parse_port(port.substr(1))))
    return bad("names no port from 0 to 65535");
  const bool dns = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
  const auto address = IpAddress::parse(host);
  if (host.empty() || (!dns && !address)) return bad("names no host");
  if (!https) {
    const bool loopback = address ? address->is_loopback() : ascii_lower(host) == "localhost";
    const bool imds = rule.imds_allowed && host == "169.254.169.254";
    if (!loopback && !imds) {
      return bad(std::string("would carry credentials unprotected; accepted: https, or http to a loopback host") +
                 (rule.imds_allowed ? " or 169.254.169.254" : ""));
    }
  }
  std::string url(text);
  while (url.ends_with('/')) url.pop_back();
  if (!rule.path_allowed && slash < rest.size() && rest.find_first_not_of('/', slash) != std::string_view::npos) {
    return bad("must have no path: Gogs and its clients need a host of their own");
  }
  return url;
}

Result<std::string> parse_store_url(std::string_view text, const std::string& base_directory) {
  if (text.starts_with("sqlite:")) {
    const auto path = parse_path(text.substr(7), base_directory);
    if (path) return "sqlite:" + *path;
  }
  return fail(ErrorCode::bad_usage, "names no store; accepted: sqlite:PATH");
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool is_repository_path(std::string_view path) {
  if (path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment.empty() || segment == "." || segment == "..") return path == ".";
    at = end + 1;
  }
  return true;
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  const std::string folded = ascii_lower(name);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  if (name.size() > 40) return best;
  for (const auto& candidate : known) {
    // Levenshtein's distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
    for (std::size_t i = 0; i < folded.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t change = diagonal + (folded[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string join(std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace postern::config
