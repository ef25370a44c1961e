// postern-deploy as a person and a service manager run it: against the ARM and IMDS stand-in, a real git server and a
// gateway whose answers the test decides.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import http from 'node:http';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {describe, it} from 'node:test';
import {fileURLToPath} from 'node:url';

import {startAzure} from '../../fixtures/azure/azure.mjs';
import {Service, run, until} from '../../fixtures/support/processes.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = process.env.POSTERN_BIN ?? path.join(root, 'build', 'release', 'bin');
const kProgram = path.join(bin, 'postern-deploy');
const kRepository = 'platform/policies';
const kOrders = 'apimartifacts/apis/orders/policy.xml';
const kFragment = 'apimartifacts/policy fragments/auth/policy.xml';
const kToken = 'gogs-reader-token-0123456789';

const policy = (calls) => `<policies>
  <inbound>
    <base />
    <rate-limit calls="${calls}" renewal-period="60" />
    <set-header name="x-from" exists-action="override">
      <value>@(context.Request.Headers.GetValueOrDefault("x-from", "<none>"))</value>
    </set-header>
  </inbound>
  <backend>
    <base />
  </backend>
  <outbound>
    <base />
  </outbound>
  <on-error>
    <base />
  </on-error>
</policies>
`;

/** git http-backend behind a server that asks for the token as the Basic user name, as Gogs does. */
function gitServer(directory) {
  const server = http.createServer((request, response) => {
    const [user] = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString().split(':');
    if (user !== kToken) {
      response.writeHead(401, {'www-authenticate': 'Basic realm="git"'});
      response.end();
      return;
    }
    const url = new URL(request.url, 'http://git');
    const child = spawn('git', ['http-backend'], {env: {PATH: process.env.PATH, GIT_PROJECT_ROOT: directory, GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method, REMOTE_ADDR: '127.0.0.1', REMOTE_USER: 'x',
      CONTENT_TYPE: request.headers['content-type'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? ''}});
    request.pipe(child.stdin);
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      let status = 200;
      for (const line of all.subarray(0, end).toString().split('\r\n')) {
        const [name, value] = line.split(': ');
        if (name === 'Status') status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status);
      response.end(all.subarray(end + 4));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    url: `http://127.0.0.1:${server.address().port}`, stop: () => { server.closeAllConnections(); server.close(); },
  })));
}

/** The part of the gateway's API that the deployer uses. */
function gatewayServer(socket) {
  const state = {pushes: [], introducers: {}, deployments: [], waiting: [], down: false};
  const page = (after) => ({pushes: state.pushes.filter(({seq}) => seq > after), next: state.pushes.length, more: false});
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://gateway');
    const answer = (value, status = 200) => {
      response.writeHead(status, {'content-type': 'application/json'});
      response.end(JSON.stringify(value));
    };
    if (state.down) return answer({detail: 'down'}, 503);
    if (url.pathname === '/-/api/v1/pushes') {
      const after = Number(url.searchParams.get('after'));
      if (page(after).pushes.length || url.searchParams.get('wait') === '0') return answer(page(after));
      state.waiting.push(() => answer(page(after)));
      return undefined;
    }
    if (url.pathname === '/-/api/v1/introducers') {
      return answer({introducers: url.searchParams.get('commits').split(',').map((commit) => ({commit, push: state.introducers[commit] ?? null}))});
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    state.deployments.push(JSON.parse(body));
    return answer({record: state.deployments.length, first: true}, 201);
  });
  return new Promise((resolve) => server.listen(socket, () => resolve({
    state,
    accept(old, commit, {name = 'orders-dev', kind = 'human', commits = [commit], introducer = {name, kind}} = {}) {
      state.pushes.push({seq: state.pushes.length + 1, id: `p${state.pushes.length}`, repository: kRepository, ref: 'refs/heads/main', old,
        new: commit, forced: false, direct: false, link: true, truncated: false, who: {name, kind}, rule: 'r'});
      for (const each of commits) state.introducers[each] ??= {who: introducer};
      for (const go of state.waiting.splice(0)) go();
    },
    stop: () => { server.closeAllConnections(); server.close(); },
  })));
}

