// The tokens of C# as policy expressions use it (C# 7; ECMA-334 6th edition, clause 6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy::csharp {

enum class TokenKind : std::uint8_t {
  identifier,  // also contextual keywords; `@name` without its @
  keyword,     // reserved words
  number,
  character,
  string,        // regular, verbatim or raw
  interpolated,  // $"…": its holes are `holes` in the token
  punctuation,   // '>' always alone: the parser joins ">>" and ">="
  placeholder,   // {{named-value}} or another deployment placeholder where code should be
  end,
};

// A hole of an interpolated string: bytes [begin, end) of its expression and alignment, without the format.
struct Hole {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Value; bytes [begin, end) of the lexed text.
struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view text;  // punctuation, keyword, identifier (without @); views the lexed text
  std::vector<Hole> holes;
};

// A place in the lexed text and what is wrong there.
struct Fault {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string message;
  std::string help;
};

struct Lexed {
  std::vector<Token> tokens;   // ends with a token of kind end
  std::optional<Fault> fault;  // the first; lexing stops there
  bool has_placeholder = false;
};

// The tokens of text[begin, end). Linear; allocates for tokens only. `text` must outlive the result.
Lexed lex(std::string_view text, std::uint32_t begin, std::uint32_t end);

}  // namespace postern::policy::csharp
