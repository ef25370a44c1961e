// One fault at a time in documents without findings: postern-check names it, on its line. Which kinds it misses shows
// in the table it prints.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { FAULTS, read } from './faults.mjs';
import { MORE_FAULTS } from './more_faults.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const bin = process.env.POSTERN_BIN ?? path.join(top, 'build/release/bin');
const policies = path.join(top, 'fixtures/policy');
// Of each kind of fault this many a document at most, spread evenly. POSTERN_FAULTS_STRICT=1 counts only the line that was
// changed, POSTERN_FAULTS_SHOW=1 lists what was not named, POSTERN_FAULTS_KEEP=1 leaves the documents there.
const LIMIT = Number(process.env.POSTERN_FAULTS ?? 3);

async function documents() {
  const out = [];
  for (const folder of ['practice', 'ok']) {
    for (const name of (await readdir(path.join(policies, folder))).sort()) {
      if (!name.endsWith('.xml') || (folder === 'ok' && name.startsWith('rule-'))) continue;
      out.push({ name, text: await readFile(path.join(policies, folder, name), 'utf8') });
    }
  }
  return out;
}

async function check(folder) {
  const run = promisify(execFile);
  const found = await run(path.join(bin, 'postern-check'), ['--format', 'json', folder], { maxBuffer: 1 << 30 }).catch(
    (error) => {
      if (error.code !== 1) throw error;
      return error;
    },
  );
  const lines = new Map();
  for (const f of JSON.parse(found.stdout).findings) {
    const file = path.basename(f.path);
    if (!lines.has(file)) lines.set(file, []);
    lines.get(file).push(f);
  }
  return lines;
}

function spread(list, limit) {
  if (list.length <= limit) return list;
  return Array.from({ length: limit }, (_, i) => list[Math.floor((i * list.length) / limit)]);
}

test('a seeded fault is reported on its line', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'postern-faults-'));
  try {
    const mutants = new Map();
    for (const { name, text } of await documents()) {
      const places = read(text);
      for (const [kind, seed] of Object.entries({ ...FAULTS, ...MORE_FAULTS })) {
        for (const [mutant, lines] of spread([...seed(text, places)], LIMIT)) {
          const file = `${mutants.size}.${name}`;
          mutants.set(file, { kind, lines: process.env.POSTERN_FAULTS_STRICT ? [lines].flat().slice(0, 1) : [lines].flat(), text: mutant });
          await writeFile(path.join(folder, file), mutant);
        }
      }
    }
    const found = await check(folder);
    const table = new Map();
    for (const [file, { kind, lines }] of mutants) {
      const row = table.get(kind) ?? { seeded: 0, named: 0, elsewhere: 0, missed: 0, extra: 0 };
      table.set(kind, row);
      row.seeded++;
      const findings = found.get(file) ?? [];
      const verdict = findings.some((f) => lines.includes(f.line)) ? 'named' : findings.length > 0 ? 'elsewhere' : 'missed';
      row[verdict]++;
      if (findings.length > 1) row.extra++;
      if (verdict !== 'named' && process.env.POSTERN_FAULTS_SHOW) {
        console.log(`${verdict}: ${kind}: ${file}: expected ${lines}`, findings.map((f) => `${f.line} ${f.rule}`).join(', '));
      }
    }
    let seeded = 0;
    let named = 0;
    for (const [kind, row] of table) {
      seeded += row.seeded;
      named += row.named;
      console.log(`${kind.padEnd(32)} ${String(row.seeded).padStart(5)} seeded, ${String(row.named).padStart(5)} named, ${row.elsewhere} elsewhere, ${row.missed} missed, ${row.extra} with more than one finding`);
    }
    console.log(`${named} of ${seeded} faults named on their line (${((100 * named) / seeded).toFixed(2)} %)`);
    assert.ok(seeded > 1000, 'the corpus yields thousands of places');
    assert.ok(named / seeded >= 0.99, `${named} of ${seeded}`);
  } finally {
    if (!process.env.POSTERN_FAULTS_KEEP) await rm(folder, { recursive: true, force: true });
    else console.log(folder);
  }
});