class World {
  static async make({extra = '', mode = 'apply'} = {}) {
    const w = new World();
    w.base = mkdtempSync(path.join(tmpdir(), 'postern-deploy-'));
    w.env = {PATH: process.env.PATH, HOME: w.base, LC_ALL: 'C.UTF-8', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'o', GIT_AUTHOR_EMAIL: 'o@x',
      GIT_COMMITTER_NAME: 'o', GIT_COMMITTER_EMAIL: 'o@x'};
    w.azure = await startAzure({directory: `${w.base}/azure`});
    w.azure.seed('apis/orders', {displayName: 'Orders', path: 'orders'});
    w.gateway = await gatewayServer(`${w.base}/gateway.sock`);
    w.gitServer = await gitServer(`${w.base}/repositories`);
    w.bare = `${w.base}/repositories/${kRepository}.git`;
    mkdirSync(w.bare, {recursive: true});
    await w.git(['init', '-q', '--bare', '-b', 'main', w.bare]);
    await w.git(['clone', '-q', w.bare, `${w.base}/work`]);
    await w.git(['-C', `${w.base}/work`, 'checkout', '-q', '-b', 'main']).catch(() => {});
    writeFileSync(`${w.base}/token`, kToken, {mode: 0o600});
    w.config = `${w.base}/postern.toml`;
    writeFileSync(w.config, `[[templates]]
repos = ["platform/*"]
root = "apimartifacts"
layout = "apiops"

[[environment]]
name = "prod"
mode = "${mode}"
repo = "${kRepository}"
ref = "refs/heads/main"
service = "${w.azure.service}"
${extra}

[deploy]
store = "sqlite:${w.base}/deploy.db"
gateway = "unix:${w.base}/gateway.sock"
git_url = "${w.gitServer.url}"
git_credential = "file:${w.base}/token"
arm_endpoint = "${w.azure.armUrl}"
arm_ca_file = "${w.azure.caFile}"
imds_endpoint = "${w.azure.imdsUrl}"
poll = "2s"
`);
    w.first = await w.commit({[kOrders]: policy(1)}, {record: false});
    w.azure.seed('apis/orders/policies/policy', {format: 'rawxml', value: policy(1)});
    w.log = `${w.base}/deployer.log`;
    w.service = new Service('deployer', [kProgram, 'run', '--config', w.config], {env: w.env, cwd: w.base, log: w.log});
    return w;
  }
  git(args) {
    return run(['git', ...args], {env: this.env, cwd: this.base, check: true});
  }
  /** Commits, moves main to it, and (unless told otherwise) records the push. */
  async commit(files, {record = true, ...push} = {}) {
    const work = `${this.base}/work`;
    for (const [name, text] of Object.entries(files)) {
      if (text === null) {
        rmSync(`${work}/${name}`);
      } else {
        mkdirSync(path.dirname(`${work}/${name}`), {recursive: true});
        writeFileSync(`${work}/${name}`, text);
      }
    }
    const old = this.tip;
    await this.git(['-C', work, 'add', '-A']);
    await this.git(['-C', work, 'commit', '-q', '--allow-empty', '-m', 'x']);
    await this.git(['-C', work, 'push', '-q', 'origin', 'HEAD:refs/heads/main']);
    this.tip = (await this.git(['-C', work, 'rev-parse', 'HEAD'])).stdout.trim();
    if (record) this.gateway.accept(old, this.tip, push);
    return this.tip;
  }
  deploy(args, options = {}) {
    return run([kProgram, ...args], {env: this.env, cwd: this.base, ...options});
  }
  adopt(...more) {
    return this.deploy(['adopt', '--environment', 'prod', '--config', this.config, ...more], {check: true});
  }
  async status() {
    const {stdout} = await this.deploy(['status', '--format', 'json', '--config', this.config], {check: true});
    return JSON.parse(stdout).environments[0];
  }
  untilState(state, test = () => true, ms = 20000) {
    return until(`state ${state}`, async () => {
      const now = await this.status();
      if (now.state === state && test(now)) return now;
      throw new Error(JSON.stringify(now));
    }, ms, 100);
  }
  healthy(commit) {
    return this.untilState('healthy', ({deployed}) => deployed === commit);
  }
  async end() {
    await this.service.stop('SIGKILL');
    this.gitServer.stop();
    this.gateway.stop();
    await this.azure.stop();
    rmSync(this.base, {recursive: true, force: true});
  }
}

