#include "hooks/policy/secrets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "gateway/base/encoding.h"

namespace postern::policy {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }
bool is_alnum(char c) { return is_letter(c) || is_digit(c); }
bool is_base64(char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; }
bool is_base64url(char c) { return is_alnum(c) || c == '-' || c == '_'; }
bool is_name(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; }

// Where runs may overlap they are bounded, so that the whole stays linear.
constexpr std::size_t kLongestRun = 4096;
constexpr std::size_t kMostHits = 5000;

template <class Member>
std::string_view run(std::string_view text, std::size_t at, Member member, std::size_t most = std::string_view::npos) {
  std::size_t end = at;
  while (end < text.size() && end - at < most && member(text[end])) ++end;
  return text.substr(at, end - at);
}

// Bits per character.
double entropy(std::string_view text) {
  std::array<unsigned, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const unsigned count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool has_placeholder(std::string_view text) {
  return text.find_first_of("{}<>%$") != std::string_view::npos || text.find("__") != std::string_view::npos ||
         text.starts_with('@') || text.starts_with('#') || text.starts_with("[[");
}

bool is_example(std::string_view text) {
  const std::string low = ascii_lower(text);
  for (const char* word : {"your", "example", "placeholder", "dummy", "sample", "insert", "replace", "xxxx", "****",
                           "....", "redacted", "secret-here", "todo"})
    if (low.find(word) != std::string::npos) return true;
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == text.front(); });
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = static_cast<char>(text[i] | 0x20);
    if (dash ? text[i] != '-' : !is_digit(text[i]) && !(c >= 'a' && c <= 'f')) return false;
  }
  return true;
}

// A stretch of letters and digits that changes between them, and between cases, more often than words do.
bool is_mixed(std::string_view text) {
  unsigned longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_alnum(text[at])) {
      ++at;
      continue;
    }
    const std::string_view part = run(text, at, is_alnum);
    unsigned changes = 0;
    for (std::size_t i = 1; i < part.size(); ++i) changes += is_digit(part[i]) != is_digit(part[i - 1]) ? 1U : 0U;
    if (part.size() >= 8) longest = std::max(longest, changes);
    at += part.size();
  }
  return longest >= 3;
}

std::string decode_any(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  while (plain.ends_with('=')) plain.pop_back();
  while (plain.size() % 4 != 0) plain += '=';
  const Result<std::string> bytes = base64_decode(plain);
  return bytes ? *bytes : std::string();
}

bool is_text(std::string_view bytes) {
  return is_utf8(bytes) && std::all_of(bytes.begin(), bytes.end(), [](char c) {
           return static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\r' || c == '\t';
         });
}

struct Keyword {
  std::string_view name;  // lower case, in front of '='
  std::string_view what;
};
constexpr Keyword kKeywords[] = {
    {"accountkey", "an account key"},
    {"sharedaccesskey", "a shared access key"},
    {"password", "a password in a connection string"},
    {"pwd", "a password in a connection string"},
    {"sig", "a shared access signature"},
    {"client_secret", "a client secret"},
    {"code", "a function key"},
    {"subscription-key", "a subscription key"},
    {"api-key", "an API key"},
    {"apikey", "an API key"},
    {"api_key", "an API key"},
    {"access_token", "an access token"},
};

struct Prefix {
  std::string_view text;
  std::size_t least;  // characters behind it
  std::string_view what;
};
constexpr Prefix kPrefixes[] = {
    {"AKIA", 16, "an access key of a cloud"},   {"AIza", 35, "an API key of a cloud"},
    {"ghp_", 36, "a token of a code host"},     {"gho_", 36, "a token of a code host"},
    {"ghs_", 36, "a token of a code host"},     {"github_pat_", 60, "a token of a code host"},
    {"glpat-", 20, "a token of a code host"},   {"xoxb-", 30, "a token of a chat service"},
    {"xoxp-", 30, "a token of a chat service"}, {"sk_live_", 20, "a key of a payment service"},
    {"SG.", 60, "a key of a mail service"},
};

