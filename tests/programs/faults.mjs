// Seeds faults into policy documents: one small mistake each, as people make them, with the line a person would name.
// Used by seeded_faults.test.mjs. No dependency on the checker: a reader of its own finds the places.

const NAME = /[A-Za-z_][\w.:-]*/y;

// The end (exclusive) of the expression that begins with `@(` or `@{` at `at`, by brackets outside of strings.
function expressionEnd(text, at) {
  const open = text[at + 1];
  const close = open === '(' ? ')' : '}';
  let depth = 0;
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i];
    if (text.startsWith('//', i)) {
      i = text.indexOf('\n', i);
      if (i < 0) return text.length;
    } else if (text.startsWith('/*', i)) {
      i = text.indexOf('*/', i) + 1;
    } else if (/^\$?@\$?"/.test(text.slice(i, i + 3))) {
      i = text.indexOf('"', i) + 1;
      while (text[i] !== '"' || text[i + 1] === '"') i += text[i] === '"' ? 2 : 1;
    } else if (c === '"' || c === "'") {
      for (i++; text[i] !== c; i++) if (text[i] === '\\') i++;
    } else if (c === open) {
      depth++;
    } else if (c === close && --depth === 0) {
      return i + 1;
    }
  }
  return text.length;
}

// The places of a document: { tags: [{ name, at, nameEnd, end, kind: open|close|empty, attributes }], expressions }.
export function read(text) {
  const tags = [];
  const expressions = [];
  const expression = (at) => {
    const end = expressionEnd(text, at);
    expressions.push({ at, end, block: text[at + 1] === '{' });
    return end;
  };
  let i = 0;
  while (i < text.length) {
    if (text.startsWith('<!--', i)) {
      i = text.indexOf('-->', i) + 3;
    } else if (text.startsWith('<![CDATA[', i)) {
      i = text.indexOf(']]>', i) + 3;
    } else if (text.startsWith('<?', i)) {
      i = text.indexOf('?>', i) + 2;
    } else if (text[i] === '<') {
      const close = text[i + 1] === '/';
      NAME.lastIndex = i + (close ? 2 : 1);
      const name = NAME.exec(text);
      if (!name) throw new Error(`no name at ${i}`);
      const tag = { name: name[0], at: i, nameAt: name.index, nameEnd: NAME.lastIndex, kind: close ? 'close' : 'open', attributes: [] };
      let j = tag.nameEnd;
      for (;;) {
        while (/\s/.test(text[j])) j++;
        if (text.startsWith('/>', j)) {
          tag.kind = 'empty';
          j += 2;
          break;
        }
        if (text[j] === '>') {
          j++;
          break;
        }
        const attribute = { at: j };
        while (/[^\s=]/.test(text[j])) j++;
        attribute.name = text.slice(attribute.at, j);
        attribute.nameEnd = j;
        j = text.indexOf(text.slice(j).match(/["']/)[0], j);
        attribute.quote = text[j];
        attribute.valueAt = ++j;
        if (/^\s*@[({]/.test(text.slice(j))) {
          attribute.expression = true;
          j = expression(text.indexOf('@', j));
        }
        j = text.indexOf(attribute.quote, j);
        attribute.valueEnd = j++;
        tag.attributes.push(attribute);
      }
      tag.end = j;
      tags.push(tag);
      i = j;
    } else {
      const next = text.indexOf('<', i);
      const stop = next < 0 ? text.length : next;
      const start = text.slice(i, stop).match(/^\s*@[({]/);
      i = start ? expression(i + start[0].length - 2) : stop;
    }
  }
  // Parents, and what each tag's element spans.
  const open = [];
  for (const tag of tags) {
    if (tag.kind === 'close') {
      const partner = open.pop();
      partner.close = tag;
      tag.partner = partner;
      partner.elementEnd = tag.end;
    } else {
      tag.parent = open.at(-1);
      tag.depth = open.length;
      if (tag.kind === 'open') open.push(tag);
      else tag.elementEnd = tag.end;
    }
  }
  return { tags, expressions };
}

// Two neighbouring letters swapped, or one dropped: what a hurried hand does.
export function misspell(name) {
  for (let i = 1; i + 1 < name.length; i++) {
    if (/[a-z]/i.test(name[i]) && /[a-z]/i.test(name[i + 1]) && name[i].toLowerCase() !== name[i + 1].toLowerCase()) {
      return name.slice(0, i) + name[i + 1] + name[i] + name.slice(i + 2);
    }
  }
  return name + 'x';
}

// Strings and comments of code as blanks of the same length, so that a pattern only meets code.
function bare(code) {
  return code.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|[$@]{0,2}"(?:\\.|""|[^"\\])*"|'(?:\\.|[^'\\])+'|&quot;.*?&quot;/g, (m) =>
    m.replace(/[^\n]/g, ' '));
}

export const lineOf = (text, at) => text.slice(0, at).split('\n').length;
export const cut = (text, from, to, by = '') => text.slice(0, from) + by + text.slice(to);

// Free content: not judged as policy.
export const inPayload = (tag) => {
  for (let t = tag.parent; t; t = t.parent) {
    if (['set-body', 'xsl-transform', 'value', 'message'].includes(t.name)) return true;
  }
  return false;
};
export const isSection = (tag) => ['inbound', 'backend', 'outbound', 'on-error'].includes(tag.name) && tag.depth === 1;

// Each yields [text, line or lines] for every place where the fault can be made.
export const FAULTS = {
  *'element misspelt'(text, { tags }) {
    for (const t of tags) {
      if (t.kind === 'close' || inPayload(t) || t.depth === 0) continue;
      const name = misspell(t.name);
      let out = text;
      if (t.close) out = cut(out, t.close.nameAt, t.close.nameEnd, name);
      out = cut(out, t.nameAt, t.nameEnd, name);
      yield [out, lineOf(text, t.at)];
    }
  },
  *'end tag misspelt'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t)) continue;
      yield [cut(text, t.close.nameAt, t.close.nameEnd, misspell(t.name)), [lineOf(text, t.close.at), lineOf(text, t.at)]];
    }
  },
  *'end tag missing'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t)) continue;
      yield [cut(text, t.close.at, t.close.end), [lineOf(text, t.at), lineOf(text, t.close.at)]];
    }
  },
  *'end tag twice'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t) || t.depth === 0) continue;
      yield [cut(text, t.close.end, t.close.end, `</${t.name}>`), lineOf(text, t.close.end)];
    }
  },
  *'empty tag left open'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'empty' || inPayload(t)) continue;
      yield [cut(text, t.end - 2, t.end, '>'), [lineOf(text, t.at), lineOf(text, t.end - 1)]];
    }
  },
  *'tag without its end bracket'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || inPayload(t) || t.attributes.length === 0) continue;
      yield [cut(text, t.end - 1, t.end), [lineOf(text, t.at), lineOf(text, t.end - 1)]];
    }
  },
  *'attribute misspelt'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.at, a.nameEnd, misspell(a.name)), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'attribute unknown'(text, { tags }) {
    for (const t of tags) {
      if (t.kind === 'close' || inPayload(t)) continue;
      yield [cut(text, t.nameEnd, t.nameEnd, ' nonsense="1"'), lineOf(text, t.nameEnd)];
    }
  },
  *'attribute twice'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        const again = text.slice(a.at, a.valueEnd + 1);
        yield [cut(text, a.valueEnd + 1, a.valueEnd + 1, ' ' + again), [lineOf(text, a.at), lineOf(text, a.valueEnd), lineOf(text, t.at)]];
      }
    }
  },
  *'quote missing'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.valueEnd, a.valueEnd + 1), [lineOf(text, a.at), lineOf(text, a.valueEnd)]];
    }
  },
  *'opening quote missing'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.valueAt - 1, a.valueAt), lineOf(text, a.at)];
    }
  },
  *'equals sign missing'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        const at = text.indexOf('=', a.nameEnd);
        yield [cut(text, at, at + 1), lineOf(text, a.at)];
      }
    }
  },
  *'section misspelt'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind !== 'close' && isSection(t))) {
      let out = text;
      if (t.close) out = cut(out, t.close.nameAt, t.close.nameEnd, misspell(t.name));
      yield [cut(out, t.nameAt, t.nameEnd, misspell(t.name)), lineOf(text, t.at)];
    }
  },
  *'section twice'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind === 'open' && isSection(t))) {
      yield [cut(text, t.elementEnd, t.elementEnd, `<${t.name}><base /></${t.name}>`), lineOf(text, t.elementEnd)];
    }
  },
  *'text between policies'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || !(isSection(t) || ['policies', 'choose', 'when', 'otherwise', 'cors', 'validate-jwt'].includes(t.name)) || inPayload(t)) continue;
      yield [cut(text, t.end, t.end, ' TODO'), lineOf(text, t.end)];
    }
  },
  *'ampersand in an attribute'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        if (a.expression || a.valueEnd === a.valueAt) continue;
        yield [cut(text, a.valueEnd, a.valueEnd, '&x=1'), lineOf(text, a.valueEnd)];
      }
    }
  },
  *'policy in the wrong section'(text, { tags }) {
    const wrong = { inbound: '<forward-request />', backend: '<cors><allowed-origins><origin>https://a.example</origin></allowed-origins></cors>', outbound: '<rewrite-uri template="/a" />', 'on-error': '<ip-filter action="allow"><address>10.0.0.1</address></ip-filter>' };
    for (const t of tags.filter((t) => t.kind === 'open' && isSection(t))) {
      yield [cut(text, t.end, t.end, wrong[t.name]), lineOf(text, t.end)];
    }
  },
  *'second policy in backend'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind === 'open' && t.name === 'backend' && isSection(t) && !/choose|set-variable/.test(text.slice(t.at, t.close.at)))) {
      yield [cut(text, t.close.at, t.close.at, '<forward-request />'), [lineOf(text, t.close.at), lineOf(text, t.at)]];
    }
  },
  *'required attribute missing'(text, { tags }) {
    const required = { 'set-variable': ['name', 'value'], 'set-header': ['name'], 'set-status': ['code'], when: ['condition'], retry: ['condition', 'count', 'interval'], 'rate-limit-by-key': ['calls', 'renewal-period', 'counter-key'], 'cache-store': ['duration'], 'cache-lookup-value': ['key', 'variable-name'], 'cache-store-value': ['key', 'value', 'duration'], 'rewrite-uri': ['template'], 'include-fragment': ['fragment-id'], 'ip-filter': ['action'], 'address-range': ['from', 'to'], 'limit-concurrency': ['key', 'max-count'], 'log-to-eventhub': ['logger-id'], claim: ['name'], 'openid-config': ['url'], 'set-query-parameter': ['name'], 'check-header': ['name', 'failed-check-httpcode', 'failed-check-error-message', 'ignore-case'], 'cache-lookup': ['vary-by-developer', 'vary-by-developer-groups'], 'find-and-replace': ['from', 'to'], dimension: ['name'], trace: ['source'] };
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        if (!required[t.name]?.includes(a.name)) continue;
        yield [cut(text, a.at, a.valueEnd + 1), lineOf(text, t.at)];
      }
    }
  },
  *'word that is not on the list'(text, { tags }) {
    const listed = { 'exists-action': 1, 'caching-type': 1, mode: 1, action: 1, match: 1, for: 1, kind: 1, apply: 1, 'require-expiration-time': 1, 'allow-credentials': 1, 'vary-by-developer': 1, 'ignore-error': 1, 'buffer-request-body': 1, 'ignore-case': 1, 'first-fast-retry': 1, 'downstream-caching-type': 1, template: 'set-body' };
    for (const t of tags) {
      if (inPayload(t) || t.parent?.name === 'content') continue;
      for (const a of t.attributes) {
        const value = text.slice(a.valueAt, a.valueEnd);
        if (!listed[a.name] || (listed[a.name] !== 1 && listed[a.name] !== t.name) || !/^[a-z-]+$/.test(value) || t.name === 'set-method') continue;
        yield [cut(text, a.valueAt, a.valueEnd, misspell(value)), [lineOf(text, a.at), lineOf(text, t.at)]];
      }
    }
  },
  *'number that is none'(text, { tags }) {
    const numbers = ['timeout', 'calls', 'renewal-period', 'bandwidth', 'duration', 'count', 'interval', 'max-count', 'max-interval', 'delta', 'clock-skew', 'max-size', 'failed-validation-httpcode', 'failed-check-httpcode', 'preflight-result-max-age'];
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        if (!numbers.includes(a.name) || !/^\d+$/.test(text.slice(a.valueAt, a.valueEnd))) continue;
        yield [cut(text, a.valueEnd, a.valueEnd, 's'), [lineOf(text, a.at), lineOf(text, t.at)]];
      }
    }
  },
  *'children in the wrong order'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'validate-jwt' || t.kind !== 'open') continue;
      const children = tags.filter((c) => c.parent === t);
      const audiences = children.find((c) => c.name === 'audiences');
      const issuers = children.find((c) => c.name === 'issuers');
      if (!audiences || !issuers) continue;
      const one = text.slice(audiences.at, audiences.elementEnd);
      const two = text.slice(issuers.at, issuers.elementEnd);
      const out = text.slice(0, audiences.at) + two + text.slice(audiences.elementEnd, issuers.at) + one + text.slice(issuers.elementEnd);
      yield [out, [lineOf(text, audiences.at), lineOf(out, out.indexOf('<audiences'))]];
    }
  },
  *'required child missing'(text, { tags }) {
    for (const t of tags) {
      const needs = { 'allowed-origins': 'cors', 'set-url': 'send-request', when: 'choose', 'application-id': 'client-application-ids', method: 'allowed-methods' };
      if (t.kind !== 'open' || needs[t.name] !== t.parent?.name || tags.filter((c) => c.parent === t.parent && c.name === t.name).length > 1) continue;
      if (text.slice(t.parent.at, t.at).includes('%{')) continue;
      if (t.name === 'set-url' && /mode="copy"/.test(text.slice(t.parent.at, t.parent.end))) continue;
      yield [cut(text, t.at, t.elementEnd), lineOf(text, t.parent.at)];
    }
  },

  *'root misspelt'(text, { tags }) {
    const root = tags[0];
    if (root.kind !== 'open') return;
    const name = misspell(root.name);
    yield [cut(cut(text, root.close.nameAt, root.close.nameEnd, name), root.nameAt, root.nameEnd, name), lineOf(text, root.at)];
  },
  *'letter case of an element'(text, { tags }) {
    for (const t of tags) {
      if (t.kind === 'close' || inPayload(t) || t.depth === 0) continue;
      const name = t.name[0].toUpperCase() + t.name.slice(1);
      let out = text;
      if (t.close) out = cut(out, t.close.nameAt, t.close.nameEnd, name);
      yield [cut(out, t.nameAt, t.nameEnd, name), lineOf(text, t.at)];
    }
  },
  *'letter case of an attribute'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) yield [cut(text, a.at, a.at + 1, text[a.at].toUpperCase()), [lineOf(text, a.at), lineOf(text, t.at)]];
    }
  },
  *'comment not closed'(text) {
    for (const m of text.matchAll(/<!--[\s\S]*?-->/g)) {
      yield [cut(text, m.index + m[0].length - 3, m.index + m[0].length), lineOf(text, m.index)];
    }
  },
  *'child where none is due'(text, { tags }) {
    for (const t of tags.filter((t) => t.kind === 'open' && isSection(t))) {
      for (const child of ['<value>x</value>', '<origin>https://a.example</origin>', '<when condition="true" />', '<audiences />']) {
        yield [cut(text, t.end, t.end, child), lineOf(text, t.end)];
      }
    }
  },
  *'policy inside a policy'(text, { tags }) {
    for (const t of tags) {
      if (t.kind !== 'open' || !['set-header', 'cors', 'validate-jwt', 'send-request', 'return-response', 'choose', 'rate-limit'].includes(t.name) || inPayload(t)) continue;
      yield [cut(text, t.close.at, t.close.at, '<set-variable name="stray" value="1" />'), lineOf(text, t.close.at)];
    }
  },
  *'two otherwise'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'otherwise' || t.kind !== 'open') continue;
      yield [cut(text, t.elementEnd, t.elementEnd, '<otherwise />'), lineOf(text, t.elementEnd)];
    }
  },
  *'when behind otherwise'(text, { tags }) {
    for (const t of tags) {
      if (t.name !== 'otherwise' || t.kind !== 'open') continue;
      yield [cut(text, t.elementEnd, t.elementEnd, '<when condition="true" />'), [lineOf(text, t.elementEnd), lineOf(text, t.at)]];
    }
  },
  *'base in a choice'(text, { tags }) {
    for (const t of tags) {
      if ((t.name !== 'when' && t.name !== 'otherwise') || t.kind !== 'open') continue;
      yield [cut(text, t.end, t.end, '<base />'), lineOf(text, t.end)];
    }
  },
  *'at sign missing'(text, { tags }) {
    for (const t of tags) {
      if (inPayload(t)) continue;
      for (const a of t.attributes) {
        if (!a.expression || a.name !== 'condition') continue;
        const at = text.indexOf('@', a.valueAt);
        yield [cut(text, at, at + 1), allLines(text, a.at, a.valueEnd)];
      }
    }
  },
  *'word where a bool is due'(text, { tags }) {
    for (const t of tags) {
      for (const a of t.attributes) {
        if (!/^(true|false)$/.test(text.slice(a.valueAt, a.valueEnd)) || inPayload(t) || a.name === 'value') continue;
        yield [cut(text, a.valueAt, a.valueEnd, 'yes'), [lineOf(text, a.at), lineOf(text, t.at)]];
      }
    }
  },
  *'expression as block'(text, { expressions }) {
    for (const e of expressions) {
      if (e.block) continue;
      yield [cut(cut(text, e.end - 1, e.end, '}'), e.at + 1, e.at + 2, '{'), [lineOf(text, e.at), lineOf(text, e.end)]];
    }
  },
  *'block as expression'(text, { expressions }) {
    for (const e of expressions) {
      if (!e.block) continue;
      yield [cut(cut(text, e.end - 1, e.end, ')'), e.at + 1, e.at + 2, '('), allLines(text, e.at, e.end)];
    }
  },

  // ---- in expressions
  ...code('dot twice', /\w\.(?=[A-Z])/g, (m) => m[0] + '.'),
  ...code('dot missing', /\bcontext\./g, () => 'context '),
  ...code('comma missing', /, (?=[\w"$(])/g, () => ' ', { skip: /never/ }),
  ...code('new missing', /\bnew (?=JObject\(|JArray\(|JProperty\(|StringBuilder\(|DateTime\()/g, () => ''),
  ...code('three equals signs', /==/g, () => '==='),
  ...code('the bracket behind a type missing', /As<\w+>/g, (m) => m[0].slice(0, -1)),
  ...code('arrow misspelt', /=>/g, () => '->'),
  ...code('words for operators', /&&/g, () => 'and'),
  ...code('condition without brackets', /\bif \(/g, () => 'if '),
  ...code('else without if', /\belse\b/g, () => 'else else'),
  ...code('number for a string', /(?<=Request\.Method == ) {3,}/g, () => '5'),
  ...code('string for a number', /(?<=StatusCode (?:==|<|>=|>) )\d+/g, (m) => `"${m[0]}"`),
  ...code('variable declared twice', /\bvar (\w+) = /g, (m) => `var ${m[1]} = null; ` + m[0], { block: true }),
  ...code('namespace misspelt', /\bSystem\.(?=[A-Z])/g, () => 'Sytsem.'),
  ...code('static member misspelt', /\b(string|String|Guid|Convert|Math|Regex|JObject|DateTime)\.([A-Z]\w{3,})/g, (m) => m[1] + '.' + misspell(m[2])),
  ...code('a member of object', /(?<=context\.Variables\[ {3,}\])(?=\))/g, () => '.Claims'),
  ...code('bracket missing at the end', /[)\]}](?=[^)\]}]*$)/g, () => '', { inner: true }),
  ...code('closing bracket missing', /\)/g, () => ''),
  ...code('opening bracket missing', /\(/g, () => ''),
  ...code('bracket too many', /\)/g, () => '))'),
  ...code('semicolon missing', /;(?=\s*\n)/g, () => '', { block: true }),
  ...code('return missing', /\breturn\b(?=[^;]*;\s*$)/g, () => 'var last =', { block: true, last: true }),
  ...code('member of context misspelt', /\bcontext\??\.([A-Z]\w+)/g, (m) => m[0].slice(0, m[0].indexOf('.') + 1) + misspell(m[1])),
  ...code('member of Request misspelt', /\bRequest\.([A-Z]\w{2,})/g, (m) => 'Request.' + misspell(m[1])),
  ...code('letter case of context', /\bcontext\./g, () => 'Context.'),
  ...code('method misspelt', /\.([A-Z]\w{3,})(?=[(<])/g, (m) => '.' + misspell(m[1])),
  ...code('variable misspelt', /\b([a-z]\w{3,})(?=\.[A-Z])/g, (m) => misspell(m[1]), { skip: /^(context|string)$/ }),
  ...code('type misspelt', /\b(JObject|JArray|JProperty|JToken|IResponse|Jwt|Dictionary|Encoding|Convert|Regex|DateTime|Guid)\b(?=[.(<)])/g, (m) => misspell(m[1])),
  ...code('keyword misspelt', /\b(return|foreach|string|null|true|false|else|var)\b/g, (m) => misspell(m[1])),
  ...code('operand missing', /(==|&&|\|\||\+) +[\w.]+(?:\((?:[^()]|\([^()]*\))*\))?(?=\s*\))/g, (m) => m[1] + ' '),
  ...code('one equals sign', /==(?= (?:null|true|false|\d))/g, () => '='),
  ...code('a type that is not allowed', /\bGuid\.NewGuid\(\)|\bDateTime\.UtcNow\b/g, () => 'Environment.MachineName'),
  *'string not closed'(text, { expressions }) {
    for (const e of expressions) {
      const code = text.slice(e.at, e.end);
      for (const m of code.matchAll(/"[\w -]*"(?=[,)\]])/g)) {
        const at = e.at + m.index + m[0].length - 1;
        yield [cut(text, at, at + 1), [lineOf(text, at), lineOf(text, e.at)]];
      }
    }
  },
  *'expression not closed'(text, { expressions }) {
    for (const e of expressions) yield [cut(text, e.end - 1, e.end), [lineOf(text, e.at), lineOf(text, e.end)]];
  },
};

