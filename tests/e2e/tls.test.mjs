// The gateway as its own TLS server, where no edge stands in front.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import https from 'node:https';
import net from 'node:net';

import {makeCertificates} from '../../fixtures/azure/certificates.mjs';
import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {kOrdersFile} from '../../fixtures/story/story.mjs';
import {portAnswers, until} from '../../fixtures/support/processes.mjs';
import {suite} from './suite.mjs';

const get = (w, path, options = {}) => new Promise((resolve, reject) => {
  const request = https.get({host: '127.0.0.1', port: w.port, path, ca: readFileSync(w.caFile), agent: false, ...options}, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  request.on('error', reject);
});
const trusting = (w) => ({GIT_SSL_CAINFO: w.caFile});

/** What the gateway says to a configuration with these lines in [server], which it cannot start with: {code, said}. */
async function started(w, server) {
  w.configure({server});
  const before = readFileSync(w.gateway.log).length;
  w.gateway.start();
  const {code} = await w.gateway.ended;
  const said = await until('its last word', () => /^postern-gateway: .+$/m.exec(readFileSync(w.gateway.log).subarray(before).toString())?.[0]);
  return {code, said};
}

suite([
  ['answers over TLS and proves who it is', async (w) => {
    assert.equal(await get(w, '/-/healthz'), 200);
    await assert.rejects(get(w, '/-/healthz', {ca: []}), /self-signed|unable to (get|verify)/i);
  }],
  ['versions of TLS that are broken are not spoken', async (w) => {
    await assert.rejects(get(w, '/-/healthz', {minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0'}));
  }],
  ['plain HTTP on that port gets no answer and harms nobody', async (w) => {
    await assert.rejects(fetch(`http://127.0.0.1:${w.port}/-/healthz`));
    assert.equal(await get(w, '/-/healthz'), 200);
  }],
  ['a client that never ends its handshake does not keep others waiting', async (w) => {
    const silent = Array.from({length: 8}, () => net.connect(w.port, '127.0.0.1'));
    for (const socket of silent) socket.on('error', () => {}).write(Buffer.from([0x16, 0x03, 0x01]));
    assert.equal(await get(w, '/-/healthz'), 200);
    for (const socket of silent) socket.destroy();
  }],
  ['git clones and pushes with the authority it was given', async (w) => {
    const token = await w.token('orders-dev');
    const blind = await w.git(['ls-remote', w.repositoryUrl()], {token});
    assert.notEqual(blind.code, 0);
    assert.match(blind.stderr, /certificate/i);
    const clone = `${w.client}/over-tls`;
    await w.git(['-c', `http.sslCAInfo=${w.caFile}`, 'clone', '-q', w.repositoryUrl(), clone], {token, check: true});
    const commit = await w.commit(clone, {[kOrdersFile]: ordersPolicy(910)}, 'over TLS');
    const pushed = await w.push(clone, 'orders-dev', ['main'], {run: {env: trusting(w)}});
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.equal(await w.ref(), commit);
  }],
  ['many requests of one connection, and what is larger than a record of TLS', async (w) => {
    const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: readFileSync(w.caFile)});
    for (let i = 0; i < 20; ++i) assert.equal(await get(w, '/-/healthz', {agent}), 200);
    agent.destroy();
    const token = await w.token('lead');
    const clone = await w.git(['clone', '-q', w.repositoryUrl('platform/free'), `${w.client}/free`], {token, env: trusting(w), check: true});
    assert.equal(clone.code, 0);
    writeFileSync(`${w.client}/free/noise`, randomBytes(3 << 20));
    await w.commit(`${w.client}/free`, {}, 'three megabytes');
    const pushed = await w.push(`${w.client}/free`, 'lead', ['main'], {run: {env: trusting(w)}});
    assert.equal(pushed.code, 0, pushed.stderr);
  }],
  ['the Unix socket stays plain', async (w) => {
    assert.equal((await w.request('/-/healthz', {socket: true})).status, 200);
  }],
  ['a certificate that cannot be used is an error that names its key', async (w) => {
    assert.equal((await w.gateway.stop('SIGTERM')).code, 0);
    const {certificate, key} = w.tls;
    writeFileSync(`${w.base}/tls/other.key`, makeCertificates(`${w.base}/tls/other`).key, {mode: 0o640});
    chownSync(`${w.base}/tls/other.key`, 0, w.users.gw.gid);
    writeFileSync(`${w.base}/tls/text.pem`, 'not a certificate\n', {mode: 0o644});
    for (const [server, says] of [
      [`tls_certificate = "${w.base}/tls/none.pem"\ntls_key = "${key}"`, /tls_certificate.*none\.pem/],
      [`tls_certificate = "${w.base}/tls/text.pem"\ntls_key = "${key}"`, /\[server\] tls_certificate/],
      [`tls_certificate = "${certificate}"\ntls_key = "${w.base}/tls/other.key"`, /\[server\] tls_certificate.*do not belong together/],
      [`tls_certificate = "${certificate}"\ntls_key = "${w.base}/tls/none.key"`, /\[server\] tls_key.*none\.key/],
    ]) {
      const {code, said} = await started(w, server);
      assert.notEqual(code, 0, server);
      assert.match(said, says);
      assert.doesNotMatch(said, /PRIVATE KEY/);
      assert.equal(await portAnswers(w.port), false);
    }
    assert.match((await w.postern(['doctor', '--config', w.config])).stdout, /^FAILED +\[server\] tls_key .*none\.key: /m);
    w.configure({server: `tls_certificate = "${certificate}"\ntls_key = "${w.base}/tls/other.key"`});
    assert.match((await w.postern(['doctor', '--config', w.config])).stdout, /^FAILED +\[server\] tls_certificate .*do not belong together/m);
    w.configure({server: `tls_certificate = "${certificate}"\ntls_key = "${key}"`});
    assert.match((await w.postern(['doctor', '--config', w.config])).stdout, /^ok +\[server\] tls_certificate .*: holds until 20/m);
    w.configure({server: `tls_certificate = "${certificate}"`});
    const checked = await w.postern(['config', 'check', '--config', w.config]);
    assert.notEqual(checked.code, 0);
    assert.match(checked.stdout + checked.stderr, /belong together/);
  }],
], {ready: async (w) => {
  mkdirSync(`${w.base}/tls`, {mode: 0o755});
  const made = makeCertificates(`${w.base}/tls/own`);
  chmodSync(`${w.base}/tls/own`, 0o755);
  w.caFile = made.caFile;
  chmodSync(w.caFile, 0o644);
  w.tls = {certificate: `${w.etc}/tls.pem`, key: `${w.etc}/tls.key`};
  await w.initialize();
  writeFileSync(w.tls.certificate, made.cert, {mode: 0o644});
  writeFileSync(w.tls.key, made.key, {mode: 0o640});
  chownSync(w.tls.key, 0, w.users.gw.gid);
  w.url = `https://127.0.0.1:${w.port}`;
  w.configure({server: `tls_certificate = "${w.tls.certificate}"\ntls_key = "${w.tls.key}"`});
  w.gateway.start();
  await w.gateway.ready(async () => (await get(w, '/-/readyz')) === 200);
  await w.installHooks();
}});