// The pairs of bytes that something may begin with: a bit that both of them have.
struct Begins {
  std::array<std::uint8_t, 256> first{};
  std::array<std::uint8_t, 256> second{};
};
constexpr Begins kBegins = [] {
  Begins out;
  const auto pair = [&](std::uint8_t bit, std::string_view first, std::string_view second) {
    for (const char c : first) out.first[static_cast<unsigned char>(c)] |= bit;
    for (const char c : second) out.second[static_cast<unsigned char>(c)] |= bit;
  };
  pair(1, "=:", "");
  for (std::uint8_t& any : out.second) any |= 1;
  pair(2, "Bb", "ea");
  pair(4, "e", "y");
  pair(8, "-", "-");
  pair(16, "M", "I");
  for (const Prefix& one : kPrefixes) pair(32, one.text.substr(0, 1), one.text.substr(1, 1));
  return out;
}();

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<SecretHit> scan() {
    for (at_ = next(0); at_ < text_.size() && out_.size() < kMostHits; at_ = next(at_ + 1)) {
      switch (text_[at_]) {
        case '=': assignment(); break;
        case ':': member(); break;
        case 'B':
        case 'b': authorization(); break;
        case 'e': web_token(); break;
        case '-': pem(); break;
        case 'M': der(); break;
        default: known_prefix(); break;
      }
    }
    return std::move(out_);
  }

 private:
  // Where from `at` on something may begin: nearly every byte of a document is told by itself and the one behind it.
  std::size_t next(std::size_t at) const {
    while (at + 1 < text_.size() && (kBegins.first[static_cast<unsigned char>(text_[at])] &
                                     kBegins.second[static_cast<unsigned char>(text_[at + 1])]) == 0)
      ++at;
    return at + 1 < text_.size() ? at : text_.size();
  }
  std::string_view rest() const { return text_.substr(at_); }
  bool starts_word() const { return at_ == 0 || !is_alnum(text_[at_ - 1]); }
  void add(std::size_t begin, std::size_t end, std::string_view what) {
    out_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), what});
  }

  // key=value, as in connection strings, queries and forms.
  void assignment() {
    const auto inside = [](char c) {
      return static_cast<unsigned char>(c) > ' ' && std::string_view(";&\"'<>\\),").find(c) == std::string_view::npos;
    };
    // An attribute, or the text goes on behind a quote: judged where its name is known.
    if (at_ + 1 == text_.size() || !inside(text_[at_ + 1])) return;
    std::size_t begin = at_;
    while (begin > 0 && at_ - begin < 24 && is_name(text_[begin - 1])) --begin;
    const std::string key = ascii_lower(text_.substr(begin, at_ - begin));
    const Keyword* found = nullptr;
    for (const Keyword& one : kKeywords)
      if (key == one.name || (key.ends_with(one.name) && key.size() > one.name.size() &&
                              (one.name == "subscription-key" || one.name == "api-key")))
        found = &one;
    if (found == nullptr || at_ < covered_) return;
    const std::string_view value = run(text_, at_ + 1, inside, kLongestRun);
    covered_ = at_ + 1 + value.size();
    if (has_placeholder_but_percent(value) || is_example(value)) return;
    if (is_one(found->name, value)) add(begin, at_, found->what);
  }

  static bool has_placeholder_but_percent(std::string_view value) {
    std::string without(value);
    std::erase(without, '%');
    return has_placeholder(without);
  }

  bool is_one(std::string_view key, std::string_view value) {
    if (key == "accountkey" || key == "sharedaccesskey")
      return value.size() >= 20 && std::all_of(value.begin(), value.end(), is_base64);
    if (key == "password" || key == "pwd") return value.size() >= 4 && in_connection_string();
    if (key == "sig") {
      const std::string_view near = around(600);
      const Result<std::string> plain = percent_decode(value);
      return plain && plain->size() >= 32 && std::all_of(plain->begin(), plain->end(), is_base64) &&
             (near.find("sv=") != std::string_view::npos || near.find("se=") != std::string_view::npos);
    }
    if (key == "code") {
      const std::string plain = percent_decode(value).value_or(std::string(value));
      return plain.size() >= 40 && is_binary_base64(plain) && is_mixed(plain);
    }
    return looks_secret(value);
  }

  // What stands around, at most that many bytes to each side.
  std::string_view around(std::size_t most) const {
    const std::size_t begin = at_ > most ? at_ - most : 0;
    return text_.substr(begin, at_ + most - begin);
  }

  bool in_connection_string() {
    if (++looks_around_ > kMostHits) return false;
    const std::string near = ascii_lower(around(400));
    for (const char* word : {"server=", "data source=", "host=", "endpoint=", "initial catalog=", "database="})
      if (near.find(word) != std::string::npos) return near.find(';') != std::string::npos;
    return false;
  }

  // "name": "value", with or without backslashes in front of the quotes.
  void member() {
    std::size_t end = at_;
    while (end > 0 && (text_[end - 1] == ' ' || text_[end - 1] == '\t') && at_ - end < 8) --end;
    if (end == 0 || text_[end - 1] != '"') return;
    --end;
    if (end > 0 && text_[end - 1] == '\\') --end;
    std::size_t begin = end;
    while (begin > 0 && end - begin < 64 && is_name(text_[begin - 1])) --begin;
    if (begin == end || begin == 0 || text_[begin - 1] != '"') return;
    std::size_t value_at = at_ + 1;
    while (value_at < text_.size() && value_at - at_ < 8 && (text_[value_at] == ' ' || text_[value_at] == '\t'))
      ++value_at;
    if (value_at < text_.size() && text_[value_at] == '\\') ++value_at;
    if (value_at >= text_.size() || text_[value_at] != '"') return;
    const std::string_view value =
        run(text_, value_at + 1, [](char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) > ' '; });
    if (value.size() < 8 || value.size() > 512) return;
    if (names_secret(text_.substr(begin, end - begin)) && looks_secret(value)) add(begin, end, "a secret member");
  }

  void authorization() {
    if (!starts_word()) return;
    const bool bearer = rest().starts_with("Bearer ") || rest().starts_with("bearer ");
    const bool basic = rest().starts_with("Basic ") || rest().starts_with("basic ");
    if (!bearer && !basic) return;
    const std::size_t from = at_ + (bearer ? 7 : 6);
    const std::string_view value =
        run(text_, from, [](char c) { return is_base64(c) || is_base64url(c) || c == '.' || c == '~'; });
    if (value.size() < 8 || is_example(value)) return;
    if (bearer && value.starts_with("eyJ")) return;  // told as what it is
    if (bearer && value.size() >= 20 && looks_secret(value)) add(at_, from - 1, "a bearer token");
    if (!basic || !std::all_of(value.begin(), value.end(), is_base64)) return;
    const Result<std::string> plain = base64_decode(value);
    if (plain && is_text(*plain) && plain->find(':') != std::string::npos && plain->find("{{") == std::string::npos)
      add(at_, from - 1, "basic credentials");
  }

  // Three parts of base64url, the first of which is an object with "alg".
  void web_token() {
    if (!rest().starts_with("eyJ") || (at_ > 0 && is_base64url(text_[at_ - 1]))) return;
    const std::string_view header = run(text_, at_, is_base64url);
    std::size_t next = at_ + header.size();
    if (header.size() < 12 || next >= text_.size() || text_[next] != '.') return;
    const std::string_view claims = run(text_, next + 1, is_base64url);
    next += 1 + claims.size();
    if (claims.size() < 8 || next >= text_.size() || text_[next] != '.') return;
    const std::string_view signature = run(text_, next + 1, is_base64url);
    if (signature.size() < 20 || decode_any(header).find("\"alg\"") == std::string::npos) return;
    add(at_, at_, "a signed token");
    at_ = next + signature.size();
  }

  void pem() {
    if (!rest().starts_with("-----BEGIN ")) return;
    const std::string_view line = rest().substr(0, 64);
    const std::size_t end = line.find("PRIVATE KEY-----");
    if (end != std::string_view::npos && line.find('\n') > end) add(at_, at_ + end + 16, "a private key");
  }

  // SEQUENCE { INTEGER 0: a private key; INTEGER 3: a PKCS #12 archive }. A certificate begins otherwise.
  void der() {
    if (!rest().starts_with("MII") || (at_ > 0 && is_base64(text_[at_ - 1]) && text_[at_ - 1] != '=')) return;
    const std::string_view value = run(text_, at_, is_base64);
    if (value.size() >= 120) {
      const std::string head = decode_any(value.substr(0, 12));
      if (head.size() >= 7 && head[0] == 0x30 && head[4] == 0x02 && head[5] == 0x01 && (head[6] == 0 || head[6] == 3))
        add(at_, at_, head[6] == 0 ? "a private key" : "a key archive");
    }
    at_ += value.size() - 1;
  }

  void known_prefix() {
    if (at_ > 0 && (is_alnum(text_[at_ - 1]) || text_[at_ - 1] == '_')) return;
    for (const Prefix& one : kPrefixes) {
      if (!rest().starts_with(one.text)) continue;
      const std::string_view value =
          run(text_, at_ + one.text.size(), [](char c) { return is_base64url(c) || c == '.'; }, 256);
      const bool random = value.size() >= one.least && !is_example(value) && entropy(value) >= 3;
      const bool shaped =
          one.text != "AKIA" || (value.size() == 16 && std::none_of(value.begin(), value.end(), is_lower));
      if (random && shaped) add(at_, at_ + one.text.size(), one.what);
      at_ += value.size();
      return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t looks_around_ = 0;
  std::size_t covered_ = 0;  // values up to here were judged as part of another
  std::vector<SecretHit> out_;
};

}  // namespace

