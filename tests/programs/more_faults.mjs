// Faults beside those of faults.mjs, in the same form: single slips in markup, values and code.
import { allLines, code, cut, inPayload, isSection, lineOf, misspell } from './faults.mjs';

const BOOLS = /^(true|false)$/;
const childrenOf = (tags, t) => tags.filter((c) => c.parent === t);
const literal = (text, a) => !a.expression && !/[{}$#%]|__/.test(text.slice(a.valueAt, a.valueEnd));

// Strings inside of an expression: [from, to) with their quotes, regular ones only.
function strings(text, e) {
  const found = [];
  for (let i = e.at + 2; i < e.end; i++) {
    if (text.startsWith('/*', i)) i = text.indexOf('*/', i) + 1;
    else if (text.startsWith('//', i)) i = text.indexOf('\n', i);
    else if (text[i] === "'") i = text.indexOf("'", text[i + 1] === '\\' ? i + 3 : i + 2);
    else if (text[i] === '"') {
      const from = i;
      const special = /[@$]/.test(text[i - 1]);
      for (i++; text[i] !== '"' && i < e.end; i++) if (text[i] === '\\' && !special) i++;
      if (special) {
        while (i < e.end && text[i + 1] === '"') i = text.indexOf('"', i + 2);
        continue;
      }
      found.push([from, i + 1]);
    }
    if (i < 0) break;
  }
  return found;
}

export const MORE_FAULTS = {
  *'at sign twice'(text, { expressions }) {
    for (const e of expressions) if (/context\.[A-Z]/.test(text.slice(e.at, e.end)) && !/["<&]/.test(text.slice(e.at, e.end))) yield [cut(text, e.at, e.at, '@'), lineOf(text, e.at)];
  },
  *'blank behind the at sign'(text, { expressions }) {
    for (const e of expressions) if (/context\.[A-Z]/.test(text.slice(e.at, e.end)) && !/["<&]/.test(text.slice(e.at, e.end))) yield [cut(text, e.at + 1, e.at + 1, ' '), lineOf(text, e.at)];
  },
  *'text before an expression'(text, { expressions }) {
    for (const e of expressions) if (/context\.[A-Z]/.test(text.slice(e.at, e.end)) && !/["<&]/.test(text.slice(e.at, e.end)) && !text.slice(0, e.at).endsWith('[CDATA[')) yield [cut(text, e.at, e.at, 'Id '), lineOf(text, e.at)];
  },
  *'scheme of an address misspelt'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        if (/^(base-)?url$/.test(a.name) && /^https?:\/\/[^{}$#<>@]*$/.test(text.slice(a.valueAt, a.valueEnd))) yield [cut(text, a.valueAt, a.valueAt + 4, 'htp'), lineOf(text, a.at)];
      }
      if (t.name !== 'set-url' || t.kind !== 'open') continue;
      if (/^https?:\/\/[^{}$#<>@]*$/.test(text.slice(t.end, t.close.at))) yield [cut(text, t.end, t.end + 4, 'htp'), lineOf(text, t.at)];
    }
  },
  *'blank in the name of a header'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'set-header' || inPayload(t)) continue;
      for (const a of t.attributes) if (a.name === 'name' && literal(text, a)) yield [cut(text, a.valueAt + 1, a.valueAt + 1, ' '), lineOf(text, a.at)];
    }
  },
  *'method misspelt'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'set-method' || t.kind !== 'open' || !/^(GET|POST|PUT|DELETE|PATCH)$/.test(text.slice(t.end, t.close.at))) continue;
      const word = text.slice(t.end, t.close.at);
      yield [cut(text, t.end, t.close.at, word[0] + word[2] + word[1] + word.slice(3)), lineOf(text, t.at)];
    }
  },
  *'number of an address too high'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'address' || t.kind !== 'open' || !/^\d+\.\d+\.\d+\.\d+$/.test(text.slice(t.end, t.close.at))) continue;
      yield [cut(text, t.close.at, t.close.at, '99'), lineOf(text, t.at)];
    }
  },
  *'status of four digits'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'set-status' || inPayload(t)) continue;
      for (const a of t.attributes) if (a.name === 'code' && /^\d{3}$/.test(text.slice(a.valueAt, a.valueEnd))) yield [cut(text, a.valueEnd, a.valueEnd, '0'), lineOf(text, a.at)];
    }
  },
  *'start tag missing'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t) || t.depth === 0) continue;
      yield [cut(text, t.at, t.end), [lineOf(text, t.close.at), lineOf(text, t.at)]];
    }
  },
  *'start tag misspelt'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t)) continue;
      yield [cut(text, t.nameAt, t.nameEnd, misspell(t.name)), [lineOf(text, t.at), lineOf(text, t.close.at)]];
    }
  },
  *'slash of an end tag missing'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t)) continue;
      yield [cut(text, t.close.at + 1, t.close.at + 2), [lineOf(text, t.close.at), lineOf(text, t.at)]];
    }
  },
  *'end tag without its bracket'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t)) continue;
      yield [cut(text, t.close.end - 1, t.close.end), lineOf(text, t.close.at)];
    }
  },
  *'tag without its first bracket'(text, { tags }) {
    for (const t of tags) {
      if (t.kind === 'close' || inPayload(t) || t.depth === 0) continue;
      const lines = [lineOf(text, t.at)];
      if (t.close) lines.push(lineOf(text, t.close.at));
      yield [cut(text, t.at, t.at + 1), lines];
    }
  },
  *'end tags swapped'(text, { tags }) {
    for (const t of tags) {
      const inner = t.kind === 'open' && childrenOf(tags, t).filter((c) => c.kind === 'open').at(-1);
      if (!inner || inPayload(inner) || t.name === inner.name || text.slice(inner.close.end, t.close.at).trim() !== '') continue;
      yield [cut(text, inner.close.at, t.close.end, `</${t.name}>${text.slice(inner.close.end, t.close.at)}</${inner.name}>`), [lineOf(text, inner.close.at), lineOf(text, t.close.at), lineOf(text, inner.at)]];
    }
  },
  *'quote twice'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.valueEnd, a.valueEnd, a.quote), lineOf(text, a.valueEnd)];
    }
  },
  *'quote of the other kind'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.valueEnd, a.valueEnd + 1, a.quote === '"' ? "'" : '"'), [lineOf(text, a.at), lineOf(text, a.valueEnd)]];
    }
  },
  *'blank between attributes missing'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const [i, a] of t.attributes.entries()) {
        if (i > 0 && /^[ ]$/.test(text.slice(t.attributes[i - 1].valueEnd + 1, a.at))) yield [cut(text, a.at - 1, a.at), lineOf(text, a.at)];
      }
    }
  },
  *'attribute without a value'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.nameEnd, a.valueEnd + 1), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'less than in an attribute'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) if (literal(text, a) && a.valueEnd > a.valueAt) yield [cut(text, a.valueEnd, a.valueEnd, ' < 5'), lineOf(text, a.valueEnd)];
    }
  },
  *'less than in text'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || !['value', 'set-url', 'set-method', 'audience', 'issuer', 'origin', 'header', 'address'].includes(t.name) || /[@<{$%]/.test(text.slice(t.end, t.close.at))) continue;
      yield [cut(text, t.end, t.end, 'a < b '), lineOf(text, t.end)];
    }
  },
  *'ampersand in text'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || !['value', 'set-url', 'set-body', 'audience', 'issuer', 'origin', 'message'].includes(t.name) || /@[({]|<|[{]/.test(text.slice(t.end, t.close.at))) continue;
      yield [cut(text, t.close.at, t.close.at, ' & more'), lineOf(text, t.close.at)];
    }
  },
  *'entity that XML does not know'(text, { tags }) {
    for (const t of tags) {
      for (const a of t.attributes) if (literal(text, a) && !inPayload(t)) yield [cut(text, a.valueEnd, a.valueEnd, '&nbsp;'), lineOf(text, a.valueEnd)];
    }
  },
  *'two dashes in a comment'(text) {
    for (const m of text.matchAll(/<!--[\s\S]*?-->/g)) yield [cut(text, m.index + 5, m.index + 5, ' -- '), lineOf(text, m.index + 5)];
  },
  *'comment opened badly'(text) {
    for (const m of text.matchAll(/<!--[\s\S]*?-->/g)) yield [cut(text, m.index + 2, m.index + 3), [lineOf(text, m.index), lineOf(text, m.index + m[0].length)]];
  },
  *'comment in a tag'(text, { tags }) {
    for (const t of tags) {
      if (t.kind === 'close' || inPayload(t) || t.attributes.length === 0) continue;
      yield [cut(text, t.nameEnd, t.nameEnd, ' <!-- note -->'), lineOf(text, t.nameEnd)];
    }
  },
  *'text behind the root'(text) {
    const at = text.trimEnd().length;
    yield [cut(text, at, at, 'x'), lineOf(text, at)];
  },
  *'second root'(text) {
    const at = text.trimEnd().length;
    yield [cut(text, at, at, '\n<policies />'), lineOf(text, at) + 1];
  },
  *'root missing'(text, { tags }) {
    const root = tags[0];
    if (root.kind !== 'open' || root.name !== 'policies') return;
    const out = cut(cut(text, root.close.at, root.close.end), root.at, root.end);
    yield [out, allLines(text, root.at, root.end).concat(lineOf(text, tags[1].at), lineOf(text, tags.find((t) => t.depth === 1 && t !== tags[1])?.at ?? 0))];
  },
  *'policy outside of a section'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind === 'open' && isSection(t))) yield [cut(text, t.at, t.at, '<set-method>GET</set-method>'), lineOf(text, t.at)];
  },
  *'section in a section'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind === 'open' && isSection(t))) yield [cut(text, t.end, t.end, '<outbound><base /></outbound>'), lineOf(text, t.end)];
  },
  *'choose without its choose'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'choose' || t.kind !== 'open') continue;
      yield [cut(cut(text, t.close.at, t.close.end), t.at, t.end), childrenOf(tags, t).map((c) => lineOf(text, c.at))];
    }
  },
  *'choose without a branch'(text, { tags }) {
    for (const t of tags) if (t.name === 'choose' && t.kind === 'open') yield [cut(text, t.at, t.elementEnd, '<choose></choose>'), lineOf(text, t.at)];
  },
  *'child twice'(text, { tags }) {
    const single = { 'set-url': 'send-request', 'set-method': 'send-request', 'set-status': 'return-response', 'set-body': 'return-response', 'allowed-origins': 'cors', 'allowed-methods': 'cors', audiences: 'validate-jwt', issuers: 'validate-jwt', 'required-claims': 'validate-jwt', 'client-application-ids': 'validate-azure-ad-token', identities: 'validate-client-certificate' };
    for (const t of tags) {
      if (t.kind === 'close' || !t.parent || single[t.name] !== t.parent.name) continue;
      yield [cut(text, t.elementEnd, t.elementEnd, text.slice(t.at, t.elementEnd)), [lineOf(text, t.elementEnd), lineOf(text, t.at)]];
    }
  },
  *'children outside of their parent'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || !['allowed-origins', 'issuers', 'audiences', 'required-claims', 'openid-config', 'when', 'otherwise', 'set-url', 'value', 'identities', 'application-id'].includes(t.name) || inPayload(t) || t.parent.name === 'set-variable') continue;
      const owner = t.parent;
      const element = text.slice(t.at, t.elementEnd);
      const out = cut(text, owner.elementEnd, owner.elementEnd, element);
      yield [out, lineOf(text, owner.elementEnd)];
    }
  },
  *'bool in capitals'(text, { tags }) {
    for (const t of tags) for (const a of t.attributes) {
      const value = text.slice(a.valueAt, a.valueEnd);
      if (BOOLS.test(value) && !inPayload(t) && !['value', 'condition', 'default-value'].includes(a.name)) yield [cut(text, a.valueAt, a.valueEnd, value[0].toUpperCase() + value.slice(1)), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'bool left empty'(text, { tags }) {
    for (const t of tags) for (const a of t.attributes) {
      if (BOOLS.test(text.slice(a.valueAt, a.valueEnd)) && !inPayload(t) && !['value', 'condition', 'default-value'].includes(a.name)) yield [cut(text, a.valueAt, a.valueEnd), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  ...numbers('number below zero', () => '-1'),
  ...numbers('number left empty', () => ''),
  ...numbers('number as a word', () => 'ten'),
  ...numbers('number with a fraction', (n) => n + '.5'),
  ...numbers('number with a comma', (n) => n + ',0'),
  *'word left empty'(text, { tags }) {
    const words = ['exists-action', 'mode', 'action', 'template', 'match', 'for', 'apply', 'kind', 'caching-type', 'downstream-caching-type', 'severity', 'identity-type', 'validate-as', 'output-type'];
    for (const t of tags) for (const a of t.attributes) {
      if (!words.includes(a.name) || t.name === 'rewrite-uri' || !literal(text, a) || inPayload(t)) continue;
      yield [cut(text, a.valueAt, a.valueEnd), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'expression where a literal is due'(text, { tags }) {
    const places = { 'rate-limit': ['calls', 'renewal-period'], quota: ['calls', 'renewal-period'], 'include-fragment': ['fragment-id'], 'validate-client-certificate': ['validate-revocation', 'validate-trust', 'ignore-error'], trace: ['severity'] };
    for (const t of tags) for (const a of t.attributes) {
      if (!places[t.name]?.includes(a.name) || a.expression) continue;
      yield [cut(text, a.valueAt, a.valueEnd, '@(context.Api.Id)'), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'byte of another encoding'(text, { tags }) {
    for (const t of tags) for (const a of t.attributes) if (literal(text, a) && !inPayload(t)) {
      const out = Buffer.concat([Buffer.from(text.slice(0, a.valueEnd)), Buffer.from([0xe9]), Buffer.from(text.slice(a.valueEnd))]);
      yield [out, lineOf(text, a.valueEnd)];
    }
  },
  *'control character'(text, { tags }) {
    for (const t of tags) for (const a of t.attributes) if (literal(text, a) && !inPayload(t)) yield [cut(text, a.valueEnd, a.valueEnd, '\x0b'), lineOf(text, a.valueEnd)];
  },
  *'declaration that is not first'(text, { tags }) {
    if (!text.startsWith('<?xml')) yield [cut(text, tags[0].at, tags[0].at, '\n<?xml version="1.0"?>'), [lineOf(text, tags[0].at) + 1]];
  },
  *'brace of a named value missing'(text) {
    for (const m of text.matchAll(/(?<!\{)\{\{[\w.-]+\}\}(?!\})/g)) yield [cut(text, m.index + m[0].length - 1, m.index + m[0].length), lineOf(text, m.index)];
  },
  *'first brace of a named value missing'(text) {
    for (const m of text.matchAll(/(?<!\{)\{\{[\w.-]+\}\}(?!\})/g)) yield [cut(text, m.index, m.index + 1), lineOf(text, m.index)];
  },
  *'at sign missing anywhere'(text, { expressions }) {
    for (const e of expressions) {
      if (/^\(?\{?\s*(true|false)/.test(text.slice(e.at + 1, e.end))) continue;
      const code = text.slice(e.at, e.end);
      if (!code.includes('"') && !code.includes('context.')) continue;
      yield [cut(text, e.at, e.at + 1), allLines(text, e.at, e.end)];
    }
  },

  // ---- in expressions
  *'opening quote of a string missing'(text, { expressions }) {
    for (const e of expressions) for (const [from] of strings(text, e)) yield [cut(text, from, from + 1), [lineOf(text, from), lineOf(text, e.at)]];
  },
  *'closing quote of a string missing'(text, { expressions }) {
    for (const e of expressions) for (const [from, to] of strings(text, e)) yield [cut(text, to - 1, to), [lineOf(text, from), lineOf(text, e.at)]];
  },
  *'quote of a string twice'(text, { expressions }) {
    for (const e of expressions) for (const [from, to] of strings(text, e)) if (to - from > 2) yield [cut(text, to, to, '"'), [lineOf(text, from), lineOf(text, e.at)]];
  },
  *'string in single quotes'(text, { expressions }) {
    for (const e of expressions) for (const [from, to] of strings(text, e)) {
      if (to - from < 5 || text.slice(from, to).includes('\\')) continue;
      yield [cut(text, from, to, `'${text.slice(from + 1, to - 1)}'`), [lineOf(text, from), lineOf(text, e.at)]];
    }
  },
  *'escape that C sharp does not know'(text, { expressions }) {
    for (const e of expressions) for (const [from, to] of strings(text, e)) if (to - from > 2) yield [cut(text, from + 1, from + 1, '\\d'), lineOf(text, from)];
  },
  *'two strings side by side'(text, { expressions }) {
    for (const e of expressions) for (const [from, to] of strings(text, e)) yield [cut(text, to, to, ' "x"'), lineOf(text, from)];
  },
  *'semicolon in an expression'(text, { expressions }) {
    for (const e of expressions) if (!e.block) yield [cut(text, e.end - 1, e.end - 1, ';'), lineOf(text, e.end)];
  },
  *'return in an expression'(text, { expressions }) {
    for (const e of expressions) if (!e.block) yield [cut(text, e.at + 2, e.at + 2, 'return '), lineOf(text, e.at)];
  },
  *'two values in an expression'(text, { expressions }) {
    for (const e of expressions) if (!e.block) yield [cut(text, e.end - 1, e.end - 1, ', "b"'), lineOf(text, e.end)];
  },
  ...code('bracket of an index missing', /\]/g, () => ''),
  ...code('bracket of an index missing in front', /\[/g, () => ''),
  ...code('brace bracket missing', /\}/g, () => '', { block: true }),
  ...code('brace bracket missing in front', /\{/g, () => '', { block: true }),
  ...code('bracket of another kind', /\)/g, () => ']'),
  ...code('comma twice', /,/g, () => ',,'),
  ...code('comma at the end', /(?<=[\w"\])] *)\)/g, () => ',)'),
  ...code('operator missing', / (==|!=|&&|\|\||\+|>=|<=) /g, () => ' ', { skip: /never/ }),
  ...code('operator twice', / (==|!=|&&|\|\||>=) /g, (m) => `${m[0]}${m[1]} `, { skip: /never/ }),
  ...code('operator turned around', />=/g, () => '=>'),
  ...code('colon of a choice missing', / : /g, () => ' ', { skip: /never/ }),
  ...code('question mark of a choice missing', / \? /g, () => ' ', { skip: /never/ }),
  ...code('letter case of a member', /\.([A-Z])(?=[a-z]+)/g, (m) => '.' + m[1].toLowerCase(), { skip: /never/ }),
  ...code('letter case of a type', /\b(JObject|JArray|JProperty|Dictionary|Regex|DateTime|Guid|Convert|Encoding|Jwt|IResponse)\b/g, (m) => m[0].toLowerCase()),
  ...code('property called', /\bcontext\.(?:Request|Response|Api|User|Operation)\.(?:StatusCode|Method|Name|Id|IpAddress|Email)\b(?!\()/g, (m) => m[0] + '()'),
  ...code('method without its brackets', /\.(ToString|ToLower|ToUpper|Trim|ToLowerInvariant)\(\)(?=\s*(?:==|!=|\+|\.|$))/g, (m) => '.' + m[1]),
  ...code('round brackets for an index', /\b(Variables|Headers|MatchedParameters)\[( *)\]/g, (m) => `${m[1]}("x")`, { skip: /never/ }),
  ...code('index for a call', /\.GetValueOrDefault\(([^()]*)\)/g, (m) => '.GetValueOrDefault["x"]', { skip: /never/ }),
  ...code('type argument missing', /\.As<[\w<>[\], ]+>\(/g, () => '.As('),
  ...code('argument misnamed', /preserveContent(?=:)/g, () => 'preserveContents'),
  ...code('declaration without var', /\b(?:var|string|int|bool) (?=\w+ = )/g, () => '', { block: true }),
  ...code('null in capitals', /\bnull\b/g, () => 'NULL'),
  ...code('true in capitals', /\b(true|false)\b/g, (m) => m[1][0].toUpperCase() + m[1].slice(1)),
  ...code('nothing returned', /\breturn\b[^;{}]*;/g, () => 'return;', { block: true }),
  ...code('value of var is null', /\bvar (\w+) = (?=[^;]*;)/g, (m) => `var ${m[1]}x = null; ${m[0]}`, { block: true }),
  ...code('foreach without in', /(?<=foreach \([^)]*) in /g, () => ' of ', { block: true }),
  ...code('for with commas', /(?<=for \([^;)]*);/g, () => ',', { block: true }),
  ...code('arrow as equals sign', /=>/g, () => '='),
  ...code('not as a word', /!(?=[\w(])/g, () => 'not '),
  ...code('member of a member misspelt', /\bcontext\??\.\w+\??\.([A-Z]\w{2,})/g, (m) => m[0].slice(0, m[0].length - m[1].length) + misspell(m[1])),
  ...code('a string where a number is', /(?<=StatusCode (?:==|!=|>=|<=|<|>) )\d+/g, (m) => `"${m[0]}"`),
  ...code('condition that is a string', /\bif \((?=[^)])/g, () => 'if ("yes" && ', { block: true }),
  ...code('not in front of a string', /\bcontext\.Request\.Method\b(?= ==)/g, () => '!context.Request.Method'),
  ...code('file read', /\bDateTime\.UtcNow\b|\bGuid\.NewGuid\(\)/g, () => 'System.IO.File.ReadAllText("/x")'),
  ...code('client made', /\bDateTime\.UtcNow\b|\bGuid\.NewGuid\(\)/g, () => 'new HttpClient()'),
  ...code('thread put to sleep', /\breturn\b/g, () => 'Thread.Sleep(5); return', { block: true }),
  ...code('console written', /\breturn\b/g, () => 'Console.WriteLine("x"); return', { block: true }),
  ...code('assembly loaded', /\breturn\b/g, () => 'var a = System.Reflection.Assembly.Load("x"); return', { block: true }),
  ...code('string for an int', /\breturn\b/g, () => 'int n = "5"; return', { block: true }),
  ...code('int for a string', /\breturn\b/g, () => 'string n = 5; return', { block: true }),
  ...code('statement behind a colon', /;(?=\s*\n)/g, () => ':', { block: true }),
  ...code('digit that is a letter', /\b[1-9]\d+\b/g, (m) => m[0] + 'O'),
  ...code('null conditional twice', /\?\./g, () => '?..'),
  ...code('pointer for a member', /\bcontext\./g, () => 'context->'),
  ...code('jump to no label', /\breturn\b/g, () => 'goto done; return', { block: true }),
  ...code('variable that is static', /(?<=[{;]\s*)\bvar (?=\w+ = )/g, () => 'static int z = 1; var ', { block: true }),
  ...code('out missing', /(?<=\bTry\w+\([^()]*)\bout (?=\w+\))/g, () => '', { skip: /never/ }),
  ...code('method of a body not called', /(?<=\.As<\w+>)\((?:preserveContent: )?\w*\)(?=\s*[;.[])/g, () => ''),
  ...code('brackets behind a property', /\.(UtcNow|Length|TotalMilliseconds|TotalSeconds)\b(?!\()/g, (m) => m[0] + '()'),
  ...code('number without digits', /(?<=[ (,])0(?=[ ),;])/g, () => '0x'),
  ...code('index with a dot', /\.(?=[A-Z]\w*\[)/g, () => ',', { skip: /never/ }),
};

function numbers(name, replace) {
  const names = ['calls', 'renewal-period', 'timeout', 'duration', 'count', 'interval', 'max-count', 'failed-check-httpcode', 'failed-validation-httpcode', 'tokens-per-minute', 'max-size', 'clock-skew', 'preflight-result-max-age', 'bandwidth', 'max-interval', 'delta', 'code', 'status-code'];
  return {
    *[name](text, { tags }) {
      for (const t of tags) for (const a of t.attributes) {
        const value = text.slice(a.valueAt, a.valueEnd);
        if (!names.includes(a.name) || !/^\d+$/.test(value) || inPayload(t)) continue;
        yield [cut(text, a.valueAt, a.valueEnd, replace(value)), [lineOf(text, a.at), lineOf(text, t.at)]];
      }
    },
  };
}