// Most of the time is waiting, so they wait side by side.
describe('postern-deploy', {concurrency: 4}, () => {

const world = (name, body, options) => it(name, {timeout: 100000}, async () => {
  const w = await World.make(options);
  try {
    await body(w);
  } catch (error) {
    console.log(w.service.tail());
    throw error;
  } finally {
    await w.end();
  }
});

world('a push reaches API Management within five seconds and its outcome the gateway', async (w) => {
  await w.adopt();
  w.service.start();
  await until('the deployer to listen', () => w.gateway.state.waiting.length > 0);
  w.azure.clearRequests();
  const begun = Date.now();
  const commit = await w.commit({[kOrders]: policy(2), 'README.md': 'x'});
  await until('the PUT', () => w.azure.puts().length > 0);
  const seconds = (Date.now() - begun) / 1000;
  console.log(`# ${seconds.toFixed(2)} s from push to PUT`);
  assert.ok(seconds < 5);
  await w.healthy(commit);
  const puts = w.azure.puts();
  assert.equal(puts.length, 1, 'one changed policy is one PUT');
  assert.equal(puts[0].value, policy(2), 'with the bytes of the commit');
  assert.match(puts[0].ifMatch, /^"/, 'and the ETag that was read');
  const outcome = await until('the outcome', () => w.gateway.state.deployments[0]);
  assert.equal(outcome.state, 'healthy');
  assert.equal(outcome.commit, commit);
  assert.equal(outcome.previous, w.first);
});

world('every way in which Azure says not now is waited out without a restart', async (w) => {
  const error = (code, message) => ({error: {code, message, details: null}});
  const faults = {
    401: {kind: 'status', status: 401, times: 2, body: error('ExpiredAuthenticationToken', 'expired')},
    403: {kind: 'status', status: 403, body: error('AuthorizationFailed', 'The client does not have authorization')},
    409: {kind: 'status', status: 409, body: error('PessimisticConcurrencyConflict', 'Operation on the API is in progress')},
    412: {kind: 'status', status: 412, body: error('PreconditionFailed', 'Resource was modified since last retrieval')},
    429: {kind: 'status', status: 429, body: error('TooManyRequests', 'slow down'), headers: {'retry-after': '1'}},
    500: {kind: 'html', status: 500},
    garbage: {kind: 'status', status: 599, body: '\u0000\u0001'},
    'cut short': {kind: 'cut', applied: true, partial: true},
  };
  await w.adopt();
  w.service.start();
  let calls = 10;
  for (const [what, fault] of Object.entries(faults)) {
    w.azure.clearFaults();
    w.azure.fault({method: 'PUT', ...fault});
    const text = policy(++calls);
    const commit = await w.commit({[kOrders]: text});
    const state = await w.healthy(commit);
    assert.equal(state.deployed, commit, what);
    assert.match(readFileSync(w.log, 'utf8'), new RegExp(`deploy\\.waiting .*${commit}.*${/^\d+$/.test(what) ? what : ''}`), what);
    assert.equal(w.azure.faults()[0].times, 0, `${what}: the fault was met`);
  }
  assert.ok(!readFileSync(w.log, 'utf8').includes('Bearer'));
});

world('an identity service that updates itself delays a deployment and does not fail it', async (w) => {
  w.azure.fault({on: 'imds', kind: 'status', status: 410, body: ''});
  await w.adopt();
  w.service.start();
  const commit = await w.commit({[kOrders]: policy(3)});
  await w.healthy(commit);
});

world('a deployer killed in the middle of an apply reaches the right commit - before and after the change', async (w) => {
  await w.adopt();
  for (const applied of [false, true]) {
    w.service.start();
    w.azure.clearRequests();
    w.azure.fault({method: 'PUT', path: 'apis/orders/policies', kind: 'hang', applied});
    const commit = await w.commit({[kOrders]: policy(applied ? 5 : 4), [kFragment]: `<fragment><set-variable name="v" value="${applied}" /></fragment>\n`});
    await until('the PUT to hang', () => w.azure.puts().some(({path: at}) => at.endsWith('/apis/orders/policies/policy')), 20000);
    assert.equal((await w.status()).deployed === commit, false);
    await w.service.stop('SIGKILL');
    w.azure.clearFaults();
    w.service.start();
    await w.healthy(commit);
    assert.match(w.azure.get('apis/orders/policies/policy').properties.value, new RegExp(`calls="${applied ? 5 : 4}"`));
    await w.service.stop('SIGTERM');
  }
});

world('a fragment is followed to the end of its operation and a late failure is taken back', async (w) => {
  await w.adopt();
  w.service.start();
  const text = '<fragment>\n  <set-variable name="v" value="{{no-such-value}}" />\n</fragment>\n';
  await w.commit({[kFragment]: text, [kOrders]: policy(6)});
  const state = await w.untilState('held');
  assert.equal(state.reason, 'failed');
  assert.match(state.message, /apimartifacts\/policy fragments\/auth\/policy\.xml:2:4: error: Cannot find a property 'no-such-value' \[arm ValidationError\]/);
  assert.match(state.message, /postern-deploy retry --environment prod/);
  assert.equal(w.azure.get('policyFragments/auth'), null);
  assert.match(w.azure.get('apis/orders/policies/policy').properties.value, /calls="1"/);
  // The way out that the message names works once the cause is gone.
  w.azure.seed('namedValues/v', {displayName: 'no-such-value', value: 'x'});
  await w.deploy(['retry', '--environment', 'prod', '--config', w.config], {check: true});
  await w.healthy(w.tip);
});

world('a token is not sent to the host that an answer names', async (w) => {
  let reached = 0;
  const rogue = http.createServer((request, response) => { ++reached; response.end(); });
  await new Promise((resolve) => rogue.listen(0, '127.0.0.1', resolve));
  w.azure.settings.lro.foreignUrls = `http://127.0.0.1:${rogue.address().port}`;
  await w.adopt();
  w.service.start();
  const commit = await w.commit({[kFragment]: '<fragment><set-variable name="v" value="1" /></fragment>\n'});
  await until('the fragment to be put', () => w.azure.puts().length > 0, 20000);
  // Nobody polls the operation where it can be polled, so the resource itself has to tell.
  w.azure.settings.lro.foreignUrls = null;
  w.azure.seed('policyFragments/auth', {format: 'rawxml', value: '<fragment><set-variable name="v" value="1" /></fragment>'});
  await w.healthy(commit);
  rogue.close();
  assert.equal(reached, 0);
});

world('a commit without a record holds the environment until it is adopted', async (w) => {
  await w.adopt();
  w.service.start();
  const commit = await w.commit({[kOrders]: policy(7)}, {record: false});
  const state = await w.untilState('held', ({reason}) => reason === 'gap', 30000);
  assert.match(state.message, new RegExp(`adopt --environment prod --commit ${commit}`));
  assert.match(w.azure.get('apis/orders/policies/policy').properties.value, /calls="1"/);
  await w.adopt('--commit', commit);
  const next = await w.commit({[kOrders]: policy(8)});
  await w.healthy(next);
});

world('an agent\'s commit under a person\'s push holds the environment', async (w) => {
  await w.adopt();
  w.service.start();
  await w.commit({[kOrders]: policy(9)}, {introducer: {name: 'helper-bot', kind: 'agent'}});
  const state = await w.untilState('held');
  assert.equal(state.reason, 'approval');
  assert.match(state.message, /helper-bot \(agent\)/);
});

world('a broken policy that reached the ref is held by the deployer\'s own judgement', async (w) => {
  await w.adopt();
  w.service.start();
  await w.commit({[kOrders]: policy(9).replaceAll('set-header', 'set-haeder')});
  const state = await w.untilState('held');
  assert.equal(state.reason, 'findings');
  assert.match(state.message, /apimartifacts\/apis\/orders\/policy\.xml:5:\d+: error/);
});

world('a gateway that is down delays deployments and outcomes and loses none', async (w) => {
  await w.adopt();
  w.gateway.state.down = true;
  w.service.start();
  const commit = await w.commit({[kOrders]: policy(11)});
  await w.untilState('waiting', ({message}) => /gateway/.test(message));
  w.gateway.state.down = false;
  await w.healthy(commit);
  await until('the outcome', () => w.gateway.state.deployments.some((each) => each.commit === commit && each.state === 'healthy'), 20000);
});

world('health that fails rolls back once and holds', async (w) => {
  await w.adopt();
  w.service.start();
  await w.commit({[kOrders]: policy(12)});
  const state = await w.untilState('held', () => true, 50000);
  assert.equal(state.reason, 'health');
  assert.match(w.azure.get('apis/orders/policies/policy').properties.value, /calls="1"/);
  const puts = w.azure.puts().length;
  await new Promise((resolve) => setTimeout(resolve, 5000));  // more than two polls
  assert.equal(w.azure.puts().length, puts, 'not applied again');
}, {extra: 'health = [{ get = "http://127.0.0.1:1/status", expect = 200 }]'});

world('plan says what would be written and apply does it in the foreground', async (w) => {
  await w.adopt();
  const commit = await w.commit({[kOrders]: policy(13)});
  const plan = await w.deploy(['plan', '--environment', 'prod', '--format', 'json', '--config', w.config], {check: true});
  assert.deepEqual(JSON.parse(plan.stdout).steps.map(({action, resource}) => [action, resource]), [['put', '/apis/orders/policies/policy']]);
  assert.equal(w.azure.puts().length, 0);
  const applied = await w.deploy(['apply', '--environment', 'prod', '--config', w.config]);
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  assert.equal((await w.status()).deployed, commit);
  const back = await w.deploy(['rollback', '--environment', 'prod', '--commit', w.first, '--config', w.config]);
  assert.equal(back.code, 0, back.stderr);
  assert.equal((await w.deploy(['apply', '--environment', 'prod', '--config', w.config])).code, 0);
  assert.equal((await w.status()).state, 'pinned');
  assert.match(w.azure.get('apis/orders/policies/policy').properties.value, /calls="1"/);
});

world('a directory is planned and applied with neither gateway nor store', async (w) => {
  w.gateway.state.down = true;
  const target = ['--service', w.azure.service, '--credential', 'managed-identity', '--root', 'apimartifacts', '--arm-endpoint', w.azure.armUrl,
    '--arm-ca-file', w.azure.caFile, '--imds-endpoint', w.azure.imdsUrl, '--tree', `${w.base}/work`];
  writeFileSync(`${w.base}/work/${kOrders}`, policy(14));
  const plan = await w.deploy(['plan', ...target]);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /^put +\/apis\/orders\/policies\/policy/);
  assert.equal(w.azure.puts().length, 0);
  assert.equal((await w.deploy(['apply', ...target])).code, 0);
  assert.equal(w.azure.puts()[0].value, policy(14));
  const again = await w.deploy(['plan', '--format', 'json', ...target]);
  assert.deepEqual(JSON.parse(again.stdout).steps, []);
  writeFileSync(`${w.base}/work/${kOrders}`, policy(14).replace('<base />', '<bse />'));
  const broken = await w.deploy(['apply', ...target]);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /apis\/orders\/policy\.xml:3:\d+: error/);
  assert.ok(!readdirSync(w.base).includes('deploy.db'), 'no store was made');
});

world('a directory is judged by its own settings and by the rules over the tree, as postern-check judges it', async (w) => {
  const tree = `${w.base}/work`;
  const target = ['--service', w.azure.service, '--credential', 'managed-identity', '--arm-endpoint', w.azure.armUrl,
    '--arm-ca-file', w.azure.caFile, '--imds-endpoint', w.azure.imdsUrl, '--tree', tree, '--root', 'apimartifacts'];
  const write = (files) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(`${tree}/apimartifacts/${name}`), {recursive: true});
      writeFileSync(`${tree}/apimartifacts/${name}`, text);
    }
  };
  const uses = (fragment, comment = '') => policy(14).replace('<base />', `<base />\n    ${comment}<include-fragment fragment-id="${fragment}" />`);
  const same = async () => {
    const errors = (text) => text.split('\n').filter((line) => / error: /.test(line)).map((line) => line.replace(/^\.\//, ''));
    const plan = await w.deploy(['plan', ...target]);
    const check = await run([path.join(bin, 'postern-check'), '--root', 'apimartifacts'], {cwd: tree, env: w.env});
    assert.deepEqual(errors(plan.stderr), errors(check.stdout), plan.stderr + check.stdout);
    assert.equal(plan.code, check.code, plan.stderr);
    return errors(plan.stderr);
  };
  assert.deepEqual(await same(), []);
  write({'postern-policy.toml': '[severity]\nmissing-reference = "error"\nmissing-base = "off"\n\n[[forbidden]]\npolicies = ["rate-limit"]\n',
    'policy fragments/known/policy.xml': '<fragment>\n  <set-method>GET</set-method>\n</fragment>\n',
    'apis/orders/policy.xml': uses('unknown'), 'apis/orders/apiInformation.json': '{"properties": {"path": 5, "isCurrent": []}}\n',
    'apis/orders/specification.yaml': 'openapi: 3.0.1\ninfo: {}\npaths: [\n'});
  const found = await same();
  for (const rule of ['missing-reference', 'forbidden-policy', 'artifact-shape', 'artifact-yaml']) {
    assert.ok(found.some((line) => line.includes(`[${rule}]`)), `${rule}: ${found.join('\n')}`);
  }
  write({'apis/orders/policy.xml': uses('unknown', '<!-- postern-allow missing-reference until 2099-01-31: comes with the release -->\n    ')});
  assert.ok(!(await same()).some((line) => line.includes('[missing-reference]')));
  write({'postern-policy.toml': '[severity]\nno-such = \n'});
  const broken = await w.deploy(['plan', ...target]);
  assert.equal(broken.code, 2, broken.stderr);
  assert.match(broken.stderr, /postern-policy\.toml/);
});

