// TOML in, Config or every mistake out.
#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "gateway/base/encoding.h"
#include "gateway/base/glob.h"
#include "gateway/config/config.h"
#include "gateway/config/known_names.h"
#include "gateway/config/values.h"

namespace postern::config {

namespace {

constexpr std::array<std::string_view, 6> kIncludable{"identity", "group", "role", "governed", "grant", "deny"};
constexpr std::array<std::string_view, 4> kSeverities{"error", "warning", "advice", "off"};

unsigned line_of(const toml::node& node) { return static_cast<unsigned>(node.source().begin.line); }

std::string_view type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    default: return "nothing";
  }
}

struct Problems {
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
};

// One table of one file. Every key that is asked for is known; finish() names the others.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string label, std::string base, Problems& problems,
          unsigned line = 0)
      : table_(table),
        file_(std::move(file)),
        label_(std::move(label)),
        base_(std::move(base)),
        problems_(problems),
        line_(line != 0 ? line : line_of(table)) {}
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  access::Origin origin() const { return {file_, line_}; }
  void set_label(std::string label) { label_ = std::move(label); }
  bool has(std::string_view key) const { return table_.contains(key); }

  void error(std::string_view key, std::string message, unsigned line = 0) {
    problems_.errors.push_back({file_, line != 0 ? line : line_of_key(key), named(key), std::move(message)});
  }
  void warning(std::string_view key, std::string message) {
    problems_.warnings.push_back({file_, line_of_key(key), named(key), std::move(message)});
  }

  // The node under `key`; null when it is not there (then, if `required`, that is said).
  const toml::node* get(std::string_view key, bool required, std::string_view wanted) {
    known_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && required) error(key, fmt::format("is missing; accepted: {}", wanted));
    return node;
  }

  std::optional<std::string> text(std::string_view key, bool required = false, std::string_view wanted = "a string") {
    const toml::node* node = get(key, required, wanted);
    return node == nullptr ? std::nullopt : text_of(key, *node, wanted);
  }

  std::vector<std::string> texts(std::string_view key, bool required = false,
                                 std::string_view wanted = "an array of strings") {
    std::vector<std::string> list;
    const toml::node* node = get(key, required, wanted);
    if (node == nullptr) return list;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      error(key, fmt::format("is {}; accepted: {}", type_of(*node), wanted), line_of(*node));
      return list;
    }
    if (array->empty() && required) error(key, fmt::format("is empty; accepted: {}", wanted), line_of(*node));
    for (const auto& element : *array) {
      auto element_text = text_of(key, element, "strings in the array");
      if (!element_text) continue;
      if (std::find(list.begin(), list.end(), *element_text) != list.end()) {
        error(key, "holds an entry twice", line_of(element));
        continue;
      }
      list.push_back(*std::move(element_text));
    }
    return list;
  }

  // Reads a string, then what it stands for; `parse` says what is accepted.
  template <class Parse>
  auto parsed(std::string_view key, bool required, std::string_view wanted, Parse parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    const auto value = text(key, required, wanted);
    if (!value) return std::nullopt;
    return parsed_text(key, *value, line_of_key(key), parse);
  }
  template <class Parse>
  auto parsed_list(std::string_view key, bool required, std::string_view wanted, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> list;
    for (const auto& value : texts(key, required, wanted)) {
      if (auto one = parsed_text(key, value, line_of_key(key), parse)) list.push_back(*std::move(one));
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

  void duration(std::string_view key, std::chrono::milliseconds& value, std::chrono::milliseconds least,
                std::chrono::milliseconds most) {
    const auto found = parsed(key, false, "a duration", parse_duration);
    if (!found) return;
    if (*found < least || *found > most) {
      error(key, fmt::format("is out of range; accepted: {} s to {} s", least.count() / 1000, most.count() / 1000));
      return;
    }
    value = *found;
  }

  template <class T>
  void count(std::string_view key, T& value, std::int64_t least, std::int64_t most) {
    const toml::node* node = get(key, false, "");
    if (node == nullptr) return;
    const auto number = node->is_integer() ? node->value<std::int64_t>() : std::nullopt;
    if (!number || *number < least || *number > most) {
      error(key,
            fmt::format("{}; accepted: a whole number from {} to {}",
                        number ? std::string("is out of range") : fmt::format("is {}", type_of(*node)), least, most),
            line_of(*node));
      return;
    }
    value = static_cast<T>(*number);
  }

  std::optional<WallTime> time(std::string_view key) {
    static constexpr std::string_view kAccepted =
        "accepted: a date (2027-01-01, which begins in UTC) or a time with its offset (2027-01-01T00:00:00Z)";
    const toml::node* node = get(key, false, "");
    if (node == nullptr) return std::nullopt;
    std::string iso;
    const auto two = [](unsigned number) { return fmt::format("{:02}", number); };
    const auto day = [&](const toml::date& date) {
      return fmt::format("{:04}-{}-{}", date.year, two(date.month), two(date.day));
    };
    if (const auto* date = node->as_date()) {
      iso = day(date->get()) + "T00:00:00Z";
    } else if (const auto* moment = node->as_date_time()) {
      const toml::date_time& value = moment->get();
      if (!value.offset) {
        error(key, fmt::format("is a time without an offset; {}", kAccepted), line_of(*node));
        return std::nullopt;
      }
      const int minutes = value.offset->minutes;
      iso = fmt::format("{}T{}:{}:{}.{:03}{}{}:{}", day(value.date), two(value.time.hour), two(value.time.minute),
                        two(value.time.second), value.time.nanosecond / 1000000, minutes < 0 ? '-' : '+',
                        two(static_cast<unsigned>(std::abs(minutes) / 60)),
                        two(static_cast<unsigned>(std::abs(minutes) % 60)));
    } else if (const auto* string = node->as_string()) {
      iso = string->get();
    }
    auto parsed_time = parse_rfc3339(iso);
    if (!parsed_time) {
      error(key, fmt::format("is no point in time; {}", kAccepted), line_of(*node));
      return std::nullopt;
    }
    return *parsed_time;
  }

  // One of a closed list of words.
  template <class T>
  void choice(std::string_view key, T& value, std::span<const std::pair<std::string_view, T>> words,
              bool required = false) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : words) names.emplace_back(name);
    const auto word = text(key, required, join(names));
    if (!word) return;
    for (const auto& [name, meant] : words) {
      if (name == *word) {
        value = meant;
        return;
      }
    }
    error(key, fmt::format("\"{}\" is none of them{}; accepted: {}", printable(*word, 60), meant(*word, names),
                           join(names)));
  }

  std::string path(std::string_view key, std::string value, bool required = false) {
    const auto found =
        parsed(key, required, "a path", [&](std::string_view value_text) { return parse_path(value_text, base_); });
    return found.value_or(std::move(value));
  }

  auto secret_parser() const {
    return [base = base_](std::string_view value) { return parse_secret_ref(value, base); };
  }
  static constexpr std::string_view kSecretWanted = "env:NAME, file:PATH, keyvault:VAULT/NAME[/VERSION]";
  std::optional<SecretRef> secret(std::string_view key, bool required = false) {
    return parsed(key, required, kSecretWanted, secret_parser());
  }
  std::vector<SecretRef> secrets(std::string_view key, bool required = false) {
    return parsed_list(key, required, kSecretWanted, secret_parser());
  }
  std::string url(std::string_view key, std::string value, bool required, UrlRule rule) {
    const auto found =
        parsed(key, required, "a URL", [&](std::string_view value_text) { return parse_url(value_text, rule); });
    return found.value_or(std::move(value));
  }
  // Patterns of repositories, folded to lower case as Gogs folds names.
  std::vector<std::string> repos(std::string_view key, bool required = true) {
    auto list = texts(key, required, "owner/name patterns");
    for (auto& pattern : list) pattern = ascii_lower(pattern);
    return list;
  }

  const toml::table* table(std::string_view key, std::string_view wanted) {
    const toml::node* node = get(key, false, wanted);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) {
      error(key, fmt::format("is {}; accepted: {}", type_of(*node), wanted), line_of(*node));
    }
    return node->as_table();
  }

  // The tables of an array of tables, inline or not.
  std::vector<const toml::table*> tables(std::string_view key, std::string_view wanted) {
    std::vector<const toml::table*> list;
    const toml::node* node = get(key, false, wanted);
    if (node == nullptr) return list;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      error(key, fmt::format("is {}; accepted: {}", type_of(*node), wanted), line_of(*node));
      return list;
    }
    for (const auto& element : *array) {
      if (const auto* one = element.as_table()) {
        list.push_back(one);
      } else {
        error(key, fmt::format("holds {}; accepted: {}", type_of(element), wanted), line_of(element));
      }
    }
    return list;
  }

  void finish() {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      error(name, fmt::format("is no known key{}; accepted: {}", meant(name, known_), join(known_)),
            static_cast<unsigned>(key.source().begin.line));
    }
  }

  const std::string& file() const { return file_; }
  const std::string& base() const { return base_; }
  const std::string& label() const { return label_; }
  Problems& problems() { return problems_; }
  const toml::table& raw() const { return table_; }

  static std::string meant(std::string_view name, std::span<const std::string> known) {
    const std::string near = nearest(name, known);
    return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
  }

  unsigned line_of_key(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr || line_of(*node) == 0 ? line_ : line_of(*node);
  }

 private:
  std::string named(std::string_view key) const {
    if (label_.empty()) return printable(key, 60);
    return key.empty() ? label_ : fmt::format("{} {}", label_, printable(key, 60));
  }

  std::optional<std::string> text_of(std::string_view key, const toml::node& node, std::string_view wanted) {
    const auto* string = node.as_string();
    if (string == nullptr) {
      error(key, fmt::format("is {}; accepted: {}", type_of(node), wanted), line_of(node));
      return std::nullopt;
    }
    if (string->get().empty()) {
      error(key, fmt::format("is empty; accepted: {}", wanted), line_of(node));
      return std::nullopt;
    }
    return string->get();
  }

  template <class Parse>
  auto parsed_text(std::string_view key, const std::string& value, unsigned line, Parse& parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
    auto result = parse(value);
    if (result) return *std::move(result);
    error(key, result.error().message, line);
    return std::nullopt;
  }

  const toml::table& table_;
  std::string file_;
  std::string label_;
  std::string base_;
  Problems& problems_;
  unsigned line_;
  std::vector<std::string> known_;
};

