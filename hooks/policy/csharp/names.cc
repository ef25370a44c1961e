#include <fmt/core.h>

#include <array>
#include <span>

#include "hooks/policy/csharp/descent.h"
#include "hooks/policy/csharp/static_members.h"
#include "hooks/policy/suggest.h"

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
                                             Forbidden{"System.Net.WebRequest", "the send-request policy"},
                                             Forbidden{"System.Threading.Thread", ""}};
constexpr std::array<std::string_view, 2> kUnlistedNamespaces = {"System.Globalization", "System.Text.Json"};
// Of types that are on the list: members that are not, and are often tried.
struct UnlistedMember {
  std::string_view type, name, instead;
};
constexpr std::array kUnlistedMembers = {UnlistedMember{"Regex", "Escape", ""},
                                         UnlistedMember{"DateTime", "ParseExact", "use DateTime.Parse"},
                                         UnlistedMember{"DateTime", "TryParseExact", "use DateTime.Parse"}};
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

// Types of the namespaces that are imported which APIM does not list: there are such types, whatever they look like.
constexpr std::array<std::string_view, 56> kAlsoInDotnet = {"ArrayList",
                                                            "ArraySegment",
                                                            "AesCcm",
                                                            "AesCng",
                                                            "AesGcm",
                                                            "Attribute",
                                                            "BigInteger",
                                                            "BitArray",
                                                            "Buffer",
                                                            "Collection",
                                                            "ConditionalWeakTable",
                                                            "Cookie",
                                                            "DateOnly",
                                                            "Delegate",
                                                            "DES",
                                                            "DSA",
                                                            "ECDiffieHellman",
                                                            "Grouping",
                                                            "HMACRIPEMD160",
                                                            "Hashtable",
                                                            "IAsyncEnumerable",
                                                            "IPEndPoint",
                                                            "IPNetwork",
                                                            "IReadOnlySet",
                                                            "ImmutableList",
                                                            "IncrementalHash",
                                                            "IntPtr",
                                                            "JsonConverter",
                                                            "JsonWriter",
                                                            "Lookup",
                                                            "Memory",
                                                            "NetworkCredential",
                                                            "OrderedDictionary",
                                                            "PbeParameters",
                                                            "PriorityQueue",
                                                            "RC2",
                                                            "RSACng",
                                                            "RIPEMD160",
                                                            "ReadOnlyCollection",
                                                            "ReadOnlyDictionary",
                                                            "SHA256Cng",
                                                            "SHA384Cng",
                                                            "SHA512Cng",
                                                            "SemaphoreSlim",
                                                            "Span",
                                                            "StringDictionary",
                                                            "TimeOnly",
                                                            "Timer",
                                                            "UTF32Encoding",
                                                            "UTF7Encoding",
                                                            "ValueTask",
                                                            "ValueType",
                                                            "WeakReference",
                                                            "XmlCDataSection",
                                                            "XmlComment",
                                                            "XmlText"};

