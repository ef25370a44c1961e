#include "hooks/policy/csharp/parser.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

using namespace postern::policy::csharp;

namespace {

Parsed parse_value(std::string_view source) {
  const Form form = source[1] == '(' ? Form::expression : Form::block;
  return parse(source, 2, static_cast<std::uint32_t>(source.size() - 1), form);
}

// "" when nothing is wrong, else the message and the text it points to: "message | text | help". What is said of names
// only counts where the test is about names: the other sources use what nobody declared.
std::string verdict(std::string_view source, bool with_names = false) {
  Parsed parsed = parse_value(source);
  if (!with_names) std::erase_if(parsed.notes, [](const Note& each) { return each.kind == NoteKind::name; });
  const auto shown = [&](const Fault& fault) {
    return fault.message + " | " + std::string(source.substr(fault.begin, fault.end - fault.begin)) + " | " +
           fault.help;
  };
  if (parsed.syntax) return shown(*parsed.syntax);
  if (!parsed.notes.empty()) return shown(parsed.notes.front().at);
  return "";
}

}  // namespace

TEST_CASE("expressions that APIM compiles are let through") {
  const char* sources[] = {
      R"(@(context.Request.Headers.GetValueOrDefault("X-Key", "") == "a"))",
      R"(@(context.Variables.ContainsKey("user") && ((string)context.Variables["user"]).Length > 3))",
      R"(@((int)context.Variables["n"] >= 1 << 2))",
      R"(@(context.Request.Body.As<JObject>(preserveContent: true)["id"].ToString()))",
      R"(@(context.User?.Groups.Any(g => g.Id == "admins") ?? false))",
      R"(@($"{context.Request.Url.Path}-{DateTime.UtcNow:yyyy-MM-dd}-{(true ? "a" : "b")}"))",
      R"(@($@"C:\{context.Api.Name,10:N2}""quoted"""))",
      R"(@(@"a ""verbatim"" string
over lines"))",
      R"(@(new JObject(new JProperty("a", 1), new JProperty("b", new JArray(1, 2))).ToString()))",
      R"(@(new Dictionary<string, List<int>> { ["a"] = new List<int> { 1, 2 }, { "b", null } }.Count > 0))",
      R"(@(new { name = context.Api.Name, context.Api.Id, n = 1.5e3m }.ToString()))",
      R"(@(new[] { "a", "b" }.Contains(context.Request.Method)))",
      R"(@(new string[] { "a" }.Length == new byte[4].Length))",
      R"(@(context.Request.Headers.Where(h => h.Key.StartsWith("X-")).Select(h => $"{h.Key}: {String.Join(", ", h.Value)}").FirstOrDefault()))",
      R"(@(from h in context.Request.Headers where h.Key != "a" orderby h.Key descending select h.Key))",
      R"(@(((IResponse)context.Variables["r"]).StatusCode == 200 ? "x" : (string)null))",
      R"(@(a < b && c > (d)))",
      R"(@(x is string s && s.Length > 0 || x is null || y is int ? 1 : 2))",
      R"(@(value as JObject != null))",
      R"(@(int.TryParse(text, out var n) ? n : -1))",
      R"(@(int.TryParse(text, out int n) ? n : default(int)))",
      R"(@(typeof(List<>).Name + nameof(context) + sizeof(int)))",
      R"(@(x >> 2 >= 1 | y ^ 3 & ~z))",
      R"(@(f(a: 1, b: g<int>(2), c: (x, y) => x + y)))",
      R"(@((1, "a").Item1 + (first: 1, second: 2).second))",
      R"(@(x ?? throw new Exception("no")))",
      R"(@("a" + 'b' + '\'' + '\u0041' + "\"" + 1_000 + 0xFFul + 0b101))",
      R"(@(context.Request.Certificate == null || !context.Request.Certificate.Verify() || context.Request.Certificate.Thumbprint != "x"))",
      R"(@(!(bool)context.Variables["x"]))",
      R"(@(-(int)x - (y) - 1))",
      R"(@((Func<int, int>)(x => x + 1)))",
      R"(@(/* note */ 1 // end
))",
      R"(@(list?[0]?.Name ?? ""))",
      R"(@(System.Net.WebUtility.UrlEncode(context.Request.Url.QueryString)))",
      R"(@((DateTime?)null == null ? (int?)1 : null))",
      R"(@(state switch { "a" => 1, _ => 2 }))",
      R"({{whole}})",
      R"(@({{number}} > 5))",
      R"(@("{{named-value}}" == context.Subscription?.Id))",
      R"(@(context.Request.OriginalUrl.Query.GetValueOrDefault("a", new string[0]).Length))",
      R"(@{ return 1; })",
      R"(@{
        string[] parts = context.Request.Headers.GetValueOrDefault("Authorization","").Split(' ');
        if (parts.Length == 2 && parts[0].Equals("Basic", StringComparison.InvariantCultureIgnoreCase)) {
          var text = Encoding.UTF8.GetString(Convert.FromBase64String(parts[1]));
          return text;
        }
        else return "";
      })",
      R"(@{ var x = 1; for (int i = 0, j = 1; i < 10 && j > 0; i++, j--) { if (i == 3) continue; x += i; } return x; })",
      R"(@{ foreach (var h in context.Request.Headers) { if (h.Key == "a") { return h.Value; } } throw new Exception(); })",
      R"(@{ try { return JObject.Parse("{}"); } catch (Exception e) when (e.Message != "") { return null; } finally { ; } })",
      R"(@{ switch (context.Request.Method) { case "GET": case "HEAD": return 1; case string s when s.Length > 3: return 2; default: return 3; } })",
      R"(@{ while (true) { if (x()) return 1; } })",
      R"(@{ int Add(int a, int b = 2) { return a + b; } return Add(1); })",
      R"(@{ Func<string, string> f = (string s) => { return s; }; return f("a"); })",
      R"(@{ var (a, b) = (1, 2); (a, b) = (b, a); return a; })",
      R"(@{ using (var sha = SHA256.Create()) { return Convert.ToBase64String(sha.ComputeHash(Encoding.UTF8.GetBytes("a"))); } })",
      R"(@{ const int k = 1; int? n = null; List<Dictionary<string, int>> l = new List<Dictionary<string, int>>(); return k + (n ?? 0) + l.Count; })",
      R"(@{ JToken t; if (body.TryGetValue("a", out t)) { t["x"] = 1; body.Property("b").Remove(); } return body.ToString(Newtonsoft.Json.Formatting.None); })",
      R"(@{ do { i++; } while (i < 3); return i; })",
      R"(@{ ${terraform} return 1; })",
      R"(@{ dictionary["a"] = new JObject { ["b"] = 1 }; x.y = z ?? w; i++; --i; return dictionary; })",
      R"(@{ var q = (from a in list join b in other on a.Id equals b.Id into g select new { a, g }).ToList(); return q; })",
      R"(@{ string a, b = "x"; a = b; return a; })",
      R"(@{ lock (x) { return 1; } })",
      R"(@{ if (a) throw new Exception("x"); else { return 1; } })",
      R"(@{ bool done; if (done = Try()) { return 1; } return 2; })",
  };
  for (const char* source : sources) {
    CAPTURE(source);
    if (std::string_view(source).starts_with("{{")) continue;
    CHECK(verdict(source) == "");
  }
}

TEST_CASE("one mistake is one fault where a person would point") {
  CHECK(verdict("@()") == "the expression @( ) is empty |  | write a C# expression between the brackets");
  CHECK(verdict("@(1 + )").starts_with("the operand after '+' is missing; found the end of the expression | + |"));
  CHECK(verdict("@(a &&)").starts_with("the operand after '&&' is missing"));
  CHECK(verdict("@(a == )").starts_with("the operand after '==' is missing"));
  CHECK(verdict("@(a b)").starts_with("unexpected 'b'; expected an operator or the end of the expression | b |"));
  CHECK(verdict("@(f(1, ))").starts_with("an argument is missing after ',' | , |"));
  CHECK(verdict("@(f(1 2))").starts_with("')' or ',' is missing between arguments; found '2' | 1 |"));
  CHECK(verdict("@(a ? b)").starts_with("':' of the conditional is missing"));
  CHECK(verdict("@(a ? b :)").starts_with("the value after ':' is missing"));
  CHECK(verdict("@(return 1;)")
            .starts_with("'return' is a statement; a value is due here | return | write statements in @{"));
  CHECK(verdict("@(1;)").starts_with("';' inside @( ), which holds one expression | ; |"));
  CHECK(verdict("@(\"a)").starts_with("string literal is not closed on its line"));
  CHECK(verdict("@('ab')").starts_with("character literal holds more than one character"));
  CHECK(verdict("@(1a)").starts_with("'1a' is neither a number nor a name | 1a |"));
  CHECK(verdict("@(context.)").starts_with("a member name is missing after '.'"));
  CHECK(verdict("@($\"{}\")").starts_with("an interpolated string has an empty hole"));
  CHECK(verdict("@($\"{a +}\")").starts_with("the operand after '+' is missing"));
  CHECK(verdict("@(new JObject)").starts_with("'(' or '{' is missing after the type"));
}

TEST_CASE("statements name what is missing after what") {
  CHECK(verdict("@{ return 1 }") ==
        "';' is missing after the value of return; found the end of the expression | 1 | end the statement with ;");
  CHECK(verdict("@{ var a = 1\n var b = 2;\n return a; }") ==
        "';' is missing after the declaration; found 'var' | 1 | end the statement with ;");
  CHECK(verdict("@{ var a; return a; }").starts_with("'var a' needs a value"));
  CHECK(verdict("@{ const int a; return a; }").starts_with("'const a' needs a value"));
  CHECK(verdict("@{ const int a = 1, b; return a; }").starts_with("'const b' needs a value"));
  CHECK(verdict("@{ int a; a = 1; return a; }").empty());
  CHECK(
      verdict("@{ if (a { return 1; } return 2; }").starts_with("')' is missing after the condition; found '{' | a |"));
  CHECK(verdict("@{ if (a) { return 1; return 2; }").starts_with("'{' is not closed | { |"));
  CHECK(verdict("@{ else { return 1; } }").starts_with("'else' has no 'if' before it"));
  CHECK(verdict("@{ foreach (var x list) { } return 1; }").starts_with("'in' is missing in foreach; found 'list'"));
  CHECK(verdict("@{ try { return 1; } }").starts_with("try has neither catch nor finally"));
  CHECK(verdict("@{ string s \"a\"; return s; }").starts_with("'=' or ';' is missing after 's'"));
}

TEST_CASE("every path through a block must return") {
  CHECK(verdict("@{ }").starts_with("the block @{ } is empty"));
  CHECK(verdict("@{ var x = 1; }").starts_with("not every path through @{ … } returns a value"));
  CHECK(verdict("@{ if (a) { return 1; } }").starts_with("not every path"));
  CHECK(verdict("@{ while (a) { return 1; } }").starts_with("not every path"));
  CHECK(verdict("@{ while (true) { break; } }").starts_with("not every path"));
  CHECK(verdict("@{ switch (a) { case 1: return 1; } }").starts_with("not every path"));
  CHECK(verdict("@{ try { return 1; } catch { } }").starts_with("not every path"));
  CHECK(verdict("@{ return; }").starts_with("'return' without a value"));
  CHECK(verdict("@{ list.ForEach(x => { return; }); return 1; }") == "");
}

TEST_CASE("an assignment by mistake is named") {
  CHECK(
      verdict("@{ if (a = 1) { return 1; } return 2; }").starts_with("an assignment stands where a condition is due"));
  CHECK(verdict("@(a = \"x\")").starts_with("an assignment stands where a value is due"));
  CHECK(verdict("@(f() = 1)").starts_with("the left side of an assignment must be"));
  CHECK(verdict("@{ context.Variables[\"a\"] = 1; return 1; }").starts_with("`context` is read-only"));
  CHECK(verdict("@{ x == 5; return x; }").starts_with("this expression does nothing as a statement"));
  CHECK(verdict("@{ x.ToString; return x; }").starts_with("this expression does nothing as a statement"));
}

TEST_CASE("members of context are known by name") {
  CHECK(verdict("@(context.Request.headers)").ends_with("| headers | did you mean Headers?"));
  CHECK(verdict("@(context.Requst.Headers)").ends_with("| Requst | did you mean Request?"));
  CHECK(verdict("@(context.Response.StatusCodes == 200)").ends_with("did you mean StatusCode?"));
  CHECK(verdict("@(context.Variables.getValueOrDefault(\"a\"))").ends_with("did you mean GetValueOrDefault?"));
  CHECK(verdict("@(context.Variables.Select(v => v.Key))") == "");
  CHECK(verdict("@(list.Any(context => context.Name))") == "");
  CHECK(verdict("@(context.Everything)")
            .starts_with("context has no member 'Everything' | Everything | accepted: Api, Backend"));
  CHECK(parse_value("@(context.User.Nickname)").notes.at(0).kind == NoteKind::unlisted);
}

TEST_CASE("types that need machine or network are refused") {
  CHECK(verdict("@(System.IO.File.ReadAllText(\"x\"))").starts_with("type 'System.IO.File' is not allowed"));
  CHECK(verdict("@(new HttpClient().GetStringAsync(\"x\"))").starts_with("type 'HttpClient' is not allowed"));
  CHECK(verdict("@{ dynamic x = 1; return x; }").starts_with("type 'dynamic' is not allowed"));
  CHECK(verdict("@{ await f(); return 1; }").starts_with("'await' is not allowed"));
  CHECK(verdict("@{ unsafe { } return 1; }").starts_with("'unsafe' is not allowed"));
  CHECK(verdict("@{ var File = 1; return File.ToString(); }") == "");
}

TEST_CASE("what is made to be deep or long is answered") {
  CHECK(verdict("@(" + std::string(100000, '(') + std::string(100000, ')') + ")")
            .starts_with("the expression nests deeper than"));
  CHECK(verdict("@(" + std::string(100000, '!') + "a)").starts_with("the expression nests deeper than"));
  std::string generics;
  for (int i = 0; i < 3000; ++i) generics += "a<";
  CHECK_FALSE(parse_value("@(" + generics + "b)").syntax);
  std::string sum = "1";
  for (int i = 0; i < 100000; ++i) sum += "+1";
  CHECK(verdict("@(" + sum + ")") == "");
  std::string braces;
  for (int i = 0; i < 50; ++i) braces += "$\"{";
  CHECK(verdict("@(" + braces + ")") != "");
}

TEST_CASE("names that the expression declares are known where they are used") {
  const char* sources[] = {
      R"(@{ int a = 1, b = 2; { var c = a; b += c; } return b; })",
      R"(@{ for (int i = 0; i < 2; i++) { } for (int i = 0; i < 2; i++) { } return 1; })",
      R"(@{ foreach (var h in context.Request.Headers) { if (h.Key == "a") return h.Value.First(); } return ""; })",
      R"(@{ foreach (KeyValuePair<string, string[]> h in context.Request.Headers) { } return ""; })",
      R"(@{ int n; if (!int.TryParse("1", out n)) return 0; return n; })",
      R"(@{ if (!int.TryParse("1", out var n)) return 0; return n; })",
      R"(@{ object o = 1; if (o is string s && s.Length > 1) return s; return o is int k ? k.ToString() : ""; })",
      R"(@{ object o = 1; switch (o) { case string s when s.Length > 1: return s; case int i: return i; } return 0; })",
      R"(@{ try { return 1; } catch (FormatException e) { return e.Message; } catch (Exception e) { throw; } })",
      R"(@{ using (var sha = SHA256.Create()) { return sha.ComputeHash(new byte[0]); } })",
      R"(@{ Func<int, int, int> f = (x, y) => x + y; return f(1, 2); })",
      R"(@{ Func<int, Func<int, int>> f = x => y => x + y; return f(1)(2); })",
      R"(@{ return g(1); int g(int x) { return x; } })",
      R"(@{ T first<T>(List<T> all) => all[0]; return first(new List<int> { 1 }); })",
      R"(@{ var (a, b) = (1, 2); (int c, var d) = (a, b); return c + d; })",
      R"(@{ var t = (count: 1, name: "a"); return t.count + t.name; })",
      R"(@{ var x = new { Answer = 42, context.Api.Id }; return x.Answer + x.Id; })",
      R"(@(from h in context.Request.Headers let k = h.Key where k != "a" select new { k, h.Value } into r select r.k))",
      R"(@(from a in new[] { 1 } join b in new[] { 2 } on a equals b into c from d in c select d))",
      R"(@($"{context.Request.Headers.Select(h => $"{h.Key}={h.Value}").Count()}"))",
      R"(@(System.Text.Encoding.UTF8.GetString(System.Convert.FromBase64String("YQ=="))))",
      R"(@(Newtonsoft.Json.JsonConvert.SerializeObject(context.Request.MatchedParameters, Newtonsoft.Json.Formatting.None)))",
      R"(@(System.Net.WebUtility.UrlEncode(nameof(context))))",
      R"(@(((Func<int, int>)delegate(int x) { return x; })(1)))",
      R"(@{ var i = 1; do { i++; } while (i < 3); _ = i; return i; })",
      R"(@{ const string a = "x"; string b = default, c = null; return a + b + c; })",
      R"(@{ switch (1) { case 1: var v = 2; return v; default: v = 3; return v; } })",
      R"(@{ {{declarations}} return whatever; })",
      R"(@(context.Variables.GetValueOrDefault<JObject>("a")?["b"]?.Value<int?>() ?? 0))",
      R"(@(new XElement(XName.Get("a", "b"), new XAttribute("c", 1)).Descendants().Elements().Attributes().Any()))",
      R"(@(context.Request.Certificate.NotAfter > DateTime.Now && context.Request.Certificate.Thumbprint == "a"))",
  };
  for (const char* source : sources) {
    CAPTURE(source);
    CHECK(verdict(source, true) == "");
  }
}

TEST_CASE("a name that nothing declares is named once with what was probably meant") {
  CHECK(verdict("@(contxt.Request.Method)", true) == "there is no 'contxt' | contxt | did you mean context?");
  CHECK(verdict("@(Context.Request.Method)", true) == "there is no 'Context' | Context | did you mean context?");
  CHECK(verdict("@(context.Api == nul)", true) == "there is no 'nul' | nul | did you mean null?");
  CHECK(verdict("@{ var header = 1; return headr; }", true) == "there is no 'headr' | headr | did you mean header?");
  CHECK(verdict("@{ { var inner = 1; } return inner; }", true).starts_with("there is no 'inner' | inner | "));
  CHECK(verdict("@(new[] { 1 }.Any(x => x > 0) && x)", true).starts_with("there is no 'x' | x | "));
  CHECK(verdict("@($\"{nobody}\")", true).starts_with("there is no 'nobody' | nobody | "));
  CHECK(verdict("@{ foreach (var a in context.Request.Headers) { } return a; }", true).starts_with("there is no 'a'"));
  CHECK(verdict("@{ vra x = 1; return x; }", true) == "there is no type 'vra' | vra | did you mean var?");
  CHECK(verdict("@((JObjct)context.Variables[\"a\"])", true) ==
        "there is no type 'JObjct' | JObjct | did you mean JObject?");
  CHECK(verdict("@(context.Request.Body.As<sting>())", true) ==
        "there is no type 'sting' | sting | did you mean string?");
  CHECK(verdict("@{ var a = 1; var a = 2; return a; }", true).starts_with("'a' is declared already | a | "));
  const Parsed parsed = parse_value("@{ int x = 1; retrun x; }");
  REQUIRE(parsed.notes.size() == 1);
  CHECK(parsed.notes.front().at.message == "there is no type 'retrun'");
}

TEST_CASE("members that no type has are named with what was probably meant") {
  CHECK(verdict("@(context.Request.Method.ToUper())") ==
        "string has no member 'ToUper' | ToUper | did you mean ToUpper?");
  CHECK(verdict("@(Guid.NewGuid().ToSting())") ==
        "no type that policy expressions may use has a member 'ToSting' | ToSting | did you mean ToString?");
  CHECK(verdict("@(Guid.NewGiud())") == "Guid has no static member 'NewGiud' | NewGiud | did you mean NewGuid?");
  CHECK(verdict("@(string.IsNullOrEmty(\"a\"))") ==
        "string has no static member 'IsNullOrEmty' | IsNullOrEmty | did you mean IsNullOrEmpty?");
  CHECK(verdict("@(context.Request.Headers.GetValueOrDefualt(\"a\", \"\"))")
            .ends_with("| GetValueOrDefualt | did you mean GetValueOrDefault?"));
}

TEST_CASE("members and types that are in dotnet but not on the list are named") {
  CHECK(verdict("@(Regex.Escape(\"a\"))") ==
        "Regex.Escape is not on the list of members that policy expressions may use | Escape | ");
  CHECK(verdict("@(DateTime.ParseExact(\"a\", \"b\", null))") ==
        "DateTime.ParseExact is not on the list of members that policy expressions may use | ParseExact | use "
        "DateTime.Parse");
  CHECK(verdict("@(System.Text.Json.JsonSerializer.Serialize(1))") ==
        "System.Text.Json is not on the list of types that policy expressions may use | System | ");
  CHECK(verdict("@(Regex.Unescape(System.Text.Encoding.UTF8.GetString(null)))").empty());
}

TEST_CASE("what the types that are known do not take is named") {
  CHECK(verdict("@(context.Response.StatusCode == \"200\")") ==
        "'==' stands between a number and a string | == | compare values of one type");
  CHECK(verdict("@(context.Request.Method && true)").starts_with("'&&' stands between a string and a bool"));
  CHECK(verdict("@(context.Variables[\"jwt\"].Claims)") ==
        "object has no member 'Claims' | Claims | cast it first: ((JObject)context.Variables[\"name\"])");
  CHECK(verdict("@(JObject(1))", true) == "'JObject' is a type, no method | JObject | write: new JObject(…)");
  CHECK(verdict("@{ return JObject; }", true).starts_with("'JObject' is a type; a value is due here"));
  const char* fine[] = {
      R"(@(context.Response.StatusCode == 200 && context.Response.StatusCode < 300 || context.Request.Method == "GET"))",
      R"(@(context.Variables["a"].ToString() == "1" && context.Variables["a"] == null))",
      R"(@((string)context.Variables["a"] == "1" && (int)context.Variables["b"] >= 3 && (bool)context.Variables["c"]))",
      R"(@(context.Response.StatusCode.ToString() == "200" && ("a" + 1) == "a1" && context.User?.Id == null))",
      R"(@(context.Request.MatchedParameters["id"].Length > 3 && context.Request.MatchedParameters["id"] == "4"))",
      R"(@(nameof(JObject) + typeof(JObject).Name + (context.Variables["a"] is JObject) + (context.Variables["a"] as JObject)))",
      R"(@(context.Api.Name == "a" ? context.Api.Path : context.Operation.Id + 1))",
      R"(@(context.Request.IpAddress.Split('.')[0] == "10" && context.Request.Url.Host.Contains("a")))",
  };
  for (const char* source : fine) {
    CAPTURE(source);
    CHECK(verdict(source, true) == "");
  }
}

TEST_CASE("rarer forms of C# 7 are let through with their names") {
  const char* sources[] = {
      R"(@{ string Show<T>(T x) where T : class { return x.ToString(); } return Show("a"); })",
      R"(@{ return Pick<string>("a"); T Pick<T>(T x) => x; })",
      R"(@{ ref int Find(int[] all) { return ref all[0]; } int[] a = { 1 }; ref int first = ref Find(a); first = 5; return a[0]; })",
      R"(@{ switch (context.Response.StatusCode) { case 200: return "a"; case int c when c > 400: return "b"; case var other: return "c" + other; } })",
      R"(@(new[] {"a"}.Select(async => async).First()))",
      R"(@(nameof(String.Length) + nameof(context.Request.Body)))",
      R"(@(context.Product.State == ProductState.Published))",
      R"(@((from x in new[] {1} from y in new[] {2} where x < y select (x, y)).First().x))",
      "@{\n  #region it\n  var a = 1;\n  #endregion\n  return a;\n}",
      R"(@(new string('*', 5)))",
      R"(@(context.Variables.GetValueOrDefault<(string a, int b)>("t").a))",
      R"(@{ goto end; end: return 1; })",
      R"(@{ object o = 5; if (o is int n) return n; if (o is int m && m > 5) return m; return o is string ? 1 : 2; })",
      R"(@{ var not = true; var and = false; var or = true; if (not && and || or) return 1; return 2; })",
      R"(@{ (string name, int age)[] people = { ("a", 1) }; foreach (var (name, age) in people) { if (age > 1) return name; } return people[0].name; })",
  };
  for (const char* source : sources) {
    INFO(source);
    CHECK(verdict(source, true) == "");
  }
}

TEST_CASE("types of NET that APIM does not list are a warning however near they are to one that it lists") {
  for (const char* source : {"@(new DSA().ToString())", "@(JsonConverter.X == null)", "@(new XmlText(\"a\"))"}) {
    const Parsed parsed = parse_value(source);
    INFO(source);
    REQUIRE(parsed.notes.size() >= 1);
    CHECK(parsed.notes.front().kind == NoteKind::unlisted);
  }
}

TEST_CASE("what a variable holds is known where it is told plainly and nowhere else") {
  const char* right[] = {
      R"(@{ var r = (IResponse)context.Variables["r"]; if (r.StatusCode == 200 && r.Body.As<JObject>()["a"] == null) return r.Headers["x"][0]; return ""; })",
      R"(@{ string s = context.Tracing ? null : "x"; bool b = s?.Contains("a") ?? false; bool? c = s?.Contains("a"); int i = s?.Length ?? 0; double d = 5; return s == "x" && b && i > 3 && d < 5.5 && c == true; })",
      R"(@{ XNamespace ns = "http://x"; var n = ns + "a"; var e = new XElement(n); return e.Name == ns + "a" && e.Name == n; })",
      R"(@{ var a = new { Length = "x", ToString = "y", Contains = true }; return a.Length == "x" && a.ToString + "z" == "yz" && a.Contains; })",
      R"(@{ var n = DateTime.UtcNow.ToString("o"); var c = n[0]; return c == 'T' && -n.Length < ~n.IndexOf('T') ? n : null; })",
      R"(@{ Func<string, int> length = s => s.Length; Func<string> to = "a".ToString; return new[] { "a" }.Select(Uri.EscapeDataString).Where(new List<string>().Contains).Count() == length(to()); })",
      R"(@{ { var r = "a"; } foreach (var r in new[] { 1 }) { if (r == 5) return r; } return new[] { 1 }.Select(r => r == 5).First(); })",
      R"(@{ var jwt = context.Request.Headers.GetValueOrDefault("a", "").AsJwt(); return jwt != null && jwt.Claims["x"].Contains("b") && jwt.Subject == "c"; })",
      R"(@("\\d\t\u0041\x41\U0001F600\0" + '\'' + $"\n{context.Api.Id}\"" + @"\d"))",
  };
  for (const char* source : right) {
    INFO(source);
    CHECK(verdict(source, true) == "");
  }
  const std::pair<const char*, const char*> wrong[] = {
      {R"(@{ var r = (IResponse)context.Variables["r"]; return r.StatusCode == "200"; })",
       "'==' stands between a number and a string | == | compare values of one type"},
      {R"(@{ var r = context.Variables.GetValueOrDefault<IResponse>("r"); return r.StatusCod; })",
       "IResponse has no member 'StatusCod' | StatusCod | did you mean StatusCode?"},
      {R"(@{ int n = "5"; return n; })",
       "'n' is declared as int, and its value is a string | n | convert the value, or change the type"},
      {R"(@{ string s = 5; return s; })",
       "'s' is declared as string, and its value is a number | s | convert the value, or change the type"},
      {R"(@{ var s = null; return s; })",
       "'var s' cannot be null: its type is not known | s | write its type instead of var"},
      {R"(@{ var s = "a".Trim(); if (s) return 1; return 2; })",
       "the condition of 'if' is a string | s | it must be bool: compare the value with something"},
      {R"(@(!context.Request.Method ? 1 : 2))",
       "'!' stands before a string | ! | it takes a bool: compare the value with something"},
  };
  for (const auto& [source, expected] : wrong) {
    INFO(source);
    CHECK(verdict(source) == expected);
  }
}

TEST_CASE("members are used as what they are") {
  const std::pair<const char*, const char*> wrong[] = {
      {R"(@(context.Response.StatusCode() == 200))",
       "'StatusCode' is a property and cannot be called | StatusCode | remove the brackets"},
      {R"(@(context.Request.Headers("x")))",
       "'Headers' is a property and cannot be called | Headers | write: Headers[…]"},
      {R"(@(context.Request.Method.ToLower == "get"))",
       "'ToLower' is a method; it must be called | ToLower | write: ToLower()"},
      {R"(@(context.Request.Url.ToString))",
       "'ToString' is a method; it must be called | ToString | write: ToString()"},
      {R"(@(context.Request.Headers.GetValueOrDefault["x"]))",
       "'GetValueOrDefault' is a method; it must be called | GetValueOrDefault | write: GetValueOrDefault(…)"},
      {R"(@(context.Request.Body.As()["x"]))",
       "'As' needs the type that the body is to be read as | As | write: As<string>(), As<JObject>() …"},
      {R"(@(context.Request.Body.As<string>(preserveContents: true)))",
       "'As' has no parameter 'preserveContents' | preserveContents | write: preserveContent: true"},
      {R"(@(context.Request["Method"]))", "IRequest takes no index | [ | "},
      {R"(@(context.Variables["a"]["b"]))",
       "object takes no index | [ | cast it first: ((JObject)context.Variables[\"name\"])"},
      {R"(@("a" (context.Api.Name)))", R"~(an operator is missing between '"a"' and '(' | ( | )~"},
      {R"(@{ for (var i = 0; i < 3; ++i,) { } return 1; })", "a step is missing after ',' | , | remove the ','"},
      {R"(@(context.Tracing & & true))", "the operand after '&' is missing; found '&' | & | "},
      {R"(@(context.Request.Headers[]))", "the index is missing between '[' and ']' | [ | "},
      {R"(@{ System.Threading.Thread.Sleep(5); return 1; })",
       "type 'System.Threading.Thread' is not allowed in policy expressions | System | "},
      {R"(@(context.Request..Method))", "a member name is missing between two dots | .. | remove one of them"},
      {R"(@("\d+"))", "'\\d' is no escape of C# | \\d | write \\\\ for a backslash, or a verbatim string @\"…\""},
  };
  for (const auto& [source, expected] : wrong) {
    INFO(source);
    CHECK(verdict(source) == expected);
  }
}

TEST_CASE("deployment placeholders stand for operands and statements") {
  for (const char* source :
       {R"(@(__NUMBER__ + __NUMBER_2__))", R"(@(@@NUMBER@@ + 1))", R"(@(<%= number %> + 1))", R"(@([[number]] + 1))",
        R"(@(%NUMBER% + 1))", R"(@(context.Response.StatusCode == {0} && 5 < {1}))", R"(@{ return {0}; })",
        R"(@{ __BLOCK__ return 1; })", R"(@("a".Split('{{separator}}', '#{other}#').Length))"}) {
    INFO(source);
    CHECK(verdict(source, true) == "");
  }
  CHECK(verdict(R"(@(context.Elapsed.Days %2% 3))") == "");
  CHECK(verdict(R"(@(__number__ + 1))", true) != "");
}

TEST_CASE("the names of a positional pattern are declared") {
  CHECK(verdict(R"(@{ var p = ("a", 1); if (p is (string name, > 0) && name.Length > 1) { return name; } return ""; })",
                true) == "");
  CHECK(verdict(R"(@{ var p = ("a", 1); return p switch { (var a, 1) => a, (_, var b) when b > 2 => "b", _ => "" }; })",
                true) == "");
  CHECK(verdict(R"(@(context.Response.StatusCode is (200) ? 1 : 2))", true) == "");
}

TEST_CASE("a name that nobody declared is told once") {
  const auto parsed = parse_value(R"(@{ var b = (bytes) Convert.ToString(bytes); return b + bytes; })");
  CHECK(parsed.notes.size() == 1);
}

TEST_CASE("an assignment of what is no bool is no condition") {
  CHECK(verdict(R"(@{ int a = 1; int b = a + 1; if (a = b) { return 1; } return 2; })", true) ==
        "an assignment stands where a condition is due | a | write == to compare");
  for (const char* source :
       {R"(@{ bool a; if (a = context.User == null) { return 1; } return 2; })",
        R"(@{ string a; while ((a = context.Request.Method) != null) { return a; } return ""; })",
        R"(@{ int a, b; if ((a = b = context.Request.Method.Length) > 1) { return a; } return b; })",
        R"(@{ var a = context.Variables["x"] as bool?; if ((a = null) == null) { return 1; } return 2; })"}) {
    INFO(source);
    CHECK(verdict(source, true) == "");
  }
}

TEST_CASE("words that lost their place are told where they stand") {
  const std::pair<const char*, const char*> cases[] = {
      {R"(@(context->Request.Method))", "'->' reaches through a pointer"},
      {R"(@{ goto end; return 1; })", "there is no label 'end'"},
      {R"(@{ static int a = 1; return a; })", "a variable cannot be static"},
      {R"(@{ break; return 1; })", "'break' stands outside of a loop or switch"},
      {R"(@{ switch (1) { case 1: continue; default: return 1; } })", "'continue' stands outside of a loop"},
      {R"(@{ switch (1) { case 1: return 2; deafult: return 1; } })", "'deafult:' is a label of its own"},
      {R"(@{ var d = new Dictionary<string, string>(); return d.TryGetValue("a", out out b); })",
       "'out' stands behind"},
      {R"(@{ var d = new Dictionary<string, string>(); string b = ""; return d.TryGetValue("a", b); })",
       "'TryGetValue' gives its result through an 'out' argument"},
      {R"(@{ Func<int, int, int> f = (a, a) => a; return f(1, 2); })", "two parameters have the name 'a'"},
      {R"(@(Math.Max(0x, 1)))", "'0x' is a number without digits"},
      {R"(@($"a}"))", "closes no hole"},
      {R"(@(JsonConvert.SerializeObject({ a = 1 })))", "'{' begins no value"},
      {R"(@( + (string)context.Variables["a"]))", "'+' stands before a string"},
      {R"(@{ if ("abc".Length >> 0) { return 1; } return 2; })", "the condition of 'if' is a number"},
      {R"(@{ return DateTime.UtcNow().Year; })", "'UtcNow' is a property and cannot be called"},
      {R"(@{ return context.Response.Body.As<JObject>["a"]; })", "'As' is a method; it must be called"},
      {R"(@{ var list = new JArray(); return list.ToString; })", "'ToString' is a method; it must be called"},
  };
  for (const auto& [source, message] : cases) {
    INFO(source);
    CHECK_THAT(verdict(source, true), Catch::Contains(message));
  }
}

TEST_CASE("jumps labels and shifts that C Sharp takes are let through") {
  const char* sources[] = {
      R"(@{ int i = 0; again: i++; if (i < 3) { goto again; } return i; })",
      R"(@{ foreach (var a in new[] { 1 }) { switch (a) { case 1: continue; default: break; } break; } return 1; })",
      R"(@{ Func<int, int> f = x => { while (true) { break; } return x; }; return f(1 << 2); })",
      R"(@{ switch (1) { case 1: goto default; default: return 1; } })",
      R"(@{ return $"{{a}} {(1 + +2)}"; })",
      R"(@{ return new { Length = 1 }.Length + 0xFF; })",
      R"(@{ int n; return int.TryParse("1", out n) ? n : 0; })",
  };
  for (const char* source : sources) {
    INFO(source);
    CHECK(verdict(source, true) == "");
  }
}

// tests/programs/csharp.test.mjs asks the compiler itself about the same lines.
TEST_CASE("what the compiler takes is let through and what it refuses is an error") {
  const auto each_line = [](const std::string& name, auto&& visit) {
    std::ifstream file(std::string(POSTERN_SOURCE_DIR "/fixtures/csharp/") + name);
    std::size_t count = 0;
    for (std::string line; std::getline(file, line); ++count) visit(line);
    CHECK(count > 200);
  };
  const auto is_error = [](const Note& note) { return note.kind != NoteKind::unlisted && !note.accepted; };
  each_line("compiles.txt", [&](const std::string& line) {
    INFO(line);
    const Parsed parsed = parse_value(line);
    CHECK_FALSE(parsed.syntax);
    CHECK(std::none_of(parsed.notes.begin(), parsed.notes.end(), is_error));
  });
  each_line("fails.txt", [&](const std::string& line) {
    INFO(line);
    const Parsed parsed = parse_value(line);
    CHECK((parsed.syntax || std::any_of(parsed.notes.begin(), parsed.notes.end(), is_error)));
  });
}

TEST_CASE("an operator that is missing at the beginning of a line is told on that line") {
  CHECK(verdict("@{ return \"a\"\n  \"b\" + \"c\"; }").find(" | \"b\" | ") != std::string::npos);
  CHECK(verdict("@{ var a = \"a\"; var b = a\n  a + \"c\"; return b; }").find(" | a | ") != std::string::npos);
  CHECK(verdict("@{ return context.Api.Id == \"a\"\n  and context.Api.Name == \"b\"; }").find(" | and | ") !=
        std::string::npos);
  CHECK(verdict("@{ var a = 1\n  var b = 2; return a + b; }").find(" | 1 | ") != std::string::npos);
  CHECK(verdict("@{ var a = 1\n  a = 2; return a; }").find(" | 1 | ") != std::string::npos);
  CHECK(
      verdict("@{ return string.Format(\"a\",\n  context.Api.Id;); }").starts_with("';' stands inside of '(' | ; | "));
}

TEST_CASE("what compiles and does not do what it seems to is a warning") {
  const Parsed assigned = parse_value(R"(@{ var s = "b"; return s = "a"; })");
  REQUIRE(assigned.notes.size() == 1);
  CHECK(assigned.notes[0].accepted);
  const Parsed from_end = parse_value(R"(@(new[] { 1 }[^1]))");
  REQUIRE(from_end.notes.size() == 1);
  CHECK(from_end.notes[0].kind == NoteKind::unlisted);
}

// Each took minutes when a name was looked up among all the others.
TEST_CASE("twenty thousand names are looked up in no time") {
  const auto repeated = [](auto&& part) {
    std::string out;
    for (int i = 0; i < 20000; ++i) out += part(std::to_string(i));
    return out;
  };
  const std::string variables = repeated([](const std::string& i) { return "int x" + i + " = 1;"; });
  const std::string uses = repeated([](const std::string&) { return "{x1}"; });
  CHECK(verdict("@{" + variables + "return $\"" + uses + "\";}", true) == "");
  const std::string functions = repeated([](const std::string& i) { return "int f" + i + "() { return f0(); }"; });
  CHECK(verdict("@{" + functions + "return f1();}", true) == "");
  const std::string jumps = repeated([](const std::string&) { return "goto a;"; });
  CHECK(verdict("@{" + jumps + "a: return 1;}", true) == "");
  const std::string branches = repeated([](const std::string&) { return "if (context.Tracing) {}"; });
  const std::string unset = repeated([](const std::string& i) { return "int x" + i + ";"; });
  CHECK(verdict("@{" + unset + branches + "return 1;}", true) == "");
  const Parsed unknown = parse_value("@(" + repeated([](const std::string& i) { return "a" + i + " + "; }) + "1)");
  CHECK(unknown.notes.size() == 200);
  CHECK_THAT(unknown.notes.back().at.message, Catch::Contains("and so many more"));
}
