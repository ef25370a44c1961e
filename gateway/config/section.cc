#include "gateway/config/section.h"

#include <algorithm>

namespace postern::config {

namespace {

constexpr std::string_view kSecretWanted = "env:NAME, file:PATH";

}  // namespace

Section::Section(const TomlValue& table, std::string file, std::string label, std::string base, Mistakes& mistakes,
                 unsigned line)
    : table_(table),
      file_(std::move(file)),
      label_(std::move(label)),
      base_(std::move(base)),
      mistakes_(mistakes),
      line_(line != 0 ? line : table.line) {}

Section Section::inner(const TomlValue& table, std::string_view name, unsigned line) const {
  return {table, file_, fmt::format("{} {}:", label_, name), base_, mistakes_, line};
}

bool Section::is_empty_array(std::string_view key) const {
  const TomlValue* node = table_.find(key);
  return node != nullptr && node->is(TomlType::array) && node->items.empty();
}

unsigned Section::line_of_key(std::string_view key) const {
  const TomlValue* node = table_.find(key);
  return node == nullptr || node->line == 0 ? line_ : node->line;
}

void Section::error(std::string_view key, std::string message, unsigned line) {
  mistakes_.errors.push_back({file_, line != 0 ? line : line_of_key(key), named(key), std::move(message)});
}

void Section::warning(std::string_view key, std::string message) {
  mistakes_.warnings.push_back({file_, line_of_key(key), named(key), std::move(message)});
}

const TomlValue* Section::get(std::string_view key, bool required, std::string_view wanted) {
  known_.emplace_back(key);
  const TomlValue* node = table_.find(key);
  if (node == nullptr && required) error(key, fmt::format("is missing; accepted: {}", wanted));
  return node;
}

std::optional<std::string> Section::text(std::string_view key, bool required, std::string_view wanted) {
  const TomlValue* node = get(key, required, wanted);
  return node == nullptr ? std::nullopt : text_of(key, *node, wanted);
}

std::vector<std::string> Section::texts(std::string_view key, bool required, std::string_view wanted) {
  std::vector<std::string> list;
  const TomlValue* node = get(key, required, wanted);
  if (node == nullptr) return list;
  if (!node->is(TomlType::array)) {
    error(key, fmt::format("is {}; accepted: {}", node->type_name(), wanted), node->line);
    return list;
  }
  if (node->items.empty() && required) error(key, fmt::format("is empty; accepted: {}", wanted), node->line);
  for (const TomlValue& element : node->items) {
    auto element_text = text_of(key, element, "strings in the array");
    if (!element_text) continue;
    if (std::find(list.begin(), list.end(), *element_text) != list.end()) {
      error(key, "holds an entry twice", element.line);
      continue;
    }
    list.push_back(*std::move(element_text));
  }
  return list;
}

std::string Section::own_name() {
  std::string name = text("name", true, "a name").value_or("");
  if (!name.empty()) label_ = fmt::format("{} {}:", label_, printable(name, 64));
  return name;
}

void Section::duration(std::string_view key, std::chrono::milliseconds& value, std::chrono::milliseconds least,
                       std::chrono::milliseconds most) {
  const auto found = parsed(key, false, "a duration", parse_duration);
  if (!found) return;
  if (*found < least || *found > most) {
    error(key, fmt::format("is out of range; accepted: {} s to {} s", least.count() / 1000, most.count() / 1000));
    return;
  }
  value = *found;
}

std::optional<std::int64_t> Section::whole_number(std::string_view key, std::int64_t least, std::int64_t most) {
  const TomlValue* node = get(key, false, "");
  if (node == nullptr) return std::nullopt;
  const bool whole = node->is(TomlType::integer);
  if (whole && node->integer >= least && node->integer <= most) return node->integer;
  error(key,
        fmt::format("{}; accepted: a whole number from {} to {}",
                    whole ? std::string("is out of range") : fmt::format("is {}", node->type_name()), least, most),
        node->line);
  return std::nullopt;
}

std::optional<WallTime> Section::time(std::string_view key) {
  static constexpr std::string_view kAccepted =
      "accepted: a date (2027-01-01, which begins in UTC) or a time with its offset (2027-01-01T00:00:00Z)";
  const TomlValue* node = get(key, false, "");
  if (node == nullptr) return std::nullopt;
  if (node->is(TomlType::local_date_time)) {
    error(key, fmt::format("is a time without an offset; {}", kAccepted), node->line);
    return std::nullopt;
  }
  const auto found = parse_rfc3339(node->is(TomlType::local_date) ? node->text + "T00:00:00Z" : node->text);
  if (!found) {
    error(key, fmt::format("is no point in time; {}", kAccepted), node->line);
    return std::nullopt;
  }
  return *found;
}

std::string Section::path(std::string_view key, std::string value, bool required) {
  const auto parse = [&](std::string_view text) { return parse_path(text, base_); };
  return parsed(key, required, "a path", parse).value_or(std::move(value));
}

std::string Section::url(std::string_view key, std::string value, bool required, UrlRule rule) {
  const auto parse = [&](std::string_view text) { return parse_url(text, rule); };
  return parsed(key, required, "a URL", parse).value_or(std::move(value));
}

std::optional<SecretRef> Section::secret(std::string_view key, bool required) {
  return parsed(key, required, kSecretWanted, [&](std::string_view text) { return parse_secret_ref(text, base_); });
}

std::vector<SecretRef> Section::secrets(std::string_view key, bool required) {
  return parsed_list(key, required, kSecretWanted,
                     [&](std::string_view text) { return parse_secret_ref(text, base_); });
}

std::vector<std::string> Section::repos(std::string_view key, bool required) {
  auto list = texts(key, required, "owner/name patterns");
  for (auto& pattern : list) pattern = ascii_lower(pattern);
  return list;
}

const TomlValue* Section::table(std::string_view key, std::string_view wanted) {
  const TomlValue* node = get(key, false, wanted);
  if (node == nullptr || node->is(TomlType::table)) return node;
  error(key, fmt::format("is {}; accepted: {}", node->type_name(), wanted), node->line);
  return nullptr;
}

std::vector<const TomlValue*> Section::tables(std::string_view key, std::string_view wanted) {
  std::vector<const TomlValue*> list;
  const TomlValue* node = get(key, false, wanted);
  if (node == nullptr) return list;
  if (!node->is(TomlType::array)) {
    error(key, fmt::format("is {}; accepted: {}", node->type_name(), wanted), node->line);
    return list;
  }
  for (const TomlValue& element : node->items) {
    if (element.is(TomlType::table)) {
      list.push_back(&element);
    } else {
      error(key, fmt::format("holds {}; accepted: {}", element.type_name(), wanted), element.line);
    }
  }
  return list;
}

void Section::finish() {
  for (const auto& [name, line, value] : table_.members) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    if (name == "include") {
      error(name, "belongs above the first section of the file, where it is no key of that section", line);
      continue;
    }
    error(name, fmt::format("is no known key{}; accepted: {}", meant(name, known_), join(known_)), line);
  }
}

std::string Section::meant(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest(name, known);
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

std::string Section::named(std::string_view key) const {
  if (label_.empty()) return printable(key, 60);
  return key.empty() ? label_ : fmt::format("{} {}", label_, printable(key, 60));
}

std::optional<std::string> Section::text_of(std::string_view key, const TomlValue& node, std::string_view wanted) {
  const std::string* string = node.as_string();
  if (string == nullptr) {
    error(key, fmt::format("is {}; accepted: {}", node.type_name(), wanted), node.line);
    return std::nullopt;
  }
  if (string->empty()) {
    error(key, fmt::format("is empty; accepted: {}", wanted), node.line);
    return std::nullopt;
  }
  return *string;
}

}  // namespace postern::config
