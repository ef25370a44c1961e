#include "hooks/install/gogs_config.h"

#include <functional>
#include <string_view>

#include "gateway/base/encoding.h"

namespace postern::install {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == text.back() &&
      std::string_view("\"'`").find(text.front()) != std::string_view::npos) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// Calls `visit` with lower-case section, lower-case key and value of every line `key = value`.
void each_entry(std::string_view text,
                const std::function<void(const std::string&, const std::string&, std::string_view)>& visit) {
  std::string section;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('[')) {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos) continue;
      section = ascii_lower(trim(line.substr(1, close - 1)));
      line = trim(line.substr(close + 1));  // git takes a key on the same line
    }
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const std::size_t equals = line.find('=');
    const std::string key = ascii_lower(trim(line.substr(0, equals)));
    const std::string_view value = equals == std::string_view::npos ? "true" : trim(line.substr(equals + 1));
    visit(section, key, unquote(value));
  }
}

}  // namespace

Result<GogsConfig> parse_gogs_config(const std::string& text) {
  GogsConfig config;
  each_entry(text, [&config](const std::string& section, const std::string& key, std::string_view value) {
    if (section.empty() && key == "run_user") config.run_user = value;
    if (section == "repository" && key == "root") config.root = value;
  });
  if (config.root.empty()) {
    return fail(ErrorCode::invalid_input, "no ROOT in section [repository]; accepted: that, or --repositories ROOT");
  }
  if (!config.root.starts_with('/')) {
    return fail(ErrorCode::invalid_input, "[repository] ROOT is the relative path '" + printable(config.root) +
                                              "'; accepted: an absolute one, or --repositories ROOT");
  }
  return config;
}

std::string local_hooks_path(const std::string& text) {
  std::string found;
  each_entry(text, [&found](const std::string& section, const std::string& key, std::string_view value) {
    if (section == "core" && key == "hookspath") found = value;
  });
  return found;
}

bool is_mirror_config(const std::string& text) {
  bool mirror = false;
  each_entry(text, [&mirror](const std::string& section, const std::string& key, std::string_view value) {
    if (section.starts_with("remote ") && key == "mirror") mirror = ascii_lower(value) == "true" || value == "1";
  });
  return mirror;
}

}  // namespace postern::install
