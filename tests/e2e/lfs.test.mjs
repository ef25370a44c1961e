// Large files through the gateway: batch, upload, verify, download, and who may not. On Gogs its own LFS answers; the
// dressed upstream has none, so a small one of the fixtures stands before it.
import assert from 'node:assert/strict';
import {createHash, randomBytes} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {after} from 'node:test';

import {basic} from '../../fixtures/story/story.mjs';
import {kRepository} from '../../fixtures/story/world.mjs';
import {run, until} from '../../fixtures/support/processes.mjs';
import {LfsFront} from '../../fixtures/upstream/lfs.mjs';
import {kUpstream, suite} from './suite.mjs';

const kFree = 'platform/free';
const kMediaType = 'application/vnd.git-lfs+json';
const content = randomBytes(300000);
const oidOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const object = {oid: oidOf(content), size: content.length};
const pathOf = (url) => new URL(url).pathname;

async function asked(w, who, method, path, body, type) {
  const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const headers = {authorization: basic(await w.token(who)), accept: type ?? kMediaType};
  if (bytes) Object.assign(headers, {'content-type': type ?? kMediaType, 'content-length': bytes.length});
  const response = await fetch(`${w.url}${path}`, {method, headers, body: bytes});
  const answer = Buffer.from(await response.arrayBuffer());
  return {status: response.status, bytes: answer, text: answer.toString(),
          get json() { return JSON.parse(answer.toString()); }};
}
const batch = (w, who, operation, {repo = kFree, objects = [object], ref = {name: 'refs/heads/main'}} = {}) =>
  asked(w, who, 'POST', `/${repo}.git/info/lfs/objects/batch`, {operation, transfers: ['basic'], ref, hash_algo: 'sha256', objects});
const put = (w, who, oid, bytes, repo = kFree) =>
  asked(w, who, 'PUT', `/${repo}.git/info/lfs/objects/basic/${oid}`, bytes, 'application/octet-stream');
const verify = (w, who, what, repo = kFree) => asked(w, who, 'POST', `/${repo}.git/info/lfs/objects/basic/verify`, what);
const download = (w, who, oid, repo = kFree) => asked(w, who, 'GET', `/${repo}.git/info/lfs/objects/basic/${oid}`);

// A refusal is answered before its record is in the store, so these are waited for.
const records = (w, kind, what, count = 1) => until(`${count} ${kind} with ${what}`, async () => {
  const found = (await w.audit()).map(({entry}) => entry).filter((entry) => entry.kind === kind && JSON.stringify(entry).includes(what));
  return found.length >= count && found;
});

let front;
after(() => front?.stop());

