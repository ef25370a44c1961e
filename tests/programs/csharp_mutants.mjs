// Changes of one token in an expression, in a fixed order for a seed: what a slip of the hand leaves.
const TOKEN =
  /@"(?:[^"]|"")*"|\$"(?:\\.|[^"\\])*"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\/[^\n]*|\/\*[^]*?\*\/|[A-Za-z_]\w*|\d[\w.]*|\?\?|\?\.|=>|==|!=|<=|>=|&&|\|\||\+\+|--|\+=|-=|\s+|[^]/g;
const OPERATORS = ['==', '!=', '&&', '||', '+', '-', '*', '<', '>', '<=', '>=', '??', '?.', '=', '=>', '.', ',', ';', ':', '?'];
const MEMBERS = ['Lenght', 'length', 'ToArray', 'Count', 'Length', 'Value', 'Add'];

const isName = (token) => /^[A-Za-z_]\w*$/.test(token);
const isBlank = (token) => /^(?:\s|\/[/*])/.test(token);
const isString = (token) => /^[@$]?"/.test(token);

// (token, its number, all tokens, pick(list)) => the tokens that change as { number: text }, or null.
const KINDS = {
  'token lost': (token, i) => (isBlank(token) ? null : { [i]: '' }),
  'token twice': (token, i) => (isBlank(token) ? null : { [i]: `${token} ${token}` }),
  'tokens swapped': (token, i, tokens) => {
    const next = tokens.findIndex((other, j) => j > i && !isBlank(other));
    return isBlank(token) || next < 0 ? null : { [i]: tokens[next], [next]: token };
  },
  'letter lost': (token, i) => (isName(token) && token.length > 2 ? { [i]: token[0] + token.slice(2) } : null),
  'letter twice': (token, i) => (isName(token) && token.length > 2 ? { [i]: token.slice(0, 2) + token.slice(1) } : null),
  'case of the first letter': (token, i) => {
    if (!isName(token) || token[0] === '_') return null;
    const upper = token[0].toUpperCase();
    return { [i]: (upper === token[0] ? token[0].toLowerCase() : upper) + token.slice(1) };
  },
  'other operator': (token, i, tokens, pick) => (OPERATORS.includes(token) ? { [i]: pick(OPERATORS) } : null),
  'other bracket': (token, i, tokens, pick) => (/^[()[\]{}<>]$/.test(token) ? { [i]: pick([...'()[]{}<>']) } : null),
  'quote lost': (token, i) => (isString(token) ? { [i]: token.slice(0, -1) } : null),
  'other kind of literal': (token, i, tokens, pick) => {
    if (isString(token)) return { [i]: pick(['1', 'true', 'null', '1.5', "'a'"]) };
    return /^(?:\d|true$|false$)/.test(token) ? { [i]: pick(['"x"', 'true', 'null']) } : null;
  },
  'other name': (token, i, tokens, pick) => (isName(token) ? { [i]: pick(tokens.filter(isName)) } : null),
  'other member': (token, i, tokens, pick) => (tokens[i - 1] === '.' && isName(token) ? { [i]: pick(MEMBERS) } : null),
  'arguments lost': (token, i, tokens) => {
    if (token !== '(') return null;
    let depth = 0;
    for (let j = i; j < tokens.length; j++) {
      if (tokens[j] === '(') depth++;
      if (tokens[j] === ')' && --depth === 0) return Object.fromEntries(tokens.slice(i + 1, j).map((_, k) => [i + 1 + k, '']));
    }
    return null;
  },
};

// [{ kind, block, code, of: the expression }], `count` of them, none twice.
export function mutants(expressions, count, seed) {
  let state = (seed * 2654435761) >>> 0 || 1;
  const random = (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
  const pick = (list) => list[random(list.length)];
  const kinds = Object.keys(KINDS);
  const seen = new Set();
  const out = [];
  for (let tries = 0; out.length < count && tries < count * 50; tries++) {
    const of = pick(expressions);
    const kind = pick(kinds);
    const tokens = of.code.match(TOKEN) ?? [];
    if (tokens.length === 0) continue;
    const i = random(tokens.length);
    const change = KINDS[kind](tokens[i], i, tokens, pick);
    if (!change) continue;
    const code = tokens.map((token, j) => change[j] ?? token).join('');
    if (code === of.code || seen.has(code)) continue;
    seen.add(code);
    out.push({ kind, block: of.block, code, of });
  }
  return out;
}
