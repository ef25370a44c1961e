#include "hooks/template/spec_tree.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/base/encoding.h"

namespace postern::tree {
namespace {

// The place of the name in front of a value.
std::size_t key_begin(std::string_view text, std::size_t value) {
  std::size_t at = value;
  while (at > 0 && text[at - 1] != '"') --at;
  if (at == 0) return value;
  --at;  // the closing quote
  while (at > 0) {
    --at;
    if (text[at] != '"') continue;
    std::size_t slashes = 0;
    while (slashes < at && text[at - slashes - 1] == '\\') ++slashes;
    if (slashes % 2 == 0) return at;
  }
  return value;
}

// %7B, then ~1 and ~0.
std::string unescaped(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '%' && i + 2 < step.size()) {
      if (const Result<std::string> byte = hex_decode(step.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += step[i];
  }
  for (const auto& [from, to] : {std::pair<std::string_view, std::string_view>{"~1", "/"}, {"~0", "~"}}) {
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; ++at) out.replace(at, from.size(), to);
  }
  return out;
}

constexpr std::size_t kBlock = 256;

std::size_t count_letters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

PlaceTable::PlaceTable(std::string_view text) : text_(text), lines_{0} {
  std::size_t letters = 0;
  for (std::size_t at = 0; at <= text.size(); at += kBlock) {
    letters_.push_back(letters);
    letters += count_letters(text.substr(at, kBlock));
  }
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    lines_.push_back(at + 1);
}

TextPlace PlaceTable::at(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto line = std::upper_bound(lines_.begin(), lines_.end(), offset) - 1;
  return {static_cast<unsigned>(line - lines_.begin()) + 1,
          static_cast<unsigned>(letters_before(offset) - letters_before(*line)) + 1};
}

std::size_t PlaceTable::letters_before(std::size_t offset) const {
  const std::size_t block = offset / kBlock;
  return letters_[block] + count_letters(text_.substr(block * kBlock, offset - block * kBlock));
}

SpecTree SpecTree::from_json(const json::Value& root, std::string_view text) {
  const PlaceTable places(text);
  SpecTree out;
  // The values still to be copied, each with the node that it becomes.
  std::vector<std::pair<const json::Value*, std::uint32_t>> open{{&root, 0}};
  while (!open.empty()) {
    const auto [value, index] = open.back();
    open.pop_back();
    Node node;
    node.at = places.at(value->span.begin);
    const auto add = [&](std::string key, const json::Value& child, TextPlace at) {
      const auto next = static_cast<std::uint32_t>(out.nodes_.size());
      node.members.push_back({std::move(key), at, next});
      out.nodes_.emplace_back();
      open.emplace_back(&child, next);
    };
    if (const json::Object* object = value->as_object()) {
      node.kind = Kind::object;
      for (const auto& [key, child] : *object) add(key, child, places.at(key_begin(text, child.span.begin)));
    } else if (const json::Array* array = value->as_array()) {
      node.kind = Kind::list;
      for (const json::Value& child : *array) add({}, child, places.at(child.span.begin));
    } else if (!value->is_null()) {
      node.kind = Kind::scalar;
      node.text = value->as_string() != nullptr
                      ? *value->as_string()
                      : std::string(text.substr(value->span.begin, value->span.end - value->span.begin));
    }
    out.nodes_[index] = std::move(node);
  }
  return out;
}

const SpecTree::Member* SpecTree::find_member(const Node& node, std::string_view key) const {
  if (node.kind != Kind::object) return nullptr;
  const auto at =
      std::find_if(node.members.begin(), node.members.end(), [&](const Member& each) { return each.key == key; });
  return at == node.members.end() ? nullptr : &*at;
}

const SpecTree::Node* SpecTree::find(const Node& node, std::string_view key) const {
  const Member* member = find_member(node, key);
  return member == nullptr ? nullptr : &nodes_[member->value];
}

const std::string* SpecTree::find_text(const Node& node, std::string_view key) const {
  const Node* found = find(node, key);
  return found != nullptr && found->kind == Kind::scalar ? &found->text : nullptr;
}

const SpecTree::Node* SpecTree::resolve(std::string_view reference, const Node** parent) const {
  if (!reference.starts_with("#/")) return nullptr;
  reference.remove_prefix(1);
  const Node* node = &root();
  while (!reference.empty()) {
    reference.remove_prefix(1);  // the slash
    const std::size_t slash = std::min(reference.find('/'), reference.size());
    const std::string step = unescaped(reference.substr(0, slash));
    reference.remove_prefix(slash);
    if (parent != nullptr) *parent = node;
    if (node->kind == Kind::list) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error != std::errc() || end != step.data() + step.size() || index >= node->members.size()) return nullptr;
      node = &nodes_[node->members[index].value];
    } else {
      node = find(*node, step);
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace postern::tree
