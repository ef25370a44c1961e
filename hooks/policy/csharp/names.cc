#include <fmt/core.h>

#include <array>
#include <span>

#include "hooks/policy/csharp/descent.h"

namespace postern::policy::csharp {
namespace {

// Types and namespaces that an expression can never use: each needs the machine, the network or the runtime.
struct Forbidden {
  std::string_view name;
  std::string_view instead;
};
constexpr std::array kForbiddenNamespaces = {Forbidden{"System.Net.Http", "the send-request policy"},
                                             Forbidden{"System.Diagnostics", "the trace policy"},
                                             Forbidden{"System.Reflection", ""},
                                             Forbidden{"System.Environment", "a named value {{name}}"},
                                             Forbidden{"System.IO.File", ""},
                                             Forbidden{"System.IO.Directory", ""},
                                             Forbidden{"System.Net.Sockets", "the send-request policy"},
                                             Forbidden{"System.Runtime", ""},
                                             Forbidden{"System.Net.WebClient", "the send-request policy"},
                                             Forbidden{"System.Net.WebRequest", "the send-request policy"}};
constexpr std::array kForbiddenTypes = {Forbidden{"HttpClient", "the send-request policy"},
                                        Forbidden{"HttpRequestMessage", "the send-request policy"},
                                        Forbidden{"WebClient", "the send-request policy"},
                                        Forbidden{"Process", ""},
                                        Forbidden{"FileStream", ""},
                                        Forbidden{"StreamReader", "context.Request.Body.As<string>()"},
                                        Forbidden{"StreamWriter", ""}};
constexpr std::array kForbiddenStatics = {
    Forbidden{"File", ""},     Forbidden{"Environment", "a named value {{name}}"}, Forbidden{"Process", ""},
    Forbidden{"Thread", ""},   Forbidden{"Console", "the trace policy"},           Forbidden{"Assembly", ""},
    Forbidden{"Activator", ""}};
// Not on APIM's list; documents with them exist, so they are no errors.
constexpr std::array kUnlisted = {Forbidden{"CultureInfo", ""}, Forbidden{"MemoryStream", ""},
                                  Forbidden{"Stopwatch", ""}};

const Forbidden* listed(std::span<const Forbidden> list, std::string_view name) {
  for (const Forbidden& entry : list) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

Expr Parser::member(const Expr& owner) {
  const Index name_at = pos_;
  const Token& name = now();
  Expr result;
  result.first = owner.first;
  result.shape = Expr::Shape::assignable;
  result.context_chain = owner.context_chain;
  advance();
  if (owner.type != nullptr) {
    const ContextMember* known = find_member(*owner.type, name.text);
    if (known != nullptr) {
      result.type = known->type;
    } else {
      const std::string_view near = near_member(*owner.type, name.text);
      // Open types take extension methods: only a slip of letter case is sure.
      const bool case_slip =
          !near.empty() && near.size() == name.text.size() &&
          std::equal(near.begin(), near.end(), name.text.begin(), [](char a, char b) { return (a | 32) == (b | 32); });
      if (owner.type->closed || case_slip) {
        std::string help;
        if (!near.empty()) {
          help = fmt::format("did you mean {}?", near);
        } else {
          help = "accepted: ";
          for (const ContextMember& candidate : owner.type->members) {
            if (&candidate != owner.type->members.data()) help += ", ";
            help += candidate.name;
          }
        }
        const bool sure = !near.empty() || owner.type == &context_type();
        note(sure ? NoteKind::unknown_member : NoteKind::unlisted, name_at, name_at,
             fmt::format("{} has no member '{}'", owner.type->name, name.text), std::move(help));
      }
    }
  }
  if (see("<")) generic_call();
  return result;
}

std::string Parser::dotted() const {
  std::string out;
  for (Index i = pos_;; i += 2) {
    if (t_[i].kind != TokenKind::identifier) return out;
    out += t_[i].text;
    if (!is_punct(t_[i + 1], ".")) return out;
    if (out.size() > 200) return out;
    out += '.';
  }
}

void Parser::judge_name(bool is_new) {
  const std::string_view first = now().text;
  const auto refuse = [&](const Forbidden& entry, std::string_view name) {
    std::string help = entry.instead.empty() ? std::string() : fmt::format("use {}", entry.instead);
    note(NoteKind::forbidden, pos_, pos_, fmt::format("type '{}' is not allowed in policy expressions", name),
         std::move(help));
  };
  if (first == "System") {
    const std::string name = dotted();
    for (const Forbidden& entry : kForbiddenNamespaces) {
      if (name.starts_with(entry.name) && (name.size() == entry.name.size() || name[entry.name.size()] == '.')) {
        return refuse(entry, entry.name);
      }
    }
    if (name.starts_with("System.Globalization.")) {
      note(NoteKind::unlisted, pos_, pos_,
           "System.Globalization is not on the list of types that policy expressions may use");
    }
    return;
  }
  if (is_new) {
    if (const Forbidden* entry = listed(kForbiddenTypes, first)) refuse(*entry, first);
  } else if (is_punct(ahead(), ".")) {
    if (const Forbidden* entry = listed(kForbiddenStatics, first)) refuse(*entry, first);
  }
  if (const Forbidden* entry = listed(kUnlisted, first); entry != nullptr && (is_new || is_punct(ahead(), "."))) {
    note(NoteKind::unlisted, pos_, pos_,
         fmt::format("type '{}' is not on the list of types that policy expressions may use", first));
  }
}

Expr Parser::name() {
  Expr result;
  result.first = pos_;
  result.shape = Expr::Shape::name;
  const Token& token = now();
  if (locals_.empty() || std::find(locals_.begin(), locals_.end(), token.text) == locals_.end()) judge_name(false);
  if (token.text == "context" && shadowed_ == 0) {
    result.type = &context_type();
    result.context_chain = true;
  } else if (near_context(token.text) && is_punct(ahead(), ".") &&
             std::find(locals_.begin(), locals_.end(), token.text) == locals_.end()) {
    note(NoteKind::unknown_member, pos_, pos_, fmt::format("there is no '{}'", token.text), "did you mean context?");
  }
  advance();
  if (see("::")) {
    advance();
    if (now().kind == TokenKind::identifier) advance();
    result.type = nullptr;
  }
  if (see("<")) generic_call();
  return result;
}

bool Parser::near_context(std::string_view name) {
  return one_of(name, {"Context", "CONTEXT", "contex", "contxt", "conext", "contetx", "cotext", "contect", "contextt"});
}

}  // namespace postern::policy::csharp