std::vector<SecretHit> find_secrets(std::string_view text) { return Scanner(text).scan(); }

bool names_secret(std::string_view name) {
  std::string plain = ascii_lower(name);
  std::erase_if(plain, [](char c) { return !is_alnum(c); });
  for (const char* other : {"id", "name", "url", "uri", "endpoint", "type", "header", "path", "version", "scope",
                            "issuer", "audience", "expiry", "expires", "length", "count", "format", "ttl", "prefix"})
    if (plain.ends_with(other)) return false;
  for (const char* other : {"thumbprint", "hash", "public", "cache", "kid", "vary", "counter", "partition", "sort"})
    if (plain.find(other) != std::string::npos) return false;
  for (const char* word :
       {"password",      "passwd",    "secret",     "apikey",  "accesskey",     "subscriptionkey", "functionskey",
        "functionkey",   "sharedkey", "accountkey", "authkey", "privatekey",    "signingkey",      "masterkey",
        "encryptionkey", "hmackey",   "hostkey",    "token",   "authorization", "credential",      "connectionstring"})
    if (plain.find(word) != std::string::npos) return true;
  return plain == "pwd" || plain == "key" || plain == "sig" || plain == "code";
}

bool is_binary_base64(std::string_view value) {
  if (value.size() < 20 ||
      !std::all_of(value.begin(), value.end(), [](char c) { return is_base64(c) || is_base64url(c); }))
    return false;
  const std::string bytes = decode_any(value);
  return bytes.size() >= 15 && !is_text(bytes);
}