template <class T>
using Words = std::vector<std::pair<std::string_view, T>>;
template <class T>
std::span<const std::pair<std::string_view, T>> words_of(const Words<T>& words) {
  return words;
}

class Loader {
 public:
  Loader(std::string path, const Files& files) : path_(std::move(path)), files_(files) {
    const std::size_t slash = path_.rfind('/');
    base_ = slash == std::string::npos ? "." : (slash == 0 ? "" : path_.substr(0, slash));
  }

  std::expected<Loaded, Mistakes> run() {
    config_.file = path_;
    if (const auto table = read(path_)) main_file(*table);
    if (all_read_) check_whole();
    // In the order of the files, whatever order they were found in.
    for (auto* list : {&problems_.errors, &problems_.warnings}) {
      std::stable_sort(list->begin(), list->end(), [&](const Problem& a, const Problem& b) {
        return std::tuple(a.file != path_, std::string_view(a.file), a.line) <
               std::tuple(b.file != path_, std::string_view(b.file), b.line);
      });
    }
    if (!problems_.errors.empty()) {
      return std::unexpected(Mistakes{std::move(problems_.errors), std::move(problems_.warnings)});
    }
    return Loaded{std::move(config_), std::move(problems_.warnings)};
  }

 private:
  std::optional<toml::table> read(const std::string& path) {
    const auto text = files_.read(path);
    if (!text) {
      all_read_ = false;
      problems_.errors.push_back({path, 0, "", "cannot be read: " + text.error().message});
      return std::nullopt;
    }
    try {
      return toml::parse(*text);
    } catch (const toml::parse_error& fault) {
      all_read_ = false;
      problems_.errors.push_back({path, static_cast<unsigned>(fault.source().begin.line), "",
                                  "not TOML: " + printable(fault.description(), 200)});
      return std::nullopt;
    }
  }

