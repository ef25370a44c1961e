// Whether a policy expression is C# that APIM would compile, as far as that can be told without binding types.
//
// A recursive-descent parser of the expressions and statements of C# 7 that tolerates what later versions added: the
// aim is to be right about faults, not about versions. It stops at the first fault of syntax, since whatever follows
// one is guesswork; what it notices beside syntax comes as notes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/policy/csharp/lexer.h"

namespace postern::policy::csharp {

enum class NoteKind {
  no_return,       // a path through @{ … } reaches its end without a value
  assignment,      // = where == was meant, or an assignment to what is read-only
  statement,       // an expression that does nothing stands as a statement
  name,            // a name that nothing declares, or that is declared twice
  operand,         // an operator between types that it does not take
  unknown_member,  // a member of `context` that does not exist
  forbidden,       // a type or keyword that APIM does not allow
  unlisted,        // a type or member that is not on APIM's list: likely refused
};

// Value: like Fault, for what is grammatical but wrong.
struct Note {
  NoteKind kind;
  Fault at;
  bool accepted = false;  // it compiles, and does not do what it seems to
};

struct Parsed {
  std::optional<Fault> syntax;  // at most one
  std::vector<Note> notes;      // in the order of the text; empty when there is a syntax fault
};

// Value: what comes between the brackets of `@( … )` or `@{ … }`; `condition`: of an `@( … )` that decides something.
enum class Form { expression, block, condition };

// Judges text[begin, end). Faults that a placeholder could have caused are not reported. Time and memory are linear in
// the number of tokens up to a constant factor; nesting deeper than 200 levels is a fault. Thread-safe.
Parsed parse(std::string_view text, std::uint32_t begin, std::uint32_t end, Form form);

}  // namespace postern::policy::csharp
