// postern-check over many documents beside xmllint, which only parses; and what one large document costs.
import {mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

import {kPath} from '../../fixtures/upstream/common.mjs';
import {interleave, median, mustTime, timed} from './measure.mjs';
import {policyDocument} from './policies.mjs';

const kBin = process.env.POSTERN_BIN ?? fileURLToPath(new URL('../../build/release/bin', import.meta.url));
const kDocuments = 10000;

export async function benchCheck({add, note, rounds}) {
  const d = mkdtempSync('/var/tmp/postern-bench-');
  const env = {PATH: kPath, LC_ALL: 'C.UTF-8'};
  const check = [`${kBin}/postern-check`];
  try {
    const sizes = [];
    for (let i = 0; i < kDocuments; ++i) {
      const raw = i % 2 === 1;
      const api = `${d}/${raw ? 'raw' : 'strict'}/apis/api-${i}`;
      mkdirSync(api, {recursive: true});
      const text = policyDocument(i + 1, raw);
      sizes.push(text.length);
      writeFileSync(`${api}/policy.xml`, text);
    }
    sizes.sort((a, b) => a - b);
    const strict = readdirSync(`${d}/strict/apis`).map((name) => `${d}/strict/apis/${name}/policy.xml`);
    writeFileSync(`${d}/list`, strict.join('\n'));
    const at = (part) => sizes[Math.floor(part * (sizes.length - 1))];
    note(`${kDocuments} documents, half of them in raw form; bytes at 50/90/99/100 %: ${at(0.5)}, ${at(0.9)}, ${at(0.99)}, ${at(1)}; ${(sizes.reduce((a, b) => a + b) / 1048576).toFixed(1)} MiB`);
    const refused = (await timed(['xmllint', '--noout', ...readdirSync(`${d}/raw/apis`).slice(0, 200).map((name) => `${d}/raw/apis/${name}/policy.xml`)], {cwd: d, env})).code;
    if (refused === 0) throw new Error('xmllint takes the documents in raw form');

    const spent = await interleave({
      ours: async () => (await mustTime([...check, `${d}/strict`], {cwd: d, env})).seconds,
      peer: async () => (await mustTime(['sh', '-c', `xargs -n ${strict.length} xmllint --noout < ${d}/list`], {cwd: d, env})).seconds,
    }, rounds);
    add({name: `postern-check, the ${strict.length} well-formed documents`, ours: spent.ours, unit: 's', peer: spent.peer,
         peerName: 'xmllint --noout', ratio: spent.ours / spent.peer, target: '<= 2', holds: spent.ours / spent.peer <= 2});

    const all = await mustTime([...check, d], {cwd: d, env});
    add({name: `all ${kDocuments} documents`, ours: all.seconds, unit: 's'});
    add({name: 'the same, peak RSS', ours: all.peak, unit: 'MiB', target: '<= 64 MiB', holds: all.peak <= 64});
    const tree = await mustTime([...check, '--root', `${d}/strict`], {cwd: d, env});
    add({name: 'the well-formed ones as an artifact tree (--root)', ours: tree.seconds, unit: 's'});

    // One document, long and longer: the time must follow the size.
    const block = policyDocument(7, true).replace(/^[\s\S]*<inbound>\s*<base \/>\n/, '').replace(/ {4}<\/inbound>[\s\S]*$/, '');
    const large = (mebibytes) => {
      const file = `${d}/large-${mebibytes}.xml`;
      const head = '<policies>\n    <inbound>\n        <base />\n';
      const tail = '    </inbound>\n</policies>\n';
      writeFileSync(file, head + block.repeat(Math.ceil((mebibytes << 20) / block.length)) + tail);
      return file;
    };
    const [ten, twenty] = [large(10), large(20)];
    // Findings are expected: a document of this size is one.
    const once = async (file) => {
      const result = await timed([...check, '--format', 'json', file], {cwd: d, env});
      if (result.code !== 0 && result.code !== 1) throw new Error(`${file}: exit ${result.code}\n${result.stderr}`);
      return result.seconds;
    };
    const long = await interleave({ten: () => once(ten), twenty: () => once(twenty)}, rounds);
    add({name: `one document of 20 MiB beside one of 10 MiB`, ours: long.twenty, unit: 's', peer: long.ten, peerName: `ours, ${(statSync(ten).size / 1048576).toFixed(0)} MiB`,
         ratio: long.twenty / long.ten, target: '<= 2.4', holds: long.twenty / long.ten <= 2.4});

    const starts = [];
    const empty = [];
    for (let i = 0; i < 40; ++i) {
      starts.push((await mustTime([...check, '--version'], {cwd: d, env})).seconds * 1000);
      empty.push((await mustTime(['/bin/true'], {cwd: d, env})).seconds * 1000);
    }
    add({name: 'postern-check --version', ours: median(starts), unit: 'ms', peer: median(empty), peerName: '/bin/true', target: '<= 10 ms',
         holds: median(starts) <= 10});
  } finally {
    rmSync(d, {recursive: true, force: true});
  }
}