suite([
  ['an upload is granted links of the gateway alone, and the object arrives', async (w) => {
    const granted = await batch(w, 'orders-dev', 'upload');
    assert.equal(granted.status, 200, granted.text);
    const {actions} = granted.json.objects[0];
    for (const action of Object.values(actions)) assert.ok(action.href.startsWith(`${w.url}/${kFree}.git/`), action.href);
    assert.equal(pathOf(actions.upload.href), `/${kFree}.git/info/lfs/objects/basic/${object.oid}`);
    const sent = await put(w, 'orders-dev', object.oid, content);
    assert.equal(sent.status, 200, sent.text);
    assert.equal((await verify(w, 'orders-dev', object)).status, 200);
    const all = await records(w, 'lfs', object.oid, 3);
    const [named] = all;
    assert.equal(named.detail.action, 'batch upload');
    assert.equal(named.who.name, 'orders-dev');
    assert.equal(named.rule, 'anything-in-free');
    assert.deepEqual(all.map(({detail}) => detail.action), ['batch upload', 'upload', 'verify']);
  }],
  ['whoever may read gets it back as it was', async (w) => {
    const granted = await batch(w, 'apim-sync', 'download');
    assert.equal(granted.status, 200, granted.text);
    assert.ok(granted.json.objects[0].actions.download.href.startsWith(w.url));
    const got = await download(w, 'apim-sync', object.oid);
    assert.equal(got.status, 200);
    assert.ok(got.bytes.equals(content));
  }],
  ['an identity that may only read is refused an upload, and the upstream never hears of it', async (w) => {
    const other = {oid: oidOf('secret'), size: 6};
    const before = front?.asked.length;
    const refused = await batch(w, 'apim-sync', 'upload', {objects: [other]});
    assert.equal(refused.status, 403);
    assert.match(refused.json.message, /no grant gives update|no grant gives create/);
    assert.equal((await put(w, 'apim-sync', other.oid, Buffer.from('secret'))).status, 404);
    assert.equal((await verify(w, 'apim-sync', other)).status, 404);
    assert.equal(front?.asked.length, before);
    const [recorded] = await records(w, 'access.refused', '"lfs":"upload"');
    assert.equal(recorded.who.name, 'apim-sync');
  }],
  ['what one identity was granted is not granted to another', async (w) => {
    const other = {oid: oidOf('of the lead'), size: 11};
    assert.equal((await batch(w, 'lead', 'upload', {objects: [other]})).status, 200);
    assert.equal((await put(w, 'orders-dev', other.oid, Buffer.from('of the lead'))).status, 404);
    assert.equal((await put(w, 'lead', other.oid, Buffer.from('of the lead'))).status, 200);
  }],
  ['nor for another repository', async (w) => {
    const other = {oid: oidOf('of free'), size: 7};
    assert.equal((await batch(w, 'lead', 'upload', {objects: [other]})).status, 200);
    assert.equal((await put(w, 'lead', other.oid, Buffer.from('of free'), kRepository)).status, 404);
  }],
  ['an upload names the ref it is for, and the ref decides', async (w) => {
    const without = await batch(w, 'orders-dev', 'upload', {ref: null});
    assert.equal(without.status, 403);
    assert.match(without.json.message, /must name the ref/);
    assert.equal((await batch(w, 'orders-dev', 'upload', {repo: kRepository, ref: {name: 'refs/heads/not-mine'}})).status, 403);
    assert.equal((await batch(w, 'orders-dev', 'upload', {repo: kRepository, ref: {name: 'refs/heads/orders/mine'}})).status, 200);
  }],
  ['a stranger and nobody at all learn nothing', async (w) => {
    assert.equal((await fetch(`${w.url}/${kFree}.git/info/lfs/objects/basic/${object.oid}`)).status, 401);
    assert.equal((await batch(w, 'helper-bot', 'download', {repo: 'elsewhere/unknown'})).status, 404);
  }],
  ['bytes that are not those of the name do not become the object', async (w) => {
    const promised = {oid: oidOf('what was promised'), size: 17};
    assert.equal((await batch(w, 'orders-dev', 'upload', {objects: [promised]})).status, 200);
    assert.notEqual((await put(w, 'orders-dev', promised.oid, Buffer.from('something different'))).status, 200);
    assert.notEqual((await download(w, 'orders-dev', promised.oid)).status, 200);
  }],
  ['a grant of an upload ends with the gateway that gave it', async (w) => {
    const late = {oid: oidOf('too late'), size: 8};
    assert.equal((await batch(w, 'orders-dev', 'upload', {objects: [late]})).status, 200);
    assert.equal((await w.gateway.stop('SIGTERM')).code, 0);
    await w.startGateway();
    assert.equal((await put(w, 'orders-dev', late.oid, Buffer.from('too late'))).status, 404);
    assert.equal((await batch(w, 'orders-dev', 'upload', {objects: [late]})).status, 200);
    assert.equal((await put(w, 'orders-dev', late.oid, Buffer.from('too late'))).status, 200);
  }],
  ['git-lfs pushes and clones through the gateway', async (w) => {
    if ((await run(['sh', '-c', 'command -v git-lfs'], {env: process.env})).code !== 0) {
      console.log('SKIPPED: git-lfs is not installed (Debian: apt-get install git-lfs)');
      return;
    }
    const big = randomBytes(1 << 20);
    const clone = await w.clone('orders-dev', {repo: kFree, name: 'large'});
    const token = await w.token('orders-dev');
    await w.git(['lfs', 'install', '--local'], {cwd: clone, check: true});
    await w.git(['lfs', 'track', '*.bin'], {cwd: clone, check: true});
    writeFileSync(`${clone}/big.bin`, big);
    await w.commit(clone, {}, 'a large file');
    const pushed = await w.push(clone, 'orders-dev');
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.ok((await w.git(['show', 'HEAD:big.bin'], {cwd: clone, check: true})).stdout.startsWith('version https://git-lfs'));
    const other = await w.clone('orders-dev', {repo: kFree, name: 'large-again'});
    await w.git(['lfs', 'install', '--local'], {cwd: other, check: true});
    await w.git(['lfs', 'pull'], {cwd: other, token, check: true});
    assert.ok(readFileSync(`${other}/big.bin`).equals(big));
  }],
], {ready: async (world) => {
  if (kUpstream === 'dressed') {
    front = new LfsFront({behind: world.upstream.url, tokens: Object.values(world.upstream.tokens)});
    await front.start();
    Object.defineProperty(world.upstream, 'url', {value: front.url, writable: true});
  }
  await world.initialize();
  world.configure();
  await world.startGateway();
  await world.installHooks();
}});
