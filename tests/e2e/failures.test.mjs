// What breaks around Postern: the gate closes (or the deployment waits), says why, loses nothing, and opens again
// without a restart.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {chmodSync, readFileSync, renameSync, writeFileSync} from 'node:fs';

import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {advertise, assertRejected, basic, environmentState, kOrdersFile, untilHealthy} from '../../fixtures/story/story.mjs';
import {kRepository, until} from '../../fixtures/story/world.mjs';
import {suite} from './suite.mjs';

let calls = 100;

/** A push that must be refused; the clone is put back. Gives git's words. */
async function refused(w) {
  await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
  const before = await w.ref();
  const pushed = await w.push(w.dev, 'orders-dev');
  assert.notEqual(pushed.code, 0, pushed.stderr);
  assert.equal(await w.ref(), before);
  await w.git(['reset', '-q', '--hard', before], {cwd: w.dev, check: true});
  return pushed;
}

async function accepted(w) {
  const commit = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
  const pushed = await w.push(w.dev, 'orders-dev');
  assert.equal(pushed.code, 0, pushed.stderr);
  await untilHealthy(w, commit);
  return commit;
}

/** The doctor must name it, with exit 1. */
async function diagnosed(w, line) {
  const said = await w.postern(['doctor', '--config', w.config]);
  assert.equal(said.code, 1, said.stdout);
  assert.match(said.stdout, line);
}

