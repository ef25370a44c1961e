// Policy expressions before the C# compiler and before postern-check: what compiles is no error there, and nearly all of
// what does not is a finding. POSTERN_MUTANTS sets how many changed expressions are compared (1,500), POSTERN_SEED which,
// POSTERN_FAULTS_SHOW=1 lists those that only the compiler refuses.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Compiler, missing } from '../../fixtures/csharp/compiler.mjs';
import { mutants } from './csharp_mutants.mjs';
import { read } from './faults.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const bin = process.env.POSTERN_BIN ?? path.join(top, 'build/release/bin');
const MUTANTS = Number(process.env.POSTERN_MUTANTS ?? 1500);
const SEED = Number(process.env.POSTERN_SEED ?? 1);

const absent = missing();
const skip = absent ? `SKIPPED: the C# compiler needs ${absent}; scripts/test installs it` : false;
const compiler = absent ? null : new Compiler();
after(() => compiler?.close());

const shown = ({ block, code }) => (block ? `@{${code}}` : `@(${code})`);

// The lines of a list: @( … ) or @{ … }.
async function listed(name) {
  const text = await readFile(path.join(top, 'fixtures/csharp', name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ block: line[1] === '{', code: line.slice(2, -1) }));
}

// The expressions of the documents of practice, as the compiler would get them.
async function practised() {
  const entities = { '&quot;': '"', '&apos;': "'", '&lt;': '<', '&gt;': '>', '&amp;': '&' };
  const out = new Map();
  for (const folder of ['practice', 'ok']) {
    for (const name of (await readdir(path.join(top, 'fixtures/policy', folder))).sort()) {
      if (!name.endsWith('.xml') || name.startsWith('rule-')) continue;
      const text = await readFile(path.join(top, 'fixtures/policy', folder, name), 'utf8');
      for (const { at, end, block } of read(text).expressions) {
        const code = text.slice(at + 2, end - 1).replace(/&(?:quot|apos|lt|gt|amp);/g, (entity) => entities[entity]);
        // What a deployment or a named value replaces is not there yet.
        if (/\{\{|\$\{|#\{|__/.test(code)) continue;
        out.set(code, { block, code, name });
      }
    }
  }
  return [...out.values()];
}

// For each expression the findings of postern-check.
async function judged(expressions) {
  const folder = await mkdtemp(path.join(tmpdir(), 'postern-csharp-'));
  try {
    await Promise.all(
      expressions.map((each, i) =>
        writeFile(
          path.join(folder, `${i}.xml`),
          `<policies><inbound><base /><set-body>${shown(each)}</set-body></inbound></policies>\n`,
        ),
      ),
    );
    const run = promisify(execFile);
    const told = await run(path.join(bin, 'postern-check'), ['--format', 'json', folder], { maxBuffer: 1 << 30 }).catch((error) => {
      if (error.code !== 1) throw error;
      return error;
    });
    const out = expressions.map(() => []);
    for (const finding of JSON.parse(told.stdout).findings) {
      out[Number(path.basename(finding.path, '.xml'))].push(finding);
    }
    return out;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the lists of the unit tests are right about the compiler', { skip }, async () => {
  for (const [name, compiles] of [['compiles.txt', true], ['fails.txt', false]]) {
    const expressions = await listed(name);
    const told = await compiler.compile(expressions);
    const wrong = expressions.filter((_, i) => (told[i].length === 0) !== compiles);
    assert.deepEqual(wrong.map(shown), [], name);
  }
});

test('the expressions of the fixtures compile', { skip }, async () => {
  const expressions = await practised();
  assert.ok(expressions.length > 100);
  const told = await compiler.compile(expressions);
  const wrong = expressions.flatMap((each, i) => told[i].map(({ id, message }) => `${each.name}: ${shown(each)}: ${id} ${message}`));
  assert.deepEqual(wrong, []);
});

test('an expression that compiles is no error and one that does not is a finding', { skip }, async () => {
  const changed = mutants([...(await practised()), ...(await listed('compiles.txt'))], MUTANTS, SEED);
  const compiled = await compiler.compile(changed);
  const findings = await judged(changed);
  const refused = { errors: 0, warnings: 0, missed: [] };
  const wrong = [];
  let taken = 0;
  for (const [i, each] of changed.entries()) {
    const errors = findings[i].filter((finding) => finding.severity === 'error');
    if (compiled[i].length > 0) {
      if (errors.length > 0) refused.errors++;
      else if (findings[i].length > 0) refused.warnings++;
      else refused.missed.push(`${each.kind}: ${shown(each)}: ${compiled[i][0].message}`);
      continue;
    }
    taken++;
    // These compile and APIM refuses them: types of its own list, and, with the C# 7 that it documents, a method that
    // is not called and a '!' behind a value. A label that is nearly `default` compiles too, and nobody means it.
    const known = /not allowed in policy expressions|it must be called|is a label of its own|(?:unexpected|found) '!'/;
    if (!errors.every(({ message }) => known.test(message)))
      wrong.push(`${each.kind}: ${shown(each)}: ${errors[0].message}`);
  }
  const count = refused.errors + refused.warnings + refused.missed.length;
  console.log(
    `# ${changed.length} changed expressions: the compiler refuses ${count}; postern-check refuses ${refused.errors} of them ` +
      `(${((100 * refused.errors) / count).toFixed(1)} %), warns of ${refused.warnings}; of ${taken} that compile it refuses ${wrong.length}`,
  );
  if (process.env.POSTERN_FAULTS_SHOW) console.log(refused.missed.map((line) => `# ${line.replace(/\s+/g, ' ')}`).join('\n'));
  assert.deepEqual(wrong, []);
  assert.ok(refused.errors / count > 0.85, 'fewer than 85 % of what does not compile is an error');
  assert.ok(refused.missed.length / count < 0.04, 'more than 4 % of what does not compile is no finding');
});
