// Attacks on the design, each as an attacker would carry it out, from outside. Those that the story plays (a stolen
// ticket, the merge button, an agent's commit under a human's push, a tampered log, …) are in story.mjs.
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';

import {kOrders, kRoot, ordersPolicy} from '../../fixtures/story/policies.mjs';
import {advertise, assertRejected, basic, kOrdersFile, untilHealthy, untilHeld} from '../../fixtures/story/story.mjs';
import {kRepository, until} from '../../fixtures/story/world.mjs';
import {suite} from './suite.mjs';

const kZero = '0'.repeat(40);
const kEmptyPack = Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex');
const pkt = (text) => (text.length + 4).toString(16).padStart(4, '0') + text;

async function back(w, dev) {
  await w.git(['fetch', '-q', 'origin'], {cwd: dev, token: await w.token('orders-dev'), check: true});
  await w.git(['checkout', '-q', '-B', 'main', 'origin/main'], {cwd: dev, check: true});
}

suite([
  ['a branch is created to escape the rule of paths', async (w) => {
    w.dev = await w.clone('orders-dev', {name: 'dev'});
    await w.commit(w.dev, {[`${kRoot}/apis/payments/policy.xml`]: ordersPolicy(1)}, 'not ours');
    assertRejected(await w.push(w.dev, 'orders-dev', ['HEAD:refs/heads/orders/escape']), 'orders/escape', /apis\/payments\/policy\.xml/);
    assert.equal(await w.ref('refs/heads/orders/escape'), undefined);
    await back(w, w.dev);
  }],
  ['a rename takes a file out of somebody else\'s folder', async (w) => {
    await w.git(['mv', `${kRoot}/apis/payments/policy.xml`, `${kRoot}/apis/orders/taken.xml`], {cwd: w.dev, check: true});
    await w.commit(w.dev, {}, 'moved');
    assertRejected(await w.push(w.dev, 'orders-dev'), 'main', /apis\/payments\/policy\.xml/);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['refs/replace shows reviewers another tree', async (w) => {
    assertRejected(await w.push(w.dev, 'lead', [`HEAD:refs/replace/${w.first}`]), 'refs/replace');
  }],
  ['refs/pull/N/head is pushed by a person', async (w) => {
    assertRejected(await w.push(w.dev, 'lead', ['HEAD:refs/pull/77/head']), 'refs/pull/77/head');
  }],
  ['a tag is moved under the name of an update', async (w) => {
    const tag = await w.push(w.dev, 'lead', ['HEAD:refs/tags/v1']);
    assert.equal(tag.code, 0, tag.stderr);
    const next = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(2)}, 'next');
    assertRejected(await w.push(w.dev, 'lead', [`${next}:refs/tags/v1`], {force: true}), 'v1', /force/);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['one push switches a rule off and brings the policy that needs it', async (w) => {
    await w.commit(w.dev, {
      'postern-policy.toml': '[severity]\nunknown-element = "off"\n',
      [kOrdersFile]: kOrders.replace('<base />', '<base />\n        <no-such-policy />'),
    }, 'both at once');
    const pushed = await w.push(w.dev, 'lead');
    assertRejected(pushed, 'main');
    assert.match(pushed.stderr, /no-such-policy/);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['an application that acts for a person is not that person', async (w) => {
    for (const changes of [{azp: 'some-app', client_id: 'some-app'}, {act: {sub: 'some-app'}}]) {
      const answer = await advertise(w, basic(w.identity.mint('orders-dev', changes)));
      assert.equal(answer.status, 401, JSON.stringify(changes));
    }
    assert.equal((await advertise(w, basic(w.identity.mint('orders-dev')))).status, 200);
  }],
  ['the service name in mixed case is no route here, and a direct write there', async (w) => {
    const tip = await w.ref();
    const body = Buffer.concat([Buffer.from(`${pkt(`${kZero} ${tip} refs/heads/mixed\0report-status`)}0000`), kEmptyPack]);
    const headers = {'content-type': 'application/x-git-receive-pack-request', 'content-length': body.length};
    const path = `/${kRepository}.git/git-RECEIVE-pack`;
    const here = await w.request(path, {method: 'POST', body, headers: {...headers, authorization: basic(await w.token('orders-dev'))}});
    assert.equal(here.status, 404);
    const there = await fetch(w.upstream.url + path, {method: 'POST', body, headers: {
      'content-type': headers['content-type'], authorization: basic(w.upstream.tokens.reader).replace(/.*/, `Basic ${Buffer.from(`${w.upstream.tokens.reader}:x`).toString('base64')}`)}});
    assert.match(await there.text(), /ng refs\/heads\/mixed|^$/);
    assert.equal(await w.ref('refs/heads/mixed'), undefined);
  }],
  ['other spellings of a repository are the same repository or none', async (w) => {
    const authorization = basic(await w.token('stranger'));
    for (const path of ['Platform/POLICIES.git', 'platform/policies', 'PLATFORM/Policies']) {
      assert.equal((await w.request(`/${path}/info/refs?service=git-upload-pack`, {headers: {authorization}})).status, 401, path);
    }
    const mine = basic(await w.token('apim-sync'));
    for (const target of ['//platform/policies.git/info/refs?service=git-upload-pack', '/platform/./policies.git/info/refs?service=git-upload-pack',
                          '/platform/x/../policies.git/info/refs?service=git-upload-pack', '/platform%2fpolicies.git/info/refs?service=git-upload-pack',
                          `/${kRepository}.git/info/refs?service=git-upload-pack&service=git-receive-pack`, `/${kRepository}.git/info/refs?Service=git-upload-pack`,
                          `/${kRepository}.git/info/refs`, `/${kRepository}.git/HEAD`, `/${kRepository}.git/objects/info/packs`,
                          `/${kRepository}.git/tasks/trigger?branch=main`, `/api/v1/repos/${kRepository}`, '/user/login', '/']) {
      assert.equal((await w.request(target, {headers: {authorization: mine}})).status, 404, target);
    }
  }],
  ['absent and forbidden look the same', async (w) => {
    const authorization = basic(await w.token('helper-bot'));
    const absent = await w.request('/platform/nothing-here.git/info/refs?service=git-upload-pack', {headers: {authorization}});
    const forbidden = await w.request('/alice/private.git/info/refs?service=git-upload-pack', {headers: {authorization}});
    assert.equal(absent.status, 404);
    assert.equal(forbidden.status, 404);
    const plain = (text) => text.replaceAll('platform/nothing-here', 'R').replaceAll('alice/private', 'R');
    assert.equal(plain(absent.text), plain(forbidden.text));
  }],
  ['two Authorization headers are refused', async (w) => {
    const good = basic(await w.token('apim-sync'));
    const answer = await w.request(`/${kRepository}.git/info/refs?service=git-upload-pack`, {headers: {authorization: [good, good]}});
    assert.ok([400, 401].includes(answer.status), String(answer.status));
  }],
  ['a blob that would take all memory is refused by its size', async (w) => {
    await w.reload({tickets: 'limits = { blob = "64KiB" }'});
    writeFileSync(`${w.dev}/${kOrdersFile}`, Buffer.alloc(8 << 20, ' '));
    await w.commit(w.dev, {}, 'compresses to almost nothing');
    const pushed = await w.push(w.dev, 'orders-dev');
    assertRejected(pushed, 'main');
    assert.match(pushed.stderr, /blob|large|limit/i);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
    await w.reload({});
  }],
  ['a flood of anonymous requests does not fill the log', async (w) => {
    const before = (await w.audit()).length;
    for (let round = 0; round < 20; ++round) {
      const answers = await Promise.all(Array.from({length: 20}, () => advertise(w, basic('no-token-at-all'))));
      for (const {status} of answers) assert.equal(status, 401);
    }
    assert.ok((await w.audit()).length - before < 20, 'one record per address and minute');
  }],
  ['a repository is renamed away, written to under an ungoverned name, and renamed back', async (w) => {
    const at = await w.ref();
    // A ticket was accepted here before, so the marker knows the name.
    const one = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(5)}, 'with a ticket');
    assert.equal((await w.push(w.dev, 'orders-dev')).code, 0);
    await untilHealthy(w, one);
    assert.notEqual(one, at);
    const away = await w.upstream.rename(kRepository, 'platform/elsewhere');
    assert.ok(away.ok, away.detail);
    await w.commit(w.dev, {[`${kRoot}/apis/payments/policy.xml`]: ordersPolicy(6)}, 'under another name');
    const pushed = await w.git(['push', w.upstream.pushUrl('platform/elsewhere'), 'HEAD:main'], {cwd: w.dev});
    assert.notEqual(pushed.code, 0, 'the marker does not agree with the name');
    assert.match(pushed.stderr, /marked as platform\/policies/);
    const home = await w.upstream.rename('platform/elsewhere', kRepository);
    assert.ok(home.ok, home.detail);
    assert.equal(await w.ref(), one);
    await w.git(['reset', '-q', '--hard', one], {cwd: w.dev, check: true});
  }],
  ['an honest push over a commit that nobody recorded does not carry it into production', async (w) => {
    const from = w.azure.puts().length;
    // M appears on main where no hook looks.
    const g = async (args) => (await w.upstream.git(kRepository, ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {check: true})).stdout.trim();
    const tip = await w.ref();
    const smuggled = await g(['commit-tree', '-p', tip, '-m', 'smuggled', `${tip}^{tree}`]);
    await g(['-c', 'core.hooksPath=/dev/null', 'update-ref', 'refs/heads/main', smuggled]);
    await back(w, w.dev);
    await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(7)}, 'honest, on top of it');
    const pushed = await w.push(w.dev, 'orders-dev');
    assert.equal(pushed.code, 0, pushed.stderr);
    const state = await untilHeld(w, 'gap');
    assert.ok(JSON.stringify(state).includes(smuggled.slice(0, 7)), 'it names the commit');
    assert.equal(w.azure.puts().length, from);
    await w.deployer.stop('SIGTERM');
    await w.adopt(await w.ref());
    await w.startDeployer();
  }],
  ['the folder of an API disappears in a refactoring', async (w) => {
    await back(w, w.dev);
    await w.commit(w.dev, {[`${kRoot}/apis/orders`]: null}, 'tidied up');
    const pushed = await w.push(w.dev, 'lead');
    assert.equal(pushed.code, 0, pushed.stderr);
    await untilHeld(w, 'deletes');
    assert.equal(w.azure.requests().filter(({method}) => method === 'DELETE').length, 0);
  }],
  ['the deployer and the hook stay silent about tokens', async (w) => {
    const {readFileSync} = await import('node:fs');
    const secrets = [w.upstream.tokens.service, w.upstream.tokens.reader, await w.token('orders-dev'), await w.token('apim-sync')];
    for (const log of [w.gateway.log, w.deployer.log]) {
      const text = readFileSync(log, 'utf8');
      for (const secret of secrets) assert.ok(!text.includes(secret), `a secret stands in ${log}`);
    }
    const all = JSON.stringify(await w.audit());
    for (const secret of secrets) assert.ok(!all.includes(secret), 'a secret stands in the audit log');
    await until('nothing', () => true);
  }],
]);
