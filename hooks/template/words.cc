#include "hooks/template/words.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/encoding.h"

namespace postern::tree {
namespace {

constexpr std::size_t kMostWords = 50000;
constexpr std::size_t kDigits = 6;

bool in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// FNV-1a, cut to as many bits as the text holds.
std::uint32_t hash_of(std::string_view word) {
  std::uint32_t hash = 2166136261U;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (hash ^ (hash >> 24)) & 0xffffffU;
}

template <class Visit>
void each_word(std::string_view folded, Visit visit) {
  for (std::size_t at = 0; at < folded.size();) {
    if (!in_word(folded[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < folded.size() && in_word(folded[at])) ++at;
    visit(hash_of(folded.substr(begin, at - begin)));
  }
}

}  // namespace

void Words::add(std::string_view text) {
  // Letters may be written as numbers, in JSON and in XML.
  if (text.find("\\u") != std::string_view::npos || text.find("&#") != std::string_view::npos) any_ = true;
  if (!any_) each_word(ascii_lower(text), [this](std::uint32_t word) { words_.push_back(word); });
  std::sort(words_.begin(), words_.end());
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
  if (words_.size() > kMostWords) any_ = true;
  if (any_) words_.clear();
}

bool Words::may_hold(std::string_view name) const {
  bool all = true;
  if (!any_)
    each_word(ascii_lower(name),
              [&](std::uint32_t word) { all = all && std::binary_search(words_.begin(), words_.end(), word); });
  return all;
}

std::string Words::to_text() const {
  if (any_) return "*";
  std::string out;
  out.reserve(words_.size() * kDigits);
  for (const std::uint32_t word : words_) out += fmt::format("{:06x}", word);
  return out;
}

std::optional<Words> Words::parse(std::string_view text) {
  Words out;
  out.words_.reserve(text.size() / kDigits);
  if (text == "*") {
    out.any_ = true;
    return out;
  }
  if (text.size() % kDigits != 0 || text.size() / kDigits > kMostWords) return std::nullopt;
  for (; !text.empty(); text.remove_prefix(kDigits)) {
    std::uint32_t word = 0;
    for (const char c : text.substr(0, kDigits)) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      word = word * 16 + static_cast<std::uint32_t>(digit);
    }
    // Sorted, each once: what was not written by to_text() is not believed.
    if (!out.words_.empty() && word <= out.words_.back()) return std::nullopt;
    out.words_.push_back(word);
  }
  return out;
}

}  // namespace postern::tree
