#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"

namespace postern::json {
namespace {

// Reads bytes and counts them, so that the SAX events below know where the lexer stands.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char* begin, std::size_t* count) : at_(at), begin_(begin), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    if (count_ != nullptr) *count_ = static_cast<std::size_t>(at_ - begin_);
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char* begin_;
  std::size_t* count_;
};

class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  std::size_t* count() { return &count_; }
  const Error& error() const { return error_; }
  Value take() { return std::move(root_); }

  bool null() override { return add(Value(), token_begin(4), count_); }
  bool boolean(bool value) override { return add(Value(value), token_begin(value ? 4 : 5), count_); }
  bool number_integer(number_integer_t value) override { return add_number(Value(std::int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return add_number(Value(static_cast<double>(value)));
    return add_number(Value(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return add_number(Value(value)); }
  bool string(string_t& value) override {
    const std::size_t end = count_;
    return add(Value(std::move(value)), string_begin(end), end);
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value(Object{})); }
  bool key(string_t& name) override {
    if (!limits_.repeated_names && !is_new(frames_.back(), name)) {
      return refuse(ErrorCode::invalid_input, fmt::format("duplicate member \"{}\"", printable(name, 80)));
    }
    frames_.back().key = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Value(Array{})); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& fault) override {
    const bool at_end = std::string_view(fault.what()).find("unexpected end of input") != std::string_view::npos;
    if (at_end || count_ == 0) return refuse(ErrorCode::invalid_input, "the text ends too early");
    // The word or mark that was read last.
    const std::size_t end = std::min(count_, text_.size());
    std::size_t begin = end - 1;
    while (begin > 0 && is_word_byte(text_[begin]) && is_word_byte(text_[begin - 1])) --begin;
    return refuse(ErrorCode::invalid_input,
                  fmt::format("unexpected '{}'", printable(text_.substr(begin, end - begin), 40)));
  }

 private:
  struct Frame {
    Value value;
    std::string key;
    std::unordered_set<std::string> names;  // of the members so far, from kFewMembers on
  };
  static constexpr std::size_t kFewMembers = 24;

  // Among few members to look at each is quicker than to keep a set; among many it would be quadratic.
  static bool is_new(Frame& frame, const std::string& name) {
    const Object& members = *frame.value.as_object();
    if (members.size() < kFewMembers)
      return std::none_of(members.begin(), members.end(), [&](const Member& member) { return member.first == name; });
    if (frame.names.empty())
      for (const Member& member : members) frame.names.insert(member.first);
    return frame.names.insert(name).second;
  }

  std::size_t token_begin(std::size_t length) const { return count_ >= length ? count_ - length : 0; }
  // The lexer reads one byte past a number to find its end.
  bool add_number(Value value) {
    std::size_t end = count_;
    if (end > 0 && !is_number_byte(text_[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && is_number_byte(text_[begin - 1])) --begin;
    return add(std::move(value), begin, end);
  }
  static bool is_number_byte(char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
  }
  static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
  }
  std::size_t string_begin(std::size_t end) const {
    if (end < 2) return 0;
    for (std::size_t at = end - 1; at-- > 0;) {
      if (text_[at] != '"') continue;
      std::size_t slashes = 0;
      while (slashes < at && text_[at - 1 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) return at;
    }
    return 0;
  }

  bool refuse(ErrorCode code, std::string what) {
    std::size_t line = 1;
    std::size_t column = 1;
    const std::size_t end = std::min(count_, text_.size());
    for (std::size_t i = 0; i + 1 < end; ++i) {
      if (text_[i] == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<unsigned char>(text_[i + 1]) & 0xc0) != 0x80) {
        ++column;
      }
    }
    error_ = {code, fmt::format("JSON, line {} column {}: {}", line, column, what)};
    return false;
  }
  bool count_value() {
    if (++values_ > limits_.values) return refuse(ErrorCode::limit, fmt::format("more than {} values", limits_.values));
    return true;
  }
  bool place(Value value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Frame& top = frames_.back();
    if (Array* array = top.value.as_array()) {
      array->push_back(std::move(value));
    } else {
      top.value.as_object()->emplace_back(std::move(top.key), std::move(value));
    }
    return true;
  }
  bool add(Value value, std::size_t begin, std::size_t end) {
    if (!count_value()) return false;
    value.span = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    return place(std::move(value));
  }
  bool open(Value value) {
    if (!count_value()) return false;
    if (frames_.size() >= limits_.depth)
      return refuse(ErrorCode::limit, fmt::format("deeper than {} levels", limits_.depth));
    value.span.begin = static_cast<std::uint32_t>(token_begin(1));
    frames_.push_back(Frame{std::move(value), {}, {}});
    return true;
  }
  bool close() {
    Value done = std::move(frames_.back().value);
    frames_.pop_back();
    done.span.end = static_cast<std::uint32_t>(count_);
    return place(std::move(done));
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t count_ = 0;
  std::size_t values_ = 0;
  std::vector<Frame> frames_;
  Value root_;
  Error error_{ErrorCode::invalid_input, "JSON: the text ends too early"};
};

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes || text.size() > UINT32_MAX) {
    return fail(ErrorCode::limit, fmt::format("JSON of {} bytes; the limit is {}", text.size(), limits.bytes));
  }
  if (text.starts_with("\xef\xbb\xbf"))
    return fail(ErrorCode::invalid_input, "JSON, line 1 column 1: a byte order mark");
  if (!is_utf8(text)) return fail(ErrorCode::invalid_input, "JSON: the text is not UTF-8");
  Builder builder(text, limits);
  const char* begin = text.data();
  const char* end = text.data() + text.size();
  const bool whole = nlohmann::json::sax_parse(CountingIterator(begin, begin, builder.count()),
                                               CountingIterator(end, begin, nullptr), &builder);
  if (!whole) return fail(builder.error());
  return builder.take();
}

}  // namespace postern::json
