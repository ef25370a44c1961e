// postern-check over many documents beside xmllint, which only parses.
import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

import {kPath} from '../../fixtures/upstream/common.mjs';
import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {interleave, mustTime} from './measure.mjs';

const kBin = process.env.POSTERN_BIN ?? fileURLToPath(new URL('../../build/release/bin', import.meta.url));
const kDocuments = 10000;

export async function benchCheck({add, note, rounds}) {
  const d = mkdtempSync('/var/tmp/postern-bench-');
  try {
    for (let i = 0; i < kDocuments; ++i) {
      const api = `${d}/apimartifacts/apis/api-${i}`;
      mkdirSync(api, {recursive: true});
      writeFileSync(`${api}/policy.xml`, ordersPolicy(i + 1));
    }
    writeFileSync(`${d}/list`, readdirSync(`${d}/apimartifacts/apis`).map((name) => `${d}/apimartifacts/apis/${name}/policy.xml`).join('\n'));
    let peak = 0;
    const env = {PATH: kPath, LC_ALL: 'C.UTF-8'};
    const spent = await interleave({
      ours: async () => {
        const result = await mustTime([`${kBin}/postern-check`, '--root', d, d], {cwd: d, env});
        peak = Math.max(peak, result.peak);
        return result.seconds;
      },
      peer: async () => (await mustTime(['sh', '-c', `xargs -n ${kDocuments} xmllint --noout < ${d}/list`], {cwd: d, env})).seconds,
    }, rounds);
    note(`${kDocuments} documents of ${ordersPolicy(1).length} bytes, all well-formed`);
    add({name: `postern-check, ${kDocuments} documents`, ours: spent.ours, unit: 's', peer: spent.peer, peerName: 'xmllint --noout',
         ratio: spent.ours / spent.peer, target: '<= 2', holds: spent.ours / spent.peer <= 2});
    add({name: 'the same, peak RSS', ours: peak, unit: 'MiB', target: '<= 64 MiB', holds: peak <= 64});
  } finally {
    rmSync(d, {recursive: true, force: true});
  }
}
