// One table of a configuration file, read key by key. Internal to this folder.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/encoding.h"
#include "gateway/base/toml.h"
#include "gateway/config/config.h"
#include "gateway/config/values.h"

namespace postern::config {

template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;

// Every key that is asked for is known; finish() names the others. A mistake is noted, never thrown: what is read then
// is the default, and the next key is read as if nothing had happened. Keys are read once each. The table and the
// mistakes must outlive this.
class Section {
 public:
  // `base`: the directory that paths start from. `label`: how messages call this table; empty for a whole file.
  Section(const TomlValue& table, std::string file, std::string label, std::string base, Mistakes& mistakes,
          unsigned line = 0);
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  // A table inside this one, which messages call `name`.
  Section inner(const TomlValue& table, std::string_view name, unsigned line = 0) const;

  access::Origin origin() const { return {file_, line_}; }
  const std::string& file() const { return file_; }
  const std::string& base() const { return base_; }
  bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  bool is_empty_array(std::string_view key) const;
  unsigned line_of_key(std::string_view key) const;

  void error(std::string_view key, std::string message, unsigned line = 0);
  void warning(std::string_view key, std::string message);

  // The value under `key`; null when it is not there (then, if `required`, that is said).
  const TomlValue* get(std::string_view key, bool required, std::string_view wanted);
  std::optional<std::string> text(std::string_view key, bool required = false, std::string_view wanted = "a string");
  std::vector<std::string> texts(std::string_view key, bool required = false,
                                 std::string_view wanted = "an array of strings");
  // The key `name`, by which messages call this section from then on.
  std::string own_name();

  // Reads a string, then what it stands for; `parse` says what is accepted.
  template <class Parse>
  auto parsed(std::string_view key, bool required, std::string_view wanted, Parse parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    const auto value = text(key, required, wanted);
    if (!value) return std::nullopt;
    return parsed_text(key, *value, parse);
  }
  template <class Parse>
  auto parsed_list(std::string_view key, bool required, std::string_view wanted, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> list;
    for (const auto& value : texts(key, required, wanted)) {
      if (auto one = parsed_text(key, value, parse)) list.push_back(*std::move(one));
    }
    return list;
  }
  // The same where an entry can be no secret: a mistake names it.
  template <class Parse>
  auto quoted_list(std::string_view key, bool required, std::string_view wanted, Parse parse) {
    return parsed_list(key, required, wanted, [&](std::string_view value) {
      auto result = parse(value);
      if (!result) result.error().message = fmt::format("\"{}\": {}", printable(value, 80), result.error().message);
      return result;
    });
  }
  // One of a closed list of words.
  template <class T>
  void choice(std::string_view key, T& value, const Words<T>& words, bool required = false) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : words) names.emplace_back(name);
    const auto word = text(key, required, join(names));
    if (!word) return;
    for (const auto& [name, meaning] : words) {
      if (name == *word) {
        value = meaning;
        return;
      }
    }
    error(key, fmt::format("\"{}\" is none of them{}; accepted: {}", printable(*word, 60), meant(*word, names),
                           join(names)));
  }
  template <class T>
  void count(std::string_view key, T& value, std::int64_t least, std::int64_t most) {
    if (const auto number = whole_number(key, least, most)) value = static_cast<T>(*number);
  }

  void duration(std::string_view key, std::chrono::milliseconds& value, std::chrono::milliseconds least,
                std::chrono::milliseconds most);
  std::optional<WallTime> time(std::string_view key);
  std::string path(std::string_view key, std::string value, bool required = false);
  std::string url(std::string_view key, std::string value, bool required, UrlRule rule);
  std::optional<SecretRef> secret(std::string_view key, bool required = false);
  std::vector<SecretRef> secrets(std::string_view key, bool required = false);
  // Patterns of repositories, folded to lower case as Gogs folds names.
  std::vector<std::string> repos(std::string_view key, bool required = true);
  const TomlValue* table(std::string_view key, std::string_view wanted);
  // The tables of an array of tables, inline or not.
  std::vector<const TomlValue*> tables(std::string_view key, std::string_view wanted);

  // Names every key that nobody asked for.
  void finish();

  // "; did you mean …?", or nothing.
  static std::string meant(std::string_view name, std::span<const std::string> known);

 private:
  std::string named(std::string_view key) const;
  std::optional<std::string> text_of(std::string_view key, const TomlValue& node, std::string_view wanted);
  std::optional<std::int64_t> whole_number(std::string_view key, std::int64_t least, std::int64_t most);

  template <class Parse>
  auto parsed_text(std::string_view key, const std::string& value, Parse& parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    auto result = parse(value);
    if (result) return *std::move(result);
    error(key, result.error().message, line_of_key(key));
    return std::nullopt;
  }

  const TomlValue& table_;
  std::string file_;
  std::string label_;
  std::string base_;
  Mistakes& mistakes_;
  unsigned line_;
  std::vector<std::string> known_;
};

}  // namespace postern::config
