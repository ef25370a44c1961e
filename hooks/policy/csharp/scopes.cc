#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {

bool Parser::is_local(std::string_view name) const {
  return std::any_of(locals_.begin(), locals_.end(), [&](const Local& local) { return local.name == name; });
}

void Parser::leave(std::size_t locals) {
  locals_.resize(locals);
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

void Parser::use_local(Index at) {
  if (unassigned_.empty()) return;
  const auto found =
      std::find_if(locals_.rbegin(), locals_.rend(), [&](const Local& local) { return local.name == t_[at].text; });
  const auto index = static_cast<Index>(std::distance(found, locals_.rend()) - 1);
  const auto entry = std::find(unassigned_.begin(), unassigned_.end(), index);
  if (entry == unassigned_.end()) return;
  // What a function reads has a value by the time it is called, or not: it is not followed.
  if (found->function_depth == function_depth_ && !uses_goto_ && !assigns(at) &&
      !(at > 1 && is_word(t_[at - 2], "nameof"))) {
    note(NoteKind::name, at, at, fmt::format("'{}' is read before every way here has given it a value", t_[at].text),
         "give it a value where it is declared");
  }
  unassigned_.erase(entry);
}

const ContextType* Parser::local_type(std::string_view name) const {
  const auto found =
      std::find_if(locals_.rbegin(), locals_.rend(), [&](const Local& local) { return local.name == name; });
  return found == locals_.rend() ? nullptr : found->type;
}

void Parser::declare(Index at, bool plain, const ContextType* type) {
  const Token& token = t_[at];
  if (token.kind != TokenKind::identifier) return;
  if (plain) {
    const auto same = [&](const Local& local) { return local.plain && local.name == token.text; };
    if (std::any_of(locals_.begin(), locals_.end(), same)) {
      note(NoteKind::name, at, at, fmt::format("'{}' is declared already", token.text),
           "give it another name, or assign without the type");
    }
  }
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
        functions_.push_back(t_[i].text);
      }
    } else if (is_punct(next, "=") || is_punct(next, ":")) {  // { Name = …, (name: …
      if (is_punct(before, "{") || is_punct(before, ",") || is_punct(before, "(")) own_members_.push_back(t_[i].text);
    } else if ((is_punct(next, ",") || is_punct(next, ")")) && names_a_type(before)) {  // (T name, …
      own_members_.push_back(t_[i].text);
    } else if ((is_punct(next, ",") || is_punct(next, "}") || is_punct(next, ")")) &&
               (is_punct(before, "{") || is_punct(before, ",") || is_punct(before, "("))) {
      own_members_.push_back(t_[i].text);  // new { name, … and the tuple (name, …
    }
  }
}

}  // namespace postern::policy::csharp