suite([
  ['the upstream is down and comes back', async (w) => {
    w.dev = await w.clone('orders-dev', {name: 'dev'});
    await w.upstream.stop();
    await diagnosed(w, /^FAILED +\[upstream\]: http/m);
    const answer = await advertise(w, basic(await w.token('apim-sync')));
    assert.ok([502, 503, 504].includes(answer.status), String(answer.status));
    assert.match(answer.text, /\w/);
    await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, 'while it is down');
    assert.notEqual((await w.push(w.dev, 'orders-dev')).code, 0);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
    await w.upstream.start();
    await accepted(w);
  }],
  ['the identity provider is down: known keys go on, a new key is 503 and never 401', async (w) => {
    await w.identity.stop();
    assert.equal((await advertise(w, basic(await w.token('apim-sync')))).status, 200);
    w.identity.rotate({});
    const fresh = w.identity.mint('apim-sync');
    const unknown = await advertise(w, basic(fresh));
    assert.ok([401, 503].includes(unknown.status), String(unknown.status));
    await w.identity.start();
    await until('the new key to be fetched', async () => (await advertise(w, basic(fresh))).status === 200, 60000, 1000);
  }],
  ['without the identity provider from the start there are no keys: 503, until it is back', async (w) => {
    await w.gateway.stop();
    await w.identity.stop();
    await diagnosed(w, /^FAILED +\[\[issuer\]\] [^]*^FAILED +gateway at .*start postern-gateway/m);
    w.gateway.start();
    await until('the gateway to listen', () => w.request('/-/healthz').then(({status}) => status === 200));
    const answer = await advertise(w, basic(w.identity.mint('apim-sync')));
    assert.equal(answer.status, 503, answer.text);
    await w.identity.start();
    await until('the keys to be there', async () => (await advertise(w, basic(w.identity.mint('apim-sync')))).status === 200, 60000, 1000);
  }],
  ['the spool is missing', async (w) => {
    renameSync(w.spool, `${w.spool}.away`);
    try {
      const pushed = await refused(w);
      assert.match(pushed.stderr, /spool/);
      await diagnosed(w, /^FAILED +\[tickets\] spool .*postern-hook install[^]*^FAILED +gateway at .*refuses everybody: spool/m);
    } finally {
      renameSync(`${w.spool}.away`, w.spool);
    }
    await accepted(w);
  }],
  ['the spool cannot be written', async (w) => {
    chmodSync(w.spool, 0o550);
    try {
      await refused(w);
    } finally {
      chmodSync(w.spool, 0o2770);
    }
    await accepted(w);
  }],
  ['the bundle is missing: every write is refused and the file is named', async (w) => {
    renameSync(w.bundle, `${w.bundle}.away`);
    try {
      const pushed = await refused(w);
      assert.match(pushed.stderr, /bundle/);
    } finally {
      renameSync(`${w.bundle}.away`, w.bundle);
    }
    await accepted(w);
  }],
  ['the hooks are gone: a push to a governed repository is refused with the way to put them back', async (w) => {
    await w.upstream.run(['git', 'config', '--global', '--unset', 'receive.advertisePushOptions'], {check: true});
    try {
      // What the gateway knows of the upstream's capabilities is at most 60 s old.
      const pushed = await until('the gateway to notice', async () => {
        await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
        const result = await w.push(w.dev, 'orders-dev');
        return result.code !== 0 && result;
      }, 90000, 5000);
      assertRejected(pushed, 'main', /postern-hook install/);
    } finally {
      await w.installHooks();
    }
    await w.git(['fetch', '-q', 'origin'], {cwd: w.dev, token: await w.token('orders-dev'), check: true});
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
    await until('the gateway to notice', async () => (await w.push(w.dev, 'orders-dev')).code === 0, 90000, 5000);
    await accepted(w);
  }],
  ['Gogs no longer knows the token: the client hears whose fault it is, the doctor which file', async (w) => {
    const token = `${w.etc}/gogs-token`;
    const before = readFileSync(token);
    writeFileSync(token, '0123456789012345678901234567890123456789\n');
    try {
      await w.postern(['reload', '--config', w.config], {check: true});
      const answer = await advertise(w, basic(await w.token('apim-sync')));
      assert.equal(answer.status, 502);
      assert.match(answer.text, /gateway's own account; fix \(operator\)/);
      if (w.kind === 'gogs') await diagnosed(w, /^FAILED +\[upstream\] credential file:.*gogs-token: Gogs answers 40/m);
    } finally {
      writeFileSync(token, before);
      await w.postern(['reload', '--config', w.config], {check: true});
    }
    await accepted(w);
  }],
  ['the directory of the hooks is gone: what no hook judged is told in log, record and by the doctor', async (w) => {
    await accepted(w);
    renameSync(w.hooks, `${w.hooks}.away`);
    try {
      await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, 'nobody looks');
      assert.equal((await w.push(w.dev, 'orders-dev')).code, 0);
    } finally {
      renameSync(`${w.hooks}.away`, w.hooks);
    }
    assert.match(readFileSync(w.gateway.log, 'utf8'), /error push\.unjudged .*postern-hook status/);
    const unjudged = await w.postern(['doctor', '--config', w.config]);
    assert.equal(unjudged.code, 1);
    assert.match(unjudged.stdout, /^FAILED +hooks: no hook judged the push of record #\d+.*postern-hook status/m);
    // A commit that no verdict lists counts as an agent's: the deployer waits for the operator's word.
    await until('the deployer to hold', async () => (await environmentState(w)).state === 'held', 30000);
    await w.adopt(await w.ref());
    await accepted(w);
    assert.match((await w.postern(['doctor', '--config', w.config])).stdout, /^ok +hooks: /m);
  }],
  ['the store is locked: nothing is forwarded, and later everything is', async (w) => {
    const holder = spawn('sqlite3', [`${w.state}/postern.db`], {stdio: ['pipe', 'pipe', 'inherit']});
    let said = '';
    holder.stdout.on('data', (chunk) => { said += chunk; });
    holder.stdin.write(".timeout 10000\nBEGIN IMMEDIATE;\nSELECT 'held';\n");
    await until('the lock to be ours', () => said.includes('held'), 15000);
    try {
      const {status} = await w.request(`/${kRepository}.git/git-upload-pack`, {method: 'POST', body: '0000',
        headers: {authorization: basic(await w.token('apim-sync')), 'content-type': 'application/x-git-upload-pack-request'}});
      assert.ok(status >= 500, `a fetch without a record was answered ${status}`);
      await refused(w);
    } finally {
      holder.stdin.end('ROLLBACK;\n');
      await new Promise((resolve) => holder.once('close', resolve));
    }
    await accepted(w);
  }],
  ...[
    ['401', {kind: 'status', status: 401, times: 2, body: {error: {code: 'AuthenticationFailed', message: 'no'}}}],
    ['403', {kind: 'status', status: 403, body: {error: {code: 'AuthorizationFailed', message: 'no right'}}}],
    ['409', {kind: 'status', status: 409, body: {error: {code: 'Conflict', message: 'busy'}}}],
    ['412', {kind: 'status', status: 412, body: {error: {code: 'PreconditionFailed', message: 'changed'}}}],
    ['429', {kind: 'status', status: 429, headers: {'retry-after': '1'}, body: {error: {code: 'TooManyRequests', message: 'slow'}}}],
    ['500', {kind: 'status', status: 500, body: {error: {code: 'InternalServerError', message: 'oops'}}}],
    ['an HTML page', {kind: 'html'}],
    ['garbage', {kind: 'garbage'}],
    ['a cut connection', {kind: 'cut'}],
  ].map(([what, fault]) => [`Azure answers a PUT with ${what}: the deployment waits, says so, and then goes through`, async (w) => {
    w.azure.fault({method: 'PUT', path: 'policies/policy', times: 1, ...fault});
    const commit = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(++calls)}, what);
    assert.equal((await w.push(w.dev, 'orders-dev')).code, 0);
    let waited = false;
    await until('the commit to be deployed all the same', async () => {
      const state = await environmentState(w);
      if (state.state === 'waiting') waited = true;
      assert.notEqual(state.state, 'held', JSON.stringify(state));
      return state.state === 'healthy' && JSON.stringify(state).includes(commit);
    }, 90000, 100);
    assert.ok(waited || what === '412' || /cut|429|409/.test(what), 'it never said that it waits');
  }]),
  ['a broken configuration leaves the old rules in force and says so', async (w) => {
    const before = readFileSync(w.config, 'utf8');
    writeFileSync(w.config, before.replace('[store]', '[stoer]'));
    const reloaded = await w.postern(['reload', '--config', w.config]);
    assert.notEqual(reloaded.code, 0);
    assert.match(reloaded.stdout + reloaded.stderr, /postern\.toml:\d+:.*stoer/);
    process.kill(w.gateway.pid, 'SIGHUP');
    await until('the log to say so', () => /stoer/.test(readFileSync(w.gateway.log, 'utf8')), 10000);
    writeFileSync(w.config, before);
    await accepted(w);
  }],
]);
