// What real git clients do on the wire, through the gateway.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';

import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {basic, kOrdersFile} from '../../fixtures/story/story.mjs';
import {kRepository, portAnswers} from '../../fixtures/story/world.mjs';
import {run} from '../../fixtures/support/processes.mjs';
import {suite} from './suite.mjs';

suite([
  ['the four-byte probe is answered with an empty 200', async (w) => {
    const answer = await w.request(`/${kRepository}.git/git-receive-pack`, {method: 'POST', body: '0000', headers: {
      authorization: basic(await w.token('orders-dev')), 'content-type': 'application/x-git-receive-pack-request', 'content-length': 4}});
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/x-git-receive-pack-result');
    assert.equal(answer.text, '');
  }],
  ['every answer carries a request id', async (w) => {
    for (const path of ['/-/healthz', '/nothing', `/${kRepository}.git/info/refs?service=git-upload-pack`]) {
      assert.ok((await w.request(path)).headers['x-request-id'], path);
    }
  }],
  ['a push larger than the client\'s buffer arrives chunked', async (w) => {
    w.dev = await w.clone('orders-dev', {name: 'dev'});
    writeFileSync(`${w.dev}/apimartifacts/apis/orders/noise.bin`, randomBytes(5 << 20));
    const commit = await w.commit(w.dev, {}, 'five megabytes');
    const pushed = await w.push(w.dev, 'orders-dev');
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.equal(await w.ref(), commit);
  }],
  ['a fetch whose request is compressed', async (w) => {
    // More than 1,024 bytes of wants and haves, which git then sends gzipped.
    const branches = Array.from({length: 40}, (_, i) => `HEAD:refs/heads/orders/many-${i}`);
    for (let i = 0; i < 5; ++i) await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(500 + i)}, `${i}`);
    assert.equal((await w.push(w.dev, 'orders-dev', branches)).code, 0);
    for (let i = 0; i < 60; ++i) await w.git(['commit', '-q', '--allow-empty', '-m', `local ${i}`], {cwd: w.dev, check: true});
    const other = await w.clone('orders-dev', {name: 'other'});
    for (let i = 0; i < 3; ++i) {
      const tip = await w.commit(other, {[kOrdersFile]: ordersPolicy(600 + i)}, `tip ${i}`);
      assert.equal((await w.push(other, 'orders-dev', [`HEAD:refs/heads/orders/tip-${i}`])).code, 0, tip);
    }
    await w.git(['fetch', '-q', 'origin'], {cwd: w.dev, token: await w.token('orders-dev'), check: true, env: {GIT_TRACE_CURL: `${w.client}/trace`}});
    assert.match(readFileSync(`${w.client}/trace`, 'utf8'), /Content-Encoding: gzip/i);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['shallow, partial and bare clones; ls-remote; a second fetch', async (w) => {
    const token = await w.token('apim-sync');
    await w.git(['clone', '-q', '--depth', '1', w.repositoryUrl(), 'shallow'], {token, check: true});
    await w.git(['clone', '-q', '--bare', w.repositoryUrl(), 'bare'], {token, check: true});
    const listed = await w.git(['ls-remote', w.repositoryUrl()], {token, check: true});
    assert.match(listed.stdout, /refs\/heads\/main/);
    await w.git(['fetch', '-q', 'origin'], {cwd: `${w.client}/bare`, token, check: true});
  }],
  ['the client\'s own push options are kept', async (w) => {
    const custom = `${w.upstream.path(kRepository)}/custom_hooks`;
    await w.upstream.run(['mkdir', '-p', custom], {check: true});
    writeFileSync(`${custom}/pre-receive`, '#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ | grep -v postern-ticket\nexit 0\n', {mode: 0o755});
    await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(700)}, 'with options');
    const pushed = await w.push(w.dev, 'orders-dev', ['main'], {options: ['ci.skip', 'topic=a b']});
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.match(pushed.stderr, /=ci\.skip/);
    assert.match(pushed.stderr, /=topic=a b/);
    await w.upstream.run(['rm', '-r', custom], {check: true});
  }],
  ['one refused ref refuses the whole push, and the others say so', async (w) => {
    await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(701)}, 'two refs');
    const pushed = await w.push(w.dev, 'orders-dev', ['HEAD:refs/heads/orders/good', 'HEAD:refs/heads/not-mine']);
    assert.notEqual(pushed.code, 0);
    assert.equal(pushed.stderr.match(/! \[remote rejected\]/g)?.length, 2, pushed.stderr);
    assert.equal(await w.ref('refs/heads/orders/good'), undefined);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['what a push is told is what postern-check finds for the same change', async (w) => {
    const folder = 'apimartifacts/apis/orders';
    await w.commit(w.dev, {
      [kOrdersFile]: ordersPolicy(703).replace('<rate-limit ', '<set-variable name="who" value="@(context.Reqest.Url.Path)" />\n        <rate-limitt '),
      [`${folder}/operations/get-order/policy.xml`]: ordersPolicy(704).replace('</inbound>', '').replace('calls="704"', 'calls="many"'),
      [`${folder}/operations/Get-Order/policy.xml`]: ordersPolicy(705),
      [`${folder}/apiInformation.json`]: '{"properties": {"displayName": 7, "path": "orders", "protocols": ["https"]}}\n',
      [`${folder}/diagnostics/logs/diagnosticInformation.json`]: '{"properties": {"loggerId": "/loggers/logs",\n  "alwaysLog": }}\n',
    }, 'wrong in many ways');
    const pushed = await w.push(w.dev, 'orders-dev');
    assert.notEqual(pushed.code, 0);
    const told = [...pushed.stderr.matchAll(/^remote: (\S+?):(\d+):(\d+): (error|warning): (.*) \[([a-z-]+)\]\s*$/gm)]
      .map(([, path, line, column, severity, message, rule]) => ({path, line: Number(line), column: Number(column), severity, message, rule}));
    const checked = await run([`${w.programs}/postern-check`, '--root', 'apimartifacts', '--changed', 'origin/main..HEAD', '--format', 'json'], {cwd: w.dev});
    assert.equal(checked.code, 1, checked.stderr);
    const found = JSON.parse(checked.stdout).findings.map(({path, line, column, severity, message, rule}) => ({path, line, column, severity, message, rule}));
    assert.ok(found.length >= 6, checked.stdout);
    assert.deepEqual(told, found);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['what Gogs\' own hook refuses after ours is told as Gogs tells it, and recorded as refused', async (w) => {
    const custom = `${w.upstream.path(kRepository)}/custom_hooks`;
    await w.upstream.run(['mkdir', '-p', custom], {check: true});
    writeFileSync(`${custom}/pre-receive`, '#!/bin/sh\necho not on a Friday\nexit 1\n', {mode: 0o755});
    const commit = await w.commit(w.dev, {[kOrdersFile]: ordersPolicy(702)}, 'on a Friday');
    const pushed = await w.push(w.dev, 'orders-dev');
    await w.upstream.run(['rm', '-r', custom], {check: true});
    assert.notEqual(pushed.code, 0);
    assert.match(pushed.stderr, /not on a Friday/);
    assert.match(pushed.stderr, /! \[remote rejected\]/);
    const outcomes = (await w.audit()).filter(({entry}) => entry.kind === 'push.outcome' && JSON.stringify(entry).includes(commit));
    assert.equal(outcomes.length, 1);
    assert.doesNotMatch(JSON.stringify(outcomes[0]), /"outcome":"accepted"/);
    await w.git(['reset', '-q', '--hard', 'origin/main'], {cwd: w.dev, check: true});
  }],
  ['many pushes at once are all told apart', async (w) => {
    const clones = await Promise.all(Array.from({length: 6}, (_, i) => w.clone('orders-dev', {name: `many-${i}`})));
    const results = await Promise.all(clones.map(async (clone, i) => {
      await w.commit(clone, {[kOrdersFile]: ordersPolicy(800 + i)}, `many ${i}`);
      return w.push(clone, 'orders-dev', [`HEAD:refs/heads/orders/parallel-${i}`]);
    }));
    for (const [i, result] of results.entries()) assert.equal(result.code, 0, `${i}: ${result.stderr}`);
    const refs = await w.upstream.refs(kRepository);
    for (let i = 0; i < 6; ++i) assert.equal(refs[`refs/heads/orders/parallel-${i}`], await w.head(clones[i]));
  }],
  ['the gateway ends in order: what is under way is finished, then nothing listens', async (w) => {
    const end = await w.gateway.stop('SIGTERM');
    assert.equal(end.code, 0, `${end.code} ${end.signal}`);
    assert.equal(await portAnswers(w.port), false);
    await w.startGateway();
  }],
]);