world('what cannot be done says so and exits with its code', async (w) => {
  const code = async (...args) => (await w.deploy(args)).code;
  assert.equal(await code('plan', '--environment', 'nosuch', '--config', w.config), 2);
  assert.equal(await code('plan', '--environment', 'prod', '--config', '/nonexistent.toml'), 2);
  assert.equal(await code('plan', '--environment', 'prod', '--config', w.config), 1, 'not adopted');
  assert.equal(await code('retry', '--environment', 'prod', '--config', w.config), 2, 'not adopted');
  await w.adopt();
  assert.equal(await code('rollback', '--environment', 'prod', '--commit', '1'.repeat(40), '--config', w.config), 2);
  assert.equal(await code('adopt', '--environment', 'prod', '--commit', '1'.repeat(40), '--config', w.config), 1);
  w.service.start();
  await until('the deployer to hold its store', async () => (await code('plan', '--environment', 'prod', '--config', w.config)) === 3);
  for (const args of [[], ['frob'], ['plan'], ['adopt'], ['plan', '--service', 'x'], ['plan', '--tree', '.', '--service', 'x'],
    ['plan', '--tree', '.', '--service', 'x', '--credential', 'y', '--environment', 'prod'], ['run', '--frob'], ['rollback', '--environment', 'prod'],
    ['status', '--format', 'yaml'], ['plan', '--tree', '.', '--service', w.azure.service, '--credential', 'password']]) {
    assert.equal(await code(...args), 2, args.join(' '));
  }
});

world('the credential of the repository is in no argument no environment and no log', async (w) => {
  await w.adopt();
  w.service.start();
  const commit = await w.commit({[kOrders]: policy(15)});
  let seen = 0;
  const watch = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const file of ['cmdline', 'environ']) {
        try {
          const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
          if (/git/.test(text) && text.includes(kToken)) ++seen;
        } catch {
          // gone, or not ours
        }
      }
    }
  }, 5);
  await w.healthy(commit);
  clearInterval(watch);
  assert.equal(seen, 0);
  assert.ok(!readFileSync(w.log, 'utf8').includes(kToken));
  for (const file of readdirSync(`${w.base}/git`, {recursive: true}).filter((name) => name.endsWith('config'))) {
    assert.ok(!readFileSync(`${w.base}/git/${file}`, 'utf8').includes(kToken));
  }
});

});