  void main_file(const toml::table& table) {
    Section top(table, path_, "", base_, problems_, 1);
    const auto includes = top.texts("include");
    const bool any_gateway = top.has("server") || top.has("upstream") || top.has("tickets") || top.has("audit");
    config_.gateway = any_gateway || !top.has("deploy");
    section(top, "server", &Loader::server, config_.gateway);
    section(top, "upstream", &Loader::upstream, config_.gateway);
    section(top, "store", &Loader::store, false);
    section(top, "tickets", &Loader::tickets, config_.gateway);
    section(top, "audit", &Loader::audit, config_.gateway);
    each(top, "issuer", &Loader::issuer);
    rules_of(top);
    each(top, "templates", &Loader::templates);
    each(top, "environment", &Loader::environment);
    section(top, "deploy", &Loader::deploy, false);
    top.finish();
    include(top, includes);
  }

  void include(Section& top, const std::vector<std::string>& patterns) {
    std::set<std::string> read_already{path_};
    for (const auto& text : patterns) {
      const auto pattern = parse_path(text, base_);
      if (!pattern) {
        top.error("include", fmt::format("\"{}\" is no path", printable(text, 80)));
        continue;
      }
      std::vector<std::string> paths{*pattern};
      if (pattern->find_first_of("*?") != std::string::npos) {
        if (pattern->substr(0, pattern->rfind('/')).find_first_of("*?") != std::string::npos) {
          top.error("include",
                    fmt::format("\"{}\" has a wildcard in a directory; accepted: wildcards in the file's name",
                                printable(text, 80)));
          continue;
        }
        auto listed = files_.list(*pattern);
        if (!listed) {
          top.error("include", fmt::format("\"{}\": {}", printable(text, 80), listed.error().message));
          continue;
        }
        paths = *std::move(listed);
      }
      for (const auto& path : paths) {
        if (!read_already.insert(path).second) continue;
        if (const auto table = read(path)) included_file(path, *table);
      }
    }
  }

