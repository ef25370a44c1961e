// Hours in small: everything at once for a while (POSTERN_SOAK seconds), then the gateway must hold no more than after
// the first round: memory, descriptors, files in the spool; and the log must be whole. `scripts/test --full` runs it.
import assert from 'node:assert/strict';
import {readFileSync, readdirSync, rmSync} from 'node:fs';

import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {advertise, basic, kOrdersFile, untilHealthy} from '../../fixtures/story/story.mjs';
import {until} from '../../fixtures/story/world.mjs';
import {suite} from './suite.mjs';

const kSeconds = Number(process.env.POSTERN_SOAK ?? 0);

function held(w) {
  const status = readFileSync(`/proc/${w.gateway.pid}/status`, 'utf8');
  return {
    kibibytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]),
    descriptors: readdirSync(`/proc/${w.gateway.pid}/fd`).length,
    spooled: readdirSync(w.spool).filter((name) => !name.endsWith('.claim')).length,  // claims stay for an hour
  };
}

let calls = 1000;

async function round(w) {
  const push = async () => {
    const commit = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
    const pushed = await w.push(w.dev, 'orders-dev');
    assert.equal(pushed.code, 0, pushed.stderr);
    w.last = commit;
  };
  const refused = async () => {
    await w.commit(w.other, {[kOrdersFile]: '<policies>\n'}, 'broken');
    const pushed = await w.push(w.other, 'orders-dev', ['HEAD:refs/heads/orders/soak']);
    assert.notEqual(pushed.code, 0);
    await w.git(['reset', '-q', '--hard', 'HEAD~1'], {cwd: w.other, check: true});
  };
  const clone = async () => {
    const directory = await w.clone('apim-sync');
    rmSync(directory, {recursive: true});
  };
  const knock = async () => {
    for (let i = 0; i < 50; ++i) {
      assert.equal((await advertise(w, basic(await w.token('apim-sync')))).status, 200);
      assert.equal((await advertise(w)).status, 401);
    }
  };
  await Promise.all([push(), refused(), clone(), knock()]);
}

if (kSeconds === 0) {
  console.log('SKIPPED: the whole file: it soaks for as many seconds as POSTERN_SOAK says');
} else {
  suite([
    ['after many rounds the gateway holds no more than after the first', async (w) => {
      w.dev = await w.clone('orders-dev', {name: 'dev'});
      w.other = await w.clone('orders-dev', {name: 'other'});
      for (let i = 0; i < 5; ++i) await round(w);
      const first = held(w);
      const end = Date.now() + kSeconds * 1000;
      let rounds = 0;
      for (; Date.now() < end; ++rounds) await round(w);
      await untilHealthy(w, w.last);
      const last = await until('the spool to be taken in', () => {
        const now = held(w);
        return now.spooled === 0 && now;
      }, 60000, 500);
      console.log(`${rounds} rounds in ${kSeconds} s: ${JSON.stringify(first)} -> ${JSON.stringify(last)}`);
      assert.ok(rounds > 3);
      assert.ok(last.kibibytes < first.kibibytes * 1.25 + 8192, `memory grows: ${first.kibibytes} -> ${last.kibibytes} KiB`);
      // Connections are kept for a while, on both sides.
      assert.ok(last.descriptors <= first.descriptors + 32, `descriptors grow: ${first.descriptors} -> ${last.descriptors}`);
    }],
    ['and the log is whole', async (w) => {
      const verified = await w.postern(['audit', 'verify', '--config', w.config]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    }],
  ]);
}