// Keywords that someone who misspells a type or the first word of a statement may have meant.
constexpr std::array<std::string_view, 30> kTypeWords = {
    "var",     "bool",  "byte",   "char",   "decimal", "double",   "float",  "int",     "long",  "object",
    "sbyte",   "short", "string", "uint",   "ulong",   "ushort",   "return", "throw",   "else",  "if",
    "foreach", "for",   "while",  "switch", "case",    "continue", "break",  "default", "using", "const"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// T, TKey: the parameters of a generic local function.
bool is_type_parameter(std::string_view name) {
  return name.front() == 'T' && (name.size() == 1 || (name.size() < 8 && !is_lower(name[1]) && name[1] != '_'));
}

// A name of one or two letters is near everything, one of five is not near what differs in two.
std::string_view nearest(std::string_view name, std::span<const std::string_view> names) {
  if (name.size() < 3) return {};
  const std::string_view near = closest(name, names);
  const unsigned limit = name.size() <= 5 ? 2 : 4;
  return near.empty() || edit_cost(name, near, limit) > limit ? std::string_view() : near;
}

std::string did_you_mean(std::string_view near) {
  return near.empty() ? std::string() : fmt::format("did you mean {}?", near);
}

const Forbidden* listed(std::span<const Forbidden> list, std::string_view name) {
  for (const Forbidden& entry : list) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

namespace {

// Methods that no type has as a property.
constexpr std::array<std::string_view, 36> kMethods = {"ToString",
                                                       "ToLower",
                                                       "ToUpper",
                                                       "ToLowerInvariant",
                                                       "ToUpperInvariant",
                                                       "Trim",
                                                       "TrimStart",
                                                       "TrimEnd",
                                                       "Split",
                                                       "Substring",
                                                       "StartsWith",
                                                       "EndsWith",
                                                       "Replace",
                                                       "IndexOf",
                                                       "LastIndexOf",
                                                       "ContainsKey",
                                                       "TryGetValue",
                                                       "GetValueOrDefault",
                                                       "AsJwt",
                                                       "AsBasic",
                                                       "FirstOrDefault",
                                                       "LastOrDefault",
                                                       "SelectToken",
                                                       "SelectTokens",
                                                       "ToArray",
                                                       "ToList",
                                                       "As",
                                                       "ToObject",
                                                       "Contains",
                                                       "Equals",
                                                       "PadLeft",
                                                       "PadRight",
                                                       "AddMinutes",
                                                       "AddSeconds",
                                                       "AddHours",
                                                       "AddDays"};
constexpr std::array<std::string_view, 10> kGiveText = {"ToString",         "ToLower", "ToUpper",   "ToLowerInvariant",
                                                        "ToUpperInvariant", "Trim",    "TrimStart", "TrimEnd",
                                                        "Substring",        "PadLeft"};
constexpr std::array<std::string_view, 11> kGiveBool = {
    "Contains", "StartsWith", "EndsWith",      "ContainsKey",        "TryGetValue", "Any",
    "All",      "IsMatch",    "IsNullOrEmpty", "IsNullOrWhiteSpace", "TryParse"};
// No type of the list has a method of that name.
constexpr std::array<std::string_view, 9> kProperties = {
    "Length",     "UtcNow",    "StatusCode", "TotalMilliseconds", "TotalSeconds", "TotalMinutes",
    "TotalHours", "TotalDays", "Ticks"};
constexpr std::array<std::string_view, 3> kGiveNumber = {"IndexOf", "LastIndexOf", "CompareTo"};

// Methods that take an argument at least, whatever type has them: neither optional ones nor `params`.
constexpr std::string_view kTakeSomething[] = {"AddDays",
                                               "AddHours",
                                               "AddMilliseconds",
                                               "AddMinutes",
                                               "AddMonths",
                                               "AddRange",
                                               "AddSeconds",
                                               "AddYears",
                                               "Aggregate",
                                               "All",
                                               "Append",
                                               "AppendFormat",
                                               "Attribute",
                                               "ComputeHash",
                                               "Contains",
                                               "ContainsKey",
                                               "DeserializeObject",
                                               "Element",
                                               "ElementAt",
                                               "EndsWith",
                                               "EscapeDataString",
                                               "Except",
                                               "FromBase64String",
                                               "FromDays",
                                               "FromHours",
                                               "FromMilliseconds",
                                               "FromMinutes",
                                               "FromObject",
                                               "FromSeconds",
                                               "FromUnixTimeSeconds",
                                               "GetBytes",
                                               "GetString",
                                               "GroupBy",
                                               "HtmlDecode",
                                               "HtmlEncode",
                                               "IndexOf",
                                               "Insert",
                                               "Intersect",
                                               "IsMatch",
                                               "LastIndexOf",
                                               "Match",
                                               "Matches",
                                               "OrderBy",
                                               "OrderByDescending",
                                               "Parse",
                                               "ParseExact",
                                               "Property",
                                               "Replace",
                                               "Select",
                                               "SelectMany",
                                               "SelectToken",
                                               "SelectTokens",
                                               "SequenceEqual",
                                               "SerializeObject",
                                               "Skip",
                                               "SkipWhile",
                                               "StartsWith",
                                               "Substring",
                                               "Take",
                                               "TakeWhile",
                                               "ThenBy",
                                               "ThenByDescending",
                                               "ToBase64String",
                                               "ToDictionary",
                                               "ToLookup",
                                               "TryGetValue",
                                               "TryParse",
                                               "TryParseExact",
                                               "UnescapeDataString",
                                               "Union",
                                               "UrlDecode",
                                               "UrlEncode",
                                               "Where",
                                               "Zip"};
static_assert(std::is_sorted(std::begin(kTakeSomething), std::end(kTakeSomething)));

template <std::size_t Size>
bool holds(const std::array<std::string_view, Size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What a call of a method of that name gives, whatever type has it.
const ContextType* type_of_call(std::string_view method, bool is_static) {
  if (holds(kGiveBool, method)) return find_context_type("bool");
  if (is_static) return nullptr;  // char.ToLower
  if (method == "AsJwt") return find_context_type("Jwt");
  if (holds(kGiveText, method)) return find_context_type("string");
  if (holds(kGiveNumber, method)) return find_context_type("int");
  return nullptr;
}

}  // namespace

Expr Parser::member(const Expr& owner) {
  const Index name_at = pos_;
  const Token& name = now();
  if (name_at >= 2 && is_word(t_[name_at - 2], "null"))
    note(NoteKind::operand, name_at - 2, name_at - 2, "'null' has no members");
  Expr result;
  result.first = owner.first;
  result.shape = Expr::Shape::assignable;
  result.context_chain = owner.context_chain;
  result.quiet = owner.quiet;
  result.name_at = name_at;
  advance();
  if (owner.of_type != nullptr) {
    const ContextMember* known = find_static_method(owner.of_type->name, name.text);
    if (known != nullptr) {
      result.member = Expr::Member::method;
      result.returns = known->type;
      result.takes = known->takes;
    }
  }
  if (owner.type != nullptr) {
    const ContextMember* known = find_member(*owner.type, name.text);
    if (known != nullptr && known->method) {
      result.member = Expr::Member::method;
      result.returns = known->type;
      result.takes = known->takes;
    } else if (known != nullptr) {
      result.type = known->type;
      if (known->type != nullptr) result.scalar = known->type->scalar;
      if (owner.type->closed) result.member = Expr::Member::property;
    } else {
      judge_context_member(*owner.type, name_at);
    }
  } else if (!owner.quiet) {
    judge_member(owner, name_at);
  }
  const bool own = is_own_member(name.text);
  if (!own && result.member == Expr::Member::unknown && holds(kMethods, name.text)) {
    result.member = Expr::Member::method;
  }
  if (!own && result.member == Expr::Member::unknown && holds(kProperties, name.text))
    result.member = Expr::Member::property;
  if (!own && result.returns == nullptr) result.returns = type_of_call(name.text, owner.of_type != nullptr);
  if (!own && name.text == "Length" && result.type == nullptr) result.scalar = Scalar::number;
  if (!own && result.takes == "*" &&
      std::binary_search(std::begin(kTakeSomething), std::end(kTakeSomething), name.text))
    result.takes = "?*";
  const bool generic = see("<");
  if (generic) {
    const std::string_view argument = generic_call();
    if (one_of(name.text, {"GetValueOrDefault", "As", "Value", "ToObject"}))
      result.returns = find_context_type(argument);
  }
  if (!own && name.text == "As") judge_as(name_at, generic);
  if (!own && generic && name.text == "As" && (see(";") || see(".") || see("[") || at_end())) {
    note(NoteKind::unknown_member, name_at, pos_ - 1, "'As' is a method; it must be called",
         fmt::format("write: {}()", s_.substr(name.begin, t_[pos_ - 1].end - name.begin)));
  }
  if (!result.quiet) judge_use(result);
  return result;
}

void Parser::judge_as(Index name_at, bool has_type_argument) {
  if (!see("(")) return;
  if (!has_type_argument) {
    note(NoteKind::unknown_member, name_at, name_at, "'As' needs the type that the body is to be read as",
         "write: As<string>(), As<JObject>() …");
  } else if (ahead().kind == TokenKind::identifier && is_punct(ahead(2), ":") && ahead().text != "preserveContent") {
    note(NoteKind::unknown_member, pos_ + 1, pos_ + 1, fmt::format("'As' has no parameter '{}'", ahead().text),
         "write: preserveContent: true");
  }
}

void Parser::judge_use(const Expr& member) {
  const Index at = pos_ - 1;
  const std::string_view name = t_[at].text;
  if (member.member == Expr::Member::property && see("(")) {
    note(NoteKind::unknown_member, at, at, fmt::format("'{}' is a property and cannot be called", name),
         member.type != nullptr && !member.type->closed && member.type->scalar == Scalar::none
             ? fmt::format("write: {}[…]", name)
             : "remove the brackets");
    return;
  }
  if (member.member != Expr::Member::method || t_[at].kind != TokenKind::identifier) return;
  const bool as_value =
      now().kind == TokenKind::punctuation &&
      one_of(now().text, {"[", ".", "?.", "==", "!=", "+", "-", "*", "/", "%", "&&", "||", "?", "??", "<=", ">", "?["});
  const bool ends = see(";") && holds(kGiveText, name) && function_depth_ == 1 && member.first > 0 &&
                    is_word(t_[member.first - 1], "return");
  const bool as_result = at_end() && function_depth_ == 0 && depth_ < 8;
  if (!as_value && !as_result && !ends) return;
  // A page of the documentation on fragments traces with context.Trace.TraceError(…).
  const bool documented = name == "Trace" && see(".");
  note(documented ? NoteKind::unlisted : NoteKind::unknown_member, at, at,
       fmt::format("'{}' is a method; it must be called", name),
       see("[") ? fmt::format("write: {}(…)", name) : fmt::format("write: {}()", name));
}

const ContextType* Parser::type_between(Index first, Index last) const {
  return last == first + 1 ? find_context_type(t_[first].text) : nullptr;
}

void Parser::judge_context_member(const ContextType& owner, Index at) {
  if (notes_.size() >= kMaxNotes) return;
  const std::string_view name = t_[at].text;
  const std::string_view near = near_member(owner, name);
  const std::string message = fmt::format("{} has no member '{}'", owner.name, name);
  if (!owner.closed) {  // it takes extension methods besides
    const bool case_slip = std::equal(near.begin(), near.end(), name.begin(), name.end(),
                                      [](char a, char b) { return (a | 32) == (b | 32); });
    if (case_slip) {
      note(NoteKind::unknown_member, at, at, message, did_you_mean(near));
    } else if (!is_extension_method(name)) {
      note(NoteKind::unlisted, at, at, message, did_you_mean(near.empty() ? near_dotnet_member(name) : near));
    }
    return;
  }
  std::string help = did_you_mean(near);
  if (near.empty()) {
    help = "accepted: ";
    for (const ContextMember& candidate : owner.members) {
      if (&candidate != owner.members.data()) help += ", ";
      help += candidate.name;
    }
  }
  if (!owner.instead.empty()) help = owner.instead;
  const bool sure = !near.empty() || &owner == &context_type() || !owner.instead.empty();
  note(sure ? NoteKind::unknown_member : NoteKind::unlisted, at, at, message, std::move(help));
}

void Parser::judge_member(const Expr& owner, Index at) {
  const std::string_view name = t_[at].text;
  if (owner.of_type != nullptr) {
    if (has_static_member(*owner.of_type, name)) {
      for (const auto& [type, member, instead] : kUnlistedMembers) {
        if (type != owner.of_type->name || member != name) continue;
        note(NoteKind::unlisted, at, at,
             fmt::format("{}.{} is not on the list of members that policy expressions may use", type, name),
             std::string(instead));
      }
      return;
    }
    note(NoteKind::unlisted, at, at, fmt::format("{} has no static member '{}'", owner.of_type->name, name),
         did_you_mean(near_static_member(*owner.of_type, name)));
    return;
  }
  if (notes_.size() >= kMaxNotes || is_dotnet_member(name) || is_own_member(name)) return;
  note(NoteKind::unlisted, at, at, fmt::format("no type that policy expressions may use has a member '{}'", name),
       did_you_mean(near_dotnet_member(name)));
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

bool Parser::judge_forbidden() {
  const std::string_view first = now().text;
  const auto refuse = [&](const Forbidden& entry) {
    refuse_type(entry.name, entry.instead);
    return true;
  };
  if (first == "System") {
    const std::string name = dotted();
    for (const Forbidden& entry : kForbiddenNamespaces) {
      if (name.starts_with(entry.name) && (name.size() == entry.name.size() || name[entry.name.size()] == '.')) {
        return refuse(entry);
      }
    }
    for (const std::string_view space : kUnlistedNamespaces) {
      if (!name.starts_with(space) || name.size() == space.size() || name[space.size()] != '.') continue;
      note(NoteKind::unlisted, pos_, pos_,
           fmt::format("{} is not on the list of types that policy expressions may use", space));
      return true;
    }
    return false;
  }
  if (const Forbidden* entry = listed(kForbiddenTypes, first)) return refuse(*entry);
  if (listed(kUnlisted, first) == nullptr &&
      std::find(kAlsoInDotnet.begin(), kAlsoInDotnet.end(), first) == kAlsoInDotnet.end()) {
    return false;
  }
  unlisted_type(pos_);
  return true;
}

void Parser::refuse_type(std::string_view name, std::string_view instead) {
  note(NoteKind::forbidden, pos_, pos_, fmt::format("type '{}' is not allowed in policy expressions", name),
       instead.empty() ? std::string() : fmt::format("use {}", instead));
}

void Parser::unlisted_type(Index at) {
  note(NoteKind::unlisted, at, at,
       fmt::format("type '{}' is not on the list of types that policy expressions may use", t_[at].text));
}

void Parser::judge_type() {
  if (trials_ > 0 || notes_.size() >= kMaxNotes) return;  // what it says would be taken back
  const std::string_view first = now().text;
  if (is_local(first) || first == "var" || first == "_" || first == "global" || is_type_parameter(first)) return;
  if (first == "dynamic") {
    note(NoteKind::forbidden, pos_, pos_, "type 'dynamic' is not allowed in policy expressions",
         "use var, object or JToken");
    return;
  }
  if (judge_forbidden()) return;
  Index last = pos_;
  if (is_root_namespace(first)) {
    while (is_punct(t_[last + 1], ".") && t_[last + 2].kind == TokenKind::identifier) last += 2;
    if (last == pos_) return;
  }
  const std::string_view name = t_[last].text;
  if (find_dotnet_type(name) != nullptr) return;
  std::string_view near = nearest(name, dotnet_type_names());
  if (near.empty()) near = nearest(name, kTypeWords);
  // .NET has more types than the table; none is in small letters, and none differs from a listed one by a slip.
  if (near.empty() && !is_lower(name.front())) {
    unlisted_type(last);
    return;
  }
  if (!told_missing(name))
    note(NoteKind::name, last, last, fmt::format("there is no type '{}'", name), did_you_mean(near));
}

const DotnetType* Parser::judge_value_name() {
  const Token& token = now();
  const std::string_view name = token.text;
  if (one_of(name, {"_", "nameof", "global", "async", "await"})) return nullptr;
  if (is_function(name)) return nullptr;
  const bool qualifies = is_punct(ahead(), ".");
  if (qualifies) {
    if (const Forbidden* entry = listed(kForbiddenStatics, name)) {
      refuse_type(name, entry->instead);
      return nullptr;
    }
    if (judge_forbidden() || is_root_namespace(name)) return nullptr;
  }
  if (const DotnetType* type = find_dotnet_type(name)) return type;
  if (notes_.size() >= kMaxNotes || told_missing(name)) return nullptr;
  std::vector<std::string_view> names = {"context", "true", "false", "null", "new", "string"};
  for (const Parser* scope = this; scope != nullptr; scope = scope->outer_) {
    // The nearest in the text are the likeliest.
    const std::size_t most = std::min<std::size_t>(scope->locals_.size(), 200);
    for (auto local = scope->locals_.end() - static_cast<std::ptrdiff_t>(most); local != scope->locals_.end(); ++local)
      names.push_back(local->name);
    if (scope->functions_.size() < 200) names.insert(names.end(), scope->functions_.begin(), scope->functions_.end());
  }
  std::string_view near = nearest(name, names);
  if (near.empty()) near = nearest(name, dotnet_type_names());
  if (near.empty() && qualifies && !is_lower(name.front())) {
    unlisted_type(pos_);
  } else {
    note(NoteKind::name, pos_, pos_, fmt::format("there is no '{}'", name),
         near.empty() ? "declare it before, or write a string in quotes" : did_you_mean(near));
  }
  return nullptr;
}

// One lost declaration is one mistake, however often the name is used.
bool Parser::told_missing(std::string_view name) const {
  return std::any_of(notes_.begin(), notes_.end(), [&](const Note& note) {
    return note.kind == NoteKind::name && s_.substr(note.at.begin, note.at.end - note.at.begin) == name &&
           note.at.message.starts_with("there is no ");
  });
}

Expr Parser::name() {
  Expr result;
  result.first = pos_;
  result.shape = Expr::Shape::name;
  const Token& token = now();
  if (token.text == "context" && shadowed_ == 0) {
    result.type = &context_type();
    result.context_chain = true;
  } else if (is_local(token.text)) {
    use_local(pos_);
    result.type = local_type(token.text);
    if (result.type != nullptr) result.scalar = result.type->scalar;
  } else {
    const std::size_t before = notes_.size();
    result.of_type = judge_value_name();
    result.quiet = notes_.size() > before;
  }
  advance();
  if (see("::")) {
    advance();
    if (now().kind == TokenKind::identifier) advance();
    result.type = nullptr;
  }
  if (see("<")) generic_call();
  if (result.of_type != nullptr) judge_type_as_value(result.first);
  return result;
}

void Parser::judge_type_as_value(Index at) {
  if (at > 1 && is_word(t_[at - 2], "nameof")) return;
  const std::string_view name = t_[at].text;
  if (see("(")) {
    note(NoteKind::name, at, at, fmt::format("'{}' is a type, no method", name), fmt::format("write: new {}(…)", name));
  } else if (at_end() || see(";") || see(",") || see("==") || see("!=") || see("&&") || see("||") || see("+")) {
    note(NoteKind::name, at, at, fmt::format("'{}' is a type; a value is due here", name),
         fmt::format("write: new {}(…), or a member of it", name));
  }
}

bool Parser::is_slip_of(const Token& token, std::string_view keyword) const {
  return token.kind == TokenKind::identifier && !is_local(token.text) && find_dotnet_type(token.text) == nullptr &&
         !nearest(token.text, std::span(&keyword, 1)).empty();
}

}  // namespace postern::policy::csharp