// Faults in code: `pattern` finds the place in expressions, with strings and comments blanked out.
export function code(name, pattern, replace, { block = false, last = false, skip, inner = false } = {}) {
  return {
    *[name](text, { expressions }) {
      for (const e of expressions) {
        if (block && !e.block) continue;
        const at = e.at + 2;
        const source = bare(text.slice(at, e.end - 1));
        const found = [...source.matchAll(pattern)].filter((m) => !skip?.test(m[1] ?? m[0]));
        for (const m of last ? found.slice(-1) : found) {
          if (inner && m.index < 1) continue;
          const from = at + m.index;
          const lines = [lineOf(text, from)];
          if (/bracket/.test(name)) lines.push(lineOf(text, at + partnerOf(source, m.index)), ...allLines(text, statementOf(source, m.index) + at, from), lineOf(text, e.at));
          if (name === 'return missing') lines.push(lineOf(text, e.end), lineOf(text, e.end - 1), ...allLines(text, from, e.end));
          yield [cut(text, from, from + m[0].length, replace(m)), lines];
        }
      }
    },
  };
}
// Where the bracket at `at` has its partner: a person may name either.
function partnerOf(source, at) {
  const step = '([{'.includes(source[at]) ? 1 : -1;
  let depth = 0;
  for (let i = at; i >= 0 && i < source.length; i += step) {
    if ('([{'.includes(source[i])) depth++;
    if (')]}'.includes(source[i])) depth--;
    if (depth === 0) return i;
  }
  return at;
}
// Where the statement begins that the place is in.
function statementOf(source, at) {
  return Math.max(source.lastIndexOf(';', at - 1), source.lastIndexOf('{', at - 1), source.lastIndexOf('}', at - 1), 0);
}
export function allLines(text, from, to) {
  const lines = [];
  for (let l = lineOf(text, from); l <= lineOf(text, to); l++) lines.push(l);
  return lines;
}