  void included_file(const std::string& path, const toml::table& table) {
    Section top(table, path, "", base_, problems_, 1);
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::find(kIncludable.begin(), kIncludable.end(), name) != kIncludable.end()) continue;
      top.error(name,
                fmt::format("does not stand in an included file; accepted there: {}",
                            join(std::vector<std::string>(kIncludable.begin(), kIncludable.end()))),
                static_cast<unsigned>(key.source().begin.line));
    }
    rules_of(top);
  }

  void rules_of(Section& top) {
    each(top, "identity", &Loader::identity);
    each(top, "group", &Loader::group);
    each(top, "role", &Loader::role);
    each(top, "governed", &Loader::governed);
    each(top, "grant", &Loader::grant);
    each(top, "deny", &Loader::deny);
  }

  using Read = void (Loader::*)(Section&);

  void section(Section& top, std::string_view name, Read fill, bool required) {
    const toml::table* table = top.table(name, fmt::format("a section [{}]", name));
    if (table == nullptr) {
      if (top.has(name)) return;
      if (required) top.error("", fmt::format("the section [{}] is missing", name));
      return;
    }
    Section there(*table, top.file(), fmt::format("[{}]", name), base_, problems_);
    (this->*fill)(there);
    there.finish();
  }

  void each(Section& top, std::string_view name, Read fill) {
    for (const toml::table* table : top.tables(name, fmt::format("sections [[{}]]", name))) {
      Section one(*table, top.file(), fmt::format("[[{}]]", name), base_, problems_);
      const std::size_t before = problems_.errors.size();
      (this->*fill)(one);
      one.finish();
      if (problems_.errors.size() != before) faulty_.emplace(one.origin().file, one.origin().line);
    }
  }

  std::string name_of(Section& in, std::string_view section) {
    const std::string name = in.text("name", true, "a name").value_or("");
    if (!name.empty()) in.set_label(fmt::format("[[{}]] {}:", section, printable(name, 64)));
    return name;
  }

  void server(Section& in) {
    ServerConfig& server = config_.server;
    server.listen = in.quoted_list("listen", false, "addresses to listen at",
                                   [&](std::string_view text) { return parse_listen(text, base_); });
    if (!in.has("listen")) {
      server.listen = {{.is_unix = false, .host = "127.0.0.1", .port = 8080, .path = {}},
                       {.is_unix = true, .host = {}, .port = 0, .path = "/run/postern/gateway.sock"}};
    } else if (in.raw().get("listen")->is_array() && in.raw().get("listen")->as_array()->empty()) {
      in.error("listen", "is empty: nobody could reach the gateway");
    }
    server.external_url = in.url("external_url", "", true, {.path_allowed = false});
    server.trusted_proxies = in.quoted_list("trusted_proxies", false, "networks", IpNetwork::parse);
    if (!in.has("trusted_proxies")) {
      server.trusted_proxies = {*IpNetwork::parse("127.0.0.1/32"), *IpNetwork::parse("::1/128")};
    }
    server.tls_certificate = in.path("tls_certificate", "");
    if (const auto key = in.parsed("tls_key", false, "file:PATH or a path", [&](std::string_view text) {
          // A key file is a secret like any other, whether it is written as a reference or, as elsewhere, as a path.
          const bool reference = text.starts_with("env:") || text.starts_with("file:") || text.starts_with("keyvault:");
          return parse_secret_ref(reference ? std::string(text) : "file:" + std::string(text), base_);
        })) {
      server.tls_key = *key;
    }
    if (server.tls_certificate.empty() != !server.tls_key) {
      in.error(in.has("tls_key") ? "tls_key" : "tls_certificate", "tls_certificate and tls_key belong together");
    }
    for (const auto& listen : server.listen) {
      if (listen.is_unix || !server.tls_certificate.empty()) continue;
      const auto address = IpAddress::parse(listen.host);
      if (address && !address->is_loopback()) {
        in.warning("listen",
                   fmt::format("{} takes tokens without TLS; an edge in front must be the only one to reach it, "
                               "or set tls_certificate and tls_key",
                               listen.text()));
      }
    }
  }

  void upstream(Section& in) {
    UpstreamConfig& upstream = config_.upstream;
    const Words<UpstreamConfig::Kind> kinds{{"gogs", UpstreamConfig::Kind::gogs}, {"git", UpstreamConfig::Kind::git}};
    in.choice("kind", upstream.kind, words_of(kinds));
    upstream.url = in.url("url", "", true, {.path_allowed = true});
    upstream.credentials = in.secrets("credentials", true);
    in.duration("hook_timeout", upstream.hook_timeout, std::chrono::seconds(1), std::chrono::hours(6));
    upstream.passthrough = in.repos("passthrough", false);
    upstream.passthrough_until = in.time("passthrough_until");
    if (!upstream.passthrough.empty() && !in.has("passthrough_until")) {
      in.error(
          "passthrough",
          "needs passthrough_until: a cut-over that nobody ends is no gate; accepted: passthrough_until = 2027-01-01");
    }
  }

  void store(Section& in) {
    if (const auto url = in.parsed("url", false, "sqlite:PATH or postgresql://…",
                                   [&](std::string_view text) { return store_url(text); })) {
      config_.store.url = *url;
    }
  }

  Result<std::string> store_url(std::string_view text) const {
    if (text.starts_with("sqlite:")) {
      const auto path = parse_path(text.substr(7), base_);
      if (path) return "sqlite:" + *path;
    }
    if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
      const std::size_t at = text.find('@');
      const std::string_view user = at == std::string_view::npos ? std::string_view{} : text.substr(0, at);
      if (user.find(':', text.find("://") + 3) != std::string_view::npos) {
        return fail(ErrorCode::bad_usage,
                    "holds a password; accepted: postgresql://user@host/database, the password in PGPASSFILE");
      }
      return std::string(text);
    }
    return fail(ErrorCode::bad_usage, "names no store; accepted: sqlite:PATH, postgresql://user@host/database");
  }

  void tickets(Section& in) {
    TicketsConfig& tickets = config_.tickets;
    tickets.signing_keys = in.secrets("signing_keys", true);
    tickets.bundle = in.path("bundle", tickets.bundle);
    tickets.spool = in.path("spool", tickets.spool);
    in.duration("lifetime", tickets.lifetime, std::chrono::minutes(1), std::chrono::hours(48));
    if (const toml::table* table = in.table("limits", "a table of limits")) {
      Section limits(*table, in.file(), "[tickets] limits:", base_, problems_, in.line_of_key("limits"));
      const auto size = [&](std::string_view key, std::uint64_t& value, std::uint64_t least) {
        const auto found = limits.parsed(key, false, "a size", parse_size);
        if (found && *found < least) {
          limits.error(key, fmt::format("is too small to work with; accepted: at least {} bytes", least));
        } else if (found) {
          value = *found;
        }
      };
      const auto seconds = [&](std::string_view key, std::uint64_t& value) {
        std::chrono::milliseconds time{std::chrono::seconds(value)};
        limits.duration(key, time, std::chrono::seconds(1), std::chrono::hours(1));
        value = static_cast<std::uint64_t>(time.count() / 1000);
      };
      size("blob", tickets.limits.blob_bytes, 1024);
      limits.count("paths", tickets.limits.paths, 1, 100'000'000);
      size("memory", tickets.limits.memory_bytes, 64ULL << 20);
      seconds("cpu", tickets.limits.cpu_seconds);
      seconds("direct_deadline", tickets.limits.direct_deadline_seconds);
      // Gogs kills a web write's hook after 60 s and then tells nobody why.
      if (tickets.limits.direct_deadline_seconds >= 60) {
        limits.warning("direct_deadline",
                       "Gogs gives a direct write 60 s: a hook that is still at work then leaves no reason");
      }
      limits.finish();
    }
  }

  void audit(Section& in) {
    AuditConfig& audit = config_.audit;
    audit.signing_keys = in.secrets("signing_keys", true);
    audit.witness =
        in.parsed_list("witness", false, "file:PATH or syslog:", [&](std::string_view text) -> Result<std::string> {
          if (text == "syslog:") return std::string(text);
          if (text.starts_with("file:")) {
            const auto path = parse_path(text.substr(5), base_);
            if (path) return "file:" + *path;
          }
          return fail(ErrorCode::bad_usage, "names no witness; accepted: file:PATH, syslog:");
        });
    if (audit.witness.empty()) {
      in.warning("witness",
                 "no checkpoint leaves the gateway's hands: whoever holds its key could rewrite the log unseen");
    }
    in.count("retention_days", audit.retention_days, 1, 36500);
  }

  void issuer(Section& in) {
    IssuerConfig issuer;
    issuer.origin = in.origin();
    issuer.name = name_of(in, "issuer");
    if (issuer.name == access::kUnixIssuer || issuer.name == access::kGogsIssuer) {
      in.error("name", fmt::format("\"{}\" is reserved", issuer.name));
    }
    if (!plain_name(issuer.name) && !issuer.name.empty())
      in.error("name", "is no name; accepted: up to 64 letters, digits, - _ .");
    issuer.issuer = in.text("issuer", true, "the `iss` of its tokens, byte by byte").value_or("");
    issuer.audiences = in.texts("audiences", true, "the `aud` values that mean this gateway");
    const Words<access::Unnamed> unnamed{{"refuse", access::Unnamed::refuse},
                                         {"human", access::Unnamed::human},
                                         {"workload", access::Unnamed::workload}};
    in.choice("unnamed", issuer.unnamed, words_of(unnamed));
    issuer.clients = in.texts("clients");
    if (issuer.unnamed == access::Unnamed::human && issuer.clients.empty()) {
      in.error("clients",
               "is missing: with unnamed = \"human\" the clients must be listed whose tokens are a person's own");
    }
    issuer.jwks_file = in.path("jwks_file", "");
    issuer.jwks_url = in.url("jwks_url", "", false, {});
    if (!issuer.jwks_file.empty() && !issuer.jwks_url.empty())
      in.error("jwks_url", "jwks_file and jwks_url exclude each other");
    if (issuer.jwks_file.empty() && issuer.jwks_url.empty() && !issuer.issuer.empty()) {
      if (const auto url = parse_url(issuer.issuer, {}); !url) {
        in.error("issuer",
                 fmt::format("{}; for discovery it must be a URL, or set jwks_url or jwks_file", url.error().message));
      }
    }
    issuer.ca_file = in.path("ca_file", "");
    issuer.algorithms = in.parsed_list(
        "algorithms", false, "RS256, PS256, ES256, ES384, EdDSA",
        [](std::string_view text) -> Result<identity::Algorithm> {
          if (const auto algorithm = identity::parse_algorithm(text)) return *algorithm;
          return fail(
              ErrorCode::bad_usage,
              fmt::format("\"{}\" is not taken; accepted: RS256, PS256, ES256, ES384, EdDSA", printable(text, 20)));
        });
    in.duration("clock_skew", issuer.clock_skew, std::chrono::seconds(0), std::chrono::minutes(5));
    if (in.has("max_token_age")) {
      std::chrono::milliseconds age{0};
      in.duration("max_token_age", age, std::chrono::seconds(1), std::chrono::hours(24 * 365));
      issuer.max_token_age = age;
    } else {
      in.get("max_token_age", false, "");
    }
    issuer.name_claim = in.text("name_claim").value_or("");
    for (const auto& other : config_.issuers) {
      if (other.name == issuer.name)
        in.error("name",
                 fmt::format("\"{}\" is already the name of the issuer at line {}", issuer.name, other.origin.line));
      if (other.issuer == issuer.issuer && !issuer.issuer.empty()) {
        in.error("issuer", fmt::format("is already that of \"{}\"; one entry can list several audiences", other.name));
      }
    }
    config_.rules.issuers.push_back({issuer.name, issuer.unnamed, issuer.clients});
    config_.issuers.push_back(std::move(issuer));
  }

  static bool plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.';
    });
  }

  void matches(Section& in, std::string_view key, bool glob, std::vector<access::ClaimMatch>& into) {
    const toml::table* table = in.table(key, "a table { claim = \"value\" }");
    if (table == nullptr) return;
    for (const auto& [name, node] : *table) {
      std::string value;
      if (const auto* text = node.as_string()) {
        value = text->get();
      } else if (const auto* number = node.as_integer(); number != nullptr && !glob) {
        value = std::to_string(number->get());
      } else if (const auto* truth = node.as_boolean(); truth != nullptr && !glob) {
        value = truth->get() ? "true" : "false";
      } else {
        in.error(key,
                 fmt::format("claim \"{}\" is {}; accepted: a string{}", printable(name.str(), 60), type_of(node),
                             glob ? " with * and ?" : ", a whole number, true or false"),
                 line_of(node));
        continue;
      }
      if (glob && value.find_first_not_of('*') == std::string::npos) {
        in.error(key,
                 fmt::format("claim \"{}\" is matched by anything; accepted: a pattern with something in it",
                             printable(name.str(), 60)),
                 line_of(node));
        continue;
      }
      if (!glob && value.find('*') != std::string::npos) {
        in.warning(key, fmt::format("claim \"{}\": * is an ordinary character in match; wildcards stand in match_glob",
                                    printable(name.str(), 60)));
      }
      into.push_back({std::string(name.str()), std::move(value), glob});
    }
  }

  void identity(Section& in) {
    access::IdentityRule rule;
    rule.origin = in.origin();
    rule.name = name_of(in, "identity");
    const Words<identity::Kind> kinds{
        {"human", identity::Kind::human}, {"workload", identity::Kind::workload}, {"agent", identity::Kind::agent}};
    in.choice("kind", rule.kind, words_of(kinds), true);
    rule.issuer = in.text("issuer", true, "the name of an [[issuer]], or \"unix\"").value_or("");
    matches(in, "match", false, rule.match);
    matches(in, "match_glob", true, rule.match);
    rule.clients = in.texts("clients");
    rule.sponsor = in.text("sponsor").value_or("");
    rule.gogs_user = ascii_lower(in.text("gogs_user").value_or(""));
    if (const auto credential = in.secret("upstream")) config_.upstream.credential_of.emplace(rule.name, *credential);
    config_.rules.identities.push_back(std::move(rule));
  }

  void group(Section& in) {
    access::GroupRule rule;
    rule.origin = in.origin();
    rule.name = name_of(in, "group");
    rule.members = in.texts("members");
    for (const toml::table* table : in.tables("claims", "tables { issuer, claim, value }")) {
      Section claim(*table, in.file(), in.label() + " claims:", base_, problems_);
      rule.claims.push_back({claim.text("issuer", true, "the name of an [[issuer]]").value_or(""),
                             claim.text("claim", true).value_or(""), claim.text("value", true).value_or("")});
      claim.finish();
    }
    config_.rules.groups.push_back(std::move(rule));
  }

  void role(Section& in) {
    access::RoleRule rule;
    rule.origin = in.origin();
    rule.name = name_of(in, "role");
    rule.to = in.texts("to", true, "names of identities and groups");
    rule.may = in.texts("may", true, "approve:ENV, rollback:ENV, audit:read, pushes:read, deploy:report, admin");
    config_.rules.roles.push_back(std::move(rule));
  }

  void governed(Section& in) {
    access::GovernedRule rule;
    rule.origin = in.origin();
    rule.repos = in.repos("repos");
    rule.governance.governed = true;
    const Words<access::Mode> modes{{"observe", access::Mode::observe}, {"enforce", access::Mode::enforce}};
    in.choice("mode", rule.governance.mode, words_of(modes));
    const Words<access::DirectWrites> directs{{"refuse", access::DirectWrites::refuse},
                                              {"authorize", access::DirectWrites::authorize},
                                              {"check", access::DirectWrites::check}};
    in.choice("direct", rule.governance.direct, words_of(directs));
    config_.rules.governed.push_back(std::move(rule));
  }

  access::GrantRule grant_or_deny(Section& in, std::string_view section) {
    access::GrantRule rule;
    rule.origin = in.origin();
    rule.name = name_of(in, section);
    rule.to = in.texts("to", true, "names of identities and groups, or \"*\"");
    rule.repos = in.repos("repos");
    static const std::vector<std::string> kWords{"read", "write", "create", "update", "force", "delete"};
    for (const auto& word : in.texts("verbs", true, join(kWords))) {
      const auto add = [&](access::Verb verb) {
        if (std::find(rule.verbs.begin(), rule.verbs.end(), verb) == rule.verbs.end()) rule.verbs.push_back(verb);
      };
      if (word == "write") {
        add(access::Verb::create);
        add(access::Verb::update);
      } else if (const auto verb = access::parse_verb(word)) {
        add(*verb);
      } else {
        in.error("verbs", fmt::format("\"{}\" is no verb{}; accepted: {} (write is create and update)",
                                      printable(word, 30), Section::meant(word, kWords), join(kWords)));
      }
    }
    rule.refs = in.texts("refs");
    rule.paths = in.texts("paths");
    // An empty list means none, which a reader would take for "nothing" and the rules for "everything".
    for (const std::string_view key : {"refs", "paths", "from"}) {
      const toml::node* node = in.raw().get(key);
      if (node != nullptr && node->is_array() && node->as_array()->empty()) {
        in.error(key, "is empty; leave the key out to mean no limit");
      }
    }
    rule.until = in.time("until");
    rule.from = in.quoted_list("from", false, "networks such as 10.0.0.0/8", IpNetwork::parse);
    return rule;
  }
  void grant(Section& in) { config_.rules.grants.push_back(grant_or_deny(in, "grant")); }
  void deny(Section& in) { config_.rules.denies.push_back(grant_or_deny(in, "deny")); }

  // A path inside a repository, '/' between segments.
  static bool plain_repository_path(std::string_view path) {
    if (path.starts_with('/') || path.ends_with('/') || path.find('\0') != std::string_view::npos) return false;
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string_view segment = path.substr(at, end - at);
      if (segment.empty() || segment == "." || segment == "..") return path == ".";
      at = end + 1;
    }
    return true;
  }

  void templates(Section& in) {
    access::TemplatesRule rule;
    rule.origin = in.origin();
    rule.repos = in.repos("repos");
    access::Templates& templates = rule.templates;
    templates.root =
        in.text("root", true, "the directory of the templates, \".\" for the whole repository").value_or("");
    if (!templates.root.empty() && !plain_repository_path(templates.root)) {
      in.error("root", "is no directory of a repository; accepted: a path such as apimartifacts, or \".\"");
    }
    if (templates.root == ".") templates.root.clear();
    Words<std::string> layouts;
    for (const auto& layout : known_names().layouts) layouts.emplace_back(layout, layout);
    in.choice("layout", templates.layout, words_of(layouts));
    templates.settings = in.text("settings").value_or(templates.settings);
    if (!plain_repository_path(templates.settings)) in.error("settings", "is no path of a file in the repository");
    templates.may_relax = in.texts("may_relax");
    for (const auto& id : templates.may_relax) check_rule_id(in, "may_relax", id);
    if (const toml::table* table = in.table("severity", "a table { rule = \"error\" }")) {
      for (const auto& [key, node] : *table) {
        const std::string id(key.str());
        check_rule_id(in, "severity", id);
        const auto* level = node.as_string();
        if (level == nullptr || std::find(kSeverities.begin(), kSeverities.end(), level->get()) == kSeverities.end()) {
          in.error("severity",
                   fmt::format("of \"{}\" is none of them; accepted: error, warning, advice, off", printable(id, 60)),
                   line_of(node));
          continue;
        }
        templates.severity.emplace_back(id, level->get());
      }
    }
    config_.rules.templates.push_back(std::move(rule));
  }

  static void check_rule_id(Section& in, std::string_view key, const std::string& id) {
    const auto& known = known_names().rules;
    if (std::find(known.begin(), known.end(), id) != known.end()) return;
    in.error(key, fmt::format("\"{}\" is no rule{}; postern-check --list-rules shows them", printable(id, 60),
                              Section::meant(id, known)));
  }

  void environment(Section& in) {
    EnvironmentConfig environment;
    environment.origin = in.origin();
    environment.name = name_of(in, "environment");
    if (!plain_name(environment.name) && !environment.name.empty())
      in.error("name", "is no name; accepted: up to 64 letters, digits, - _ .");
    for (const auto& other : config_.environments) {
      if (other.name == environment.name)
        in.error("name", fmt::format("is already the name of the environment at line {}", other.origin.line));
    }
    using Mode = EnvironmentConfig::Mode;
    const Words<Mode> modes{{"plan", Mode::plan}, {"apply", Mode::apply}};
    in.choice("mode", environment.mode, words_of(modes));
    environment.repo = ascii_lower(in.text("repo", true, "owner/name").value_or(""));
    if (!environment.repo.empty() && !git::RepoPath::parse(environment.repo)) {
      in.error("repo", "names no single repository; accepted: owner/name");
    }
    environment.ref = in.text("ref", true, "a branch such as refs/heads/main").value_or("");
    if (!environment.ref.empty() &&
        (!environment.ref.starts_with("refs/heads/") || !git::is_valid_ref_name(environment.ref))) {
      in.error("ref", "is no branch; accepted: a full name such as refs/heads/main");
    }
    environment.after = in.texts("after");
    environment.service = in.text("service", true, kServiceWanted).value_or("");
    while (environment.service.ends_with('/')) environment.service.pop_back();
    if (!environment.service.empty() && !is_service_id(environment.service)) {
      in.error("service", fmt::format("is no id of a service; accepted: {}", kServiceWanted));
    }
    credential(in, environment);
    environment.kinds = in.texts("kinds");
    if (!in.has("kinds")) environment.kinds = {"policy", "fragment"};
    const auto& kinds = known_names().kinds;
    for (const auto& kind : environment.kinds) {
      if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
      in.error("kinds", fmt::format("\"{}\" is no kind{}; accepted: {}", printable(kind, 40),
                                    Section::meant(kind, kinds), join(kinds)));
    }
    in.count("max_deletes", environment.max_deletes, 0, 1'000'000);
    if (const toml::table* table = in.table("approvals", "a table { agents, default, by }")) {
      Section approvals(*table, in.file(), in.label() + " approvals:", base_, problems_, in.line_of_key("approvals"));
      approvals.count("agents", environment.approvals.agents, 0, 20);
      approvals.count("default", environment.approvals.default_, 0, 20);
      environment.approvals.by = approvals.texts("by");
      if (environment.approvals.agents < environment.approvals.default_) {
        approvals.error("agents",
                        "is less than default: an agent's commit must never owe fewer approvals than a person's");
      }
      approvals.finish();
    }
    environment.overrides = in.text("overrides").value_or("");
    if (!environment.overrides.empty() && !plain_repository_path(environment.overrides)) {
      in.error("overrides", "is no path of a file in the repository");
    }
    for (const toml::table* table : in.tables("health", "tables { get, expect }")) {
      Section health(*table, in.file(), in.label() + " health:", base_, problems_);
      HealthCheck check;
      check.get = health.text("get", true, "a URL").value_or("");
      // A health URL may well have a query; only its protection is judged.
      if (!check.get.empty()) {
        const auto url = parse_url(check.get.substr(0, check.get.find('?')), {});
        if (!url) health.error("get", url.error().message);
      }
      health.count("expect", check.expect, 100, 599);
      environment.health.push_back(std::move(check));
      health.finish();
    }
    config_.environments.push_back(std::move(environment));
  }

  static constexpr std::string_view kServiceWanted =
      "/subscriptions/…/resourceGroups/…/providers/Microsoft.ApiManagement/service/NAME";

  static bool is_service_id(std::string_view id) {
    std::vector<std::string> parts;
    for (std::size_t at = 1; at <= id.size();) {
      const std::size_t end = std::min(id.find('/', at), id.size());
      parts.emplace_back(id.substr(at, end - at));
      at = end + 1;
    }
    if (!id.starts_with('/') || parts.size() != 8) return false;
    const auto is = [&](std::size_t part, std::string_view word) {
      return ascii_lower(parts[part]) == ascii_lower(word);
    };
    const bool words = is(0, "subscriptions") && is(2, "resourceGroups") && is(4, "providers") &&
                       is(5, "Microsoft.ApiManagement") && is(6, "service");
    return words && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
             return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_' || c == '.' || c == '(' || c == ')';
             });
           });
  }

  void credential(Section& in, EnvironmentConfig& environment) {
    static constexpr std::string_view kAccepted =
        "managed-identity, workload-identity, client-secret:REFERENCE (env:, file: or keyvault:), azure-cli";
    const auto text = in.text("credential", false, kAccepted);
    environment.client_id = in.text("client_id").value_or("");
    environment.tenant = in.text("tenant").value_or("");
    if (!text) return;
    if (*text == "managed-identity" || *text == "workload-identity" || *text == "azure-cli") {
      environment.credential = *text;
    } else if (text->starts_with("client-secret:")) {
      environment.credential = "client-secret";
      auto reference = parse_secret_ref(std::string_view(*text).substr(14), base_);
      if (!reference) {
        in.error("credential", reference.error().message);
      } else {
        environment.client_secret = *std::move(reference);
      }
      if (environment.client_id.empty() || environment.tenant.empty()) {
        in.error("credential", "client-secret needs client_id and tenant beside it");
      }
    } else {
      // It may be the secret itself.
      in.error("credential", fmt::format("is none of them; accepted: {}", kAccepted));
    }
  }

  void deploy(Section& in) {
    DeployConfig deploy;
    if (const auto url =
            in.parsed("store", false, "sqlite:PATH", [&](std::string_view text) { return store_url(text); })) {
      deploy.store = *url;
    }
    if (const auto gateway =
            in.parsed("gateway", false, "unix:PATH or a URL", [&](std::string_view text) -> Result<std::string> {
              if (!text.starts_with("unix:")) return parse_url(text, {.path_allowed = false});
              const auto path = parse_path(text.substr(5), base_);
              if (!path) return fail(ErrorCode::bad_usage, "unix: must be followed by a path");
              return "unix:" + *path;
            })) {
      deploy.gateway = *gateway;
    }
    deploy.git_url = in.url("git_url", "", true, {});
    deploy.git_credential = in.secret("git_credential");
    deploy.arm_endpoint = in.url("arm_endpoint", deploy.arm_endpoint, false, {.path_allowed = false});
    deploy.arm_ca_file = in.path("arm_ca_file", "");
    deploy.imds_endpoint =
        in.url("imds_endpoint", deploy.imds_endpoint, false, {.path_allowed = true, .imds_allowed = true});
    in.duration("poll", deploy.poll, std::chrono::seconds(1), std::chrono::hours(24));
    config_.deploy = std::move(deploy);
  }

  // What can only be judged when every file is read.
  void check_whole() {
    std::vector<std::string> names;
    for (const auto& environment : config_.environments) names.push_back(environment.name);
    for (const auto& environment : config_.environments) {
      if (faulty_.contains({environment.origin.file, environment.origin.line})) continue;
      const std::string label = fmt::format("[[environment]] {}: ", environment.name);
      const auto error = [&](std::string_view key, std::string message) {
        problems_.errors.push_back(
            {environment.origin.file, environment.origin.line, label + std::string(key), std::move(message)});
      };
      for (const auto& before : environment.after) {
        if (std::find(names.begin(), names.end(), before) == names.end()) {
          error("after", fmt::format("no [[environment]] is named \"{}\"{}", printable(before, 64),
                                     Section::meant(before, names)));
        } else if (std::set<std::string> seen; waits_for(before, environment.name, seen)) {
          error("after", fmt::format("\"{}\" waits for this one in turn, so neither would ever deploy", before));
        }
      }
      for (const auto& name : environment.approvals.by) {
        const auto named = [&](const auto& rule) { return rule.name == name; };
        const auto& rules = config_.rules;
        if (std::none_of(rules.identities.begin(), rules.identities.end(), named) &&
            std::none_of(rules.groups.begin(), rules.groups.end(), named)) {
          error("approvals", fmt::format("no [[identity]] or [[group]] is named \"{}\"", printable(name, 64)));
        }
      }
    }
    for (auto& problem : access::AccessRules::examine(config_.rules, names)) {
      // What was only half read looks wrong in more ways than it is.
      if (faulty_.contains({problem.origin.file, problem.origin.line})) continue;
      auto& list = problem.is_error ? problems_.errors : problems_.warnings;
      list.push_back(
          {std::move(problem.origin.file), problem.origin.line, std::move(problem.key), std::move(problem.message)});
    }
  }

  bool waits_for(const std::string& name, const std::string& other, std::set<std::string>& seen) const {
    if (name == other) return true;
    if (!seen.insert(name).second) return false;
    for (const auto& environment : config_.environments) {
      if (environment.name != name) continue;
      for (const auto& before : environment.after) {
        if (waits_for(before, other, seen)) return true;
      }
    }
    return false;
  }

  std::string path_;
  std::string base_;
  const Files& files_;
  Problems problems_;
  bool all_read_ = true;
  std::set<std::pair<std::string, unsigned>> faulty_;  // sections with mistakes of their own
  Config config_;
};

}  // namespace

std::expected<Loaded, Mistakes> load(const std::string& path, const Files& files) { return Loader(path, files).run(); }

}  // namespace postern::config
