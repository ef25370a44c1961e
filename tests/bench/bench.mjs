// Numbers beside a peer in the same run: see scripts/bench.
import {writeFileSync} from 'node:fs';
import {cpus} from 'node:os';

import {benchAccess, benchAudit, benchToken} from './core.mjs';
import {benchCheck} from './check.mjs';
import {benchClone} from './clone.mjs';
import {benchHook} from './hook.mjs';
import {benchProxy} from './proxy.mjs';

const kBenches = {proxy: benchProxy, clone: benchClone, check: benchCheck, access: benchAccess, token: benchToken,
  audit: benchAudit, hook: benchHook};

const wanted = [];
let json = null;
const options = {size: 200, rounds: 3, upstream: null};
for (let i = 2; i < process.argv.length; ++i) {
  const word = process.argv[i];
  const value = () => process.argv[++i] ?? usage(`${word} needs a value`);
  if (word === '--json') json = value();
  else if (word === '--size') options.size = Number(value());
  else if (word === '--rounds') options.rounds = Number(value());
  else if (word === '--upstream') options.upstream = value();
  else if (kBenches[word]) wanted.push(word);
  else usage(`unknown '${word}'; accepted: ${Object.keys(kBenches).join(', ')}, --json FILE, --size MIB, --rounds N, --upstream gogs|dressed`);
}
function usage(text) {
  console.error(`bench: ${text}`);
  process.exit(2);
}

const show = (value, unit) => (value === null || value === undefined ? '-' :
  `${Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(Math.abs(value) >= 10 ? 1 : 2)} ${unit}`.trim());
const rows = [];
const kWidths = [58, 16, 30, 9, 14, 6];
const line = (cells) => console.log(cells.map((cell, i) => String(cell).padEnd(kWidths[i])).join(' ').trimEnd());

console.log(`${cpus().length} cores, ${cpus()[0].model}; each figure is the median of ${options.rounds} interleaved rounds`);
line(['name', 'ours', 'peer', 'ratio', 'target', 'holds']);
let failed = false;
for (const name of wanted.length ? wanted : Object.keys(kBenches)) {
  try {
    // add({name, ours, unit, peer, peerName, ratio, target, holds}): ratio and holds may be null where there is no peer.
    await kBenches[name]({...options, note: (text) => console.log(`# ${text}`), add: (row) => {
      rows.push({bench: name, ...row});
      line([row.name, show(row.ours, row.unit), row.peer === undefined ? '-' : `${show(row.peer, row.unit)} (${row.peerName})`,
            row.ratio === undefined ? '-' : row.ratio.toFixed(2), row.target ?? '-', row.holds === undefined ? '-' : row.holds ? 'yes' : 'NO']);
    }});
  } catch (error) {
    failed = true;
    console.log(`# ${name} could not be measured: ${error.message}`);
  }
}
if (json) writeFileSync(json, `${JSON.stringify({version: 1, cores: cpus().length, rows}, null, 2)}\n`);
process.exit(failed ? 3 : rows.some((row) => row.holds === false) ? 1 : 0);