bool is_secret_header(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {"authorization",
                                                       "proxy-authorization",
                                                       "cookie",
                                                       "set-cookie",
                                                       "ocp-apim-subscription-key",
                                                       "x-api-key",
                                                       "api-key",
                                                       "apikey",
                                                       "x-functions-key",
                                                       "x-ms-token-aad-access-token"};
  return std::find(kNames.begin(), kNames.end(), ascii_lower(name)) != kNames.end();
}

bool looks_secret(std::string_view value) {
  while (!value.empty() && static_cast<unsigned char>(value.front()) <= ' ') value.remove_prefix(1);
  while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
  if (value.size() < 16 || value.size() > 512) return false;
  if (value.find_first_of(" \t\r\n") != std::string_view::npos || value.find("://") != std::string_view::npos)
    return false;
  if (has_placeholder(value) || is_example(value) || is_guid(value)) return false;
  for (const char* hash : {"sha1-", "sha256-", "sha384-", "sha512-"})
    if (value.starts_with(hash)) return false;
  if (!is_mixed(value) || entropy(value) < 3) return false;
  // Base64 of words is no key.
  const std::string bytes =
      std::all_of(value.begin(), value.end(), [](char c) { return is_base64(c) || is_base64url(c); })
          ? decode_any(value)
          : std::string();
  return bytes.size() < 12 || !is_text(bytes);
}

bool may_hold_secret(std::string_view code) {
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (!is_digit(code[at])) continue;
    std::size_t begin = at;
    while (begin > 0 && is_alnum(code[begin - 1])) --begin;
    const std::string_view part = run(code, begin, is_alnum);
    if (is_mixed(part)) return true;
    at = begin + part.size();
  }
  // A character reference may be any part of a key.
  for (const char* other : {"&#", "FromBase64String", "HMAC"})
    if (code.find(other) != std::string_view::npos) return true;
  return false;
}

bool is_written_password(std::string_view value) {
  return !value.empty() && !has_placeholder(value) && !is_example(value) &&
         value.find_first_not_of(" \t\r\n") != std::string_view::npos;
}

}  // namespace postern::policy
