// The parts without a network: run by bench_core, beside `openssl speed` where that measures the same.
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

import {kAudience, makeKey, signToken} from '../../fixtures/identity/provider.mjs';
import {interleave, mustTime} from './measure.mjs';

const kBench = process.env.POSTERN_BENCH_CORE ?? fileURLToPath(new URL('../../build/release/bin/bench_core', import.meta.url));
const kTokens = 4000;

async function core(...args) {
  if (!existsSync(kBench)) throw new Error(`${kBench} is not built (scripts/bench builds it)`);
  return JSON.parse((await mustTime([kBench, ...args])).stdout);
}

async function inDirectory(act) {
  const directory = mkdtempSync('/var/tmp/postern-bench-');
  try {
    return await act(directory);
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }
}

const kSpeed = {RS256: 'rsa2048', ES256: 'ecdsap256', EdDSA: 'ed25519'};

async function opensslVerifies(alg) {
  const {stdout} = await mustTime(['openssl', 'speed', '-seconds', '2', '-mr', kSpeed[alg]]);
  // +F2:…:bits:sign:verify (RSA), +F4 (ECDSA), +F6 (EdDSA): the last number is the time of one verification or their rate.
  const fields = stdout.split('\n').find((line) => /^\+F[246]:/.test(line))?.trim().split(':');
  if (!fields) throw new Error(`openssl speed ${kSpeed[alg]} printed no result`);
  const value = Number(fields.at(-1));
  return value < 1 ? 1 / value : value;
}

export async function benchToken({add, rounds}) {
  await inDirectory(async (d) => {
    const issuer = 'https://issuer.example';
    const now = Math.floor(Date.now() / 1000);
    let again = Infinity;
    for (const [alg, target] of [['RS256', 0.6], ['ES256', 0.8], ['EdDSA', 0.85]]) {
      const key = makeKey(alg, 'bench');
      writeFileSync(`${d}/jwks.json`, JSON.stringify({keys: [key.publicJwk]}));
      writeFileSync(`${d}/tokens`, Array.from({length: kTokens}, (_, i) => signToken(key, {
        iss: issuer, aud: kAudience, sub: `subject-${i}`, iat: now, exp: now + 3600, jti: `${i}`, azp: 'client',
        groups: Array.from({length: 16}, (_v, k) => `0f0f0f0f-0000-4000-8000-${String(k).padStart(12, '0')}`), padding: 'x'.repeat(200),
      })).join('\n') + '\n');
      const spent = await interleave({
        ours: async () => {
          const result = await core('token', issuer, kAudience, `${d}/jwks.json`, `${d}/tokens`);
          again = Math.min(again, result.again);
          return result.first;
        },
        peer: () => opensslVerifies(alg),
      }, rounds);
      const ratio = spent.ours / spent.peer;
      add({name: `JWT verify, ${alg}, 1.5 KB`, ours: spent.ours, unit: '/s', peer: spent.peer, peerName: `openssl speed ${kSpeed[alg]}`, ratio,
           target: `>= ${target}`, holds: ratio >= target});
    }
    add({name: 'the same token again', ours: again, unit: '/s', target: '>= 500,000', holds: again >= 500000});
  });
}

export async function benchAccess({add}) {
  const ours = await core('access');
  add({name: 'decide(), 100,000 grants and identities', ours: ours.decide_us, unit: 'us', target: '<= 2 us', holds: ours.decide_us <= 2});
  add({name: 'RSS after loading them', ours: ours.rss_mib, unit: 'MiB'});
}

export async function benchAudit({add}) {
  const ours = await inDirectory((d) => core('audit', d));
  add({name: 'durable append, 64 writers', ours: ours.writers_64, unit: '/s', peer: ours.writers_1, peerName: 'one writer', ratio: ours.writers_64 / ours.writers_1,
       target: '>= 10', holds: ours.writers_64 / ours.writers_1 >= 10});
}
