#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

const Parser::Local* Parser::find_local(std::string_view name) const {
  const auto found = places_.find(name);
  if (found != places_.end() && !found->second.at.empty()) return &locals_[found->second.at.back()];
  return outer_ != nullptr ? outer_->find_local(name) : nullptr;
}

bool Parser::is_declared_since(std::size_t locals, std::string_view name) const {
  const auto found = places_.find(name);
  return found != places_.end() && !found->second.at.empty() && found->second.at.back() >= locals;
}

bool Parser::is_function(std::string_view name) const {
  return functions_.contains(name) || (outer_ != nullptr && outer_->is_function(name));
}

bool Parser::is_label(std::string_view name) {
  if (!labels_) {
    labels_.emplace();
    for (Index i = 0; i + 1 < t_.size(); ++i) {
      if (t_[i].kind == TokenKind::identifier && is_punct(t_[i + 1], ":")) labels_->insert(t_[i].text);
    }
  }
  return labels_->contains(name);
}

bool Parser::is_own_member(std::string_view name) const {
  return own_members_.contains(name) || (outer_ != nullptr && outer_->is_own_member(name));
}

void Parser::leave(std::size_t locals) {
  while (locals_.size() > locals) {
    Places& places = places_[locals_.back().name];
    places.at.pop_back();
    if (locals_.back().plain) --places.plain;
    locals_.pop_back();
  }
  while (!unassigned_.empty() && unassigned_.back() >= locals) unassigned_.pop_back();
}

Parser::Flow Parser::join(const Flow& a, bool a_falls, const Flow& b, bool b_falls) {
  if (!a_falls) return b_falls ? b : Flow();
  if (!b_falls) return a;
  Flow out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

Parser::Flow Parser::meet(const Flow& a, const Flow& b) {
  Flow out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

bool Parser::assigns(Index at) const {
  if (is_punct(t_[at + 1], "=")) return true;
  if (at == 0) return false;
  if (is_word(t_[at - 1], "out") || is_word(t_[at - 1], "ref")) return true;
  // (a, b) = …
  Index open = at;
  while (open > 0 && (is_punct(t_[open - 1], ",") || t_[open - 1].kind == TokenKind::identifier)) --open;
  if (open == 0 || !is_punct(t_[open - 1], "(")) return false;
  const Index close = match_[open - 1];
  return close != kNoMatch && is_punct(t_[close + 1], "=");
}

bool Parser::give_value(std::string_view name, int function_depth) {
  if (const auto found = places_.find(name); found != places_.end() && !found->second.at.empty()) {
    const Index index = found->second.at.back();
    const auto entry = std::find(unassigned_.begin(), unassigned_.end(), index);
    if (entry == unassigned_.end()) return false;
    unassigned_.erase(entry);
    // What a function reads has a value by the time it is called, or not: it is not followed.
    return locals_[index].function_depth == function_depth;
  }
  return outer_ != nullptr && outer_->give_value(name, function_depth);
}

void Parser::use_local(Index at) {
  if (!give_value(t_[at].text, function_depth_) || uses_goto_ || assigns(at)) return;
  if (at > 1 && is_word(t_[at - 2], "nameof")) return;
  note(NoteKind::name, at, at, fmt::format("'{}' is read before every way here has given it a value", t_[at].text),
       "give it a value where it is declared");
}

const ContextType* Parser::local_type(std::string_view name) const {
  const Local* local = find_local(name);
  return local != nullptr ? local->type : nullptr;
}

void Parser::declare(Index at, bool plain, const ContextType* type) {
  const Token& token = t_[at];
  if (token.kind != TokenKind::identifier) return;
  Places& places = places_[token.text];
  if (plain && places.plain > 0) {
    note(NoteKind::name, at, at, fmt::format("'{}' is declared already", token.text),
         "give it another name, or assign without the type");
  }
  places.at.push_back(static_cast<Index>(locals_.size()));
  if (plain) ++places.plain;
  locals_.push_back({token.text, plain, type, function_depth_});
}

void Parser::declare_between(Index open, Index close) {
  for (Index i = open + 1; i < close; ++i) declare(i);
}

void Parser::find_early_names() {
  const auto names_a_type = [](const Token& token) {
    return token.kind == TokenKind::identifier || token.kind == TokenKind::keyword ||
           (token.kind == TokenKind::punctuation && one_of(token.text, {">", "]", "?", ")"}));
  };
  for (Index i = 1; i + 1 < t_.size(); ++i) {
    if (t_[i].kind != TokenKind::identifier) continue;
    const Token& before = t_[i - 1];
    const Token& next = t_[i + 1];
    Index parameters = i + 1;
    if (is_punct(next, "<")) {  // Name<T, U>(…
      while (parameters + 1 < t_.size() && parameters < i + 12 && !is_punct(t_[parameters], ">")) ++parameters;
      ++parameters;
    }
    if (parameters < t_.size() && is_punct(t_[parameters], "(") && match_[parameters] != kNoMatch) {
      const Token& after = t_[match_[parameters] + 1];
      if (names_a_type(before) && !is_word(before, "new") &&
          (is_punct(after, "{") || is_punct(after, "=>") || is_word(after, "where"))) {
        functions_.insert(t_[i].text);
      }
    } else if (is_punct(next, "=") || is_punct(next, ":")) {  // { Name = …, (name: …
      if (is_punct(before, "{") || is_punct(before, ",") || is_punct(before, "(")) own_members_.insert(t_[i].text);
    } else if ((is_punct(next, ",") || is_punct(next, ")")) && names_a_type(before)) {  // (T name, …
      own_members_.insert(t_[i].text);
    } else if ((is_punct(next, ",") || is_punct(next, "}") || is_punct(next, ")")) &&
               (is_punct(before, "{") || is_punct(before, ",") || is_punct(before, "("))) {
      own_members_.insert(t_[i].text);  // new { name, … and the tuple (name, …
    }
  }
}

}  // namespace postern::policy::csharp
