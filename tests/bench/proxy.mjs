// The gateway beside other proxies: one small authenticated request, one long answer, and many idle connections.
// Core 0 has the proxy alone; core 1 the load and a static upstream. Every proxy keeps its upstream connections, and none
// writes an access log.
import {chmodSync, closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';

import {World, kRepository} from '../../fixtures/story/world.mjs';
import {Service, freePort, portAnswers} from '../../fixtures/support/processes.mjs';
import {kPath} from '../../fixtures/upstream/common.mjs';
import {cpuSeconds, interleave, median, memory, mustTime, timed} from './measure.mjs';

const kConnections = 64;
const kSeconds = 5;
const kStreamMiB = 1024;
const kIdle = 5000;
const kAdvertisement = `/${kRepository}.git/info/refs?service=git-upload-pack`;
// An advertisement as git writes it: the gateway reads what it forwards.
const pkt = (text) => (text.length + 4).toString(16).padStart(4, '0') + text;
const kBody = `${pkt('# service=git-upload-pack\n')}0000${pkt(`${'1'.repeat(40)} HEAD\0side-band-64k agent=git/2.39.5\n`)}0000`;

const common = (d, name) => `daemon off;
worker_processes 1;
pid ${d}/${name}.pid;
error_log ${d}/${name}.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${d}/body; proxy_temp_path ${d}/proxy; fastcgi_temp_path ${d}/f; uwsgi_temp_path ${d}/u; scgi_temp_path ${d}/s;
  keepalive_requests 100000000;
`;

async function small({add, note, rounds, services, token}) {
  const cpu = Object.fromEntries(Object.keys(services).map((name) => [name, []]));
  const load = (name, seconds = kSeconds) => async () => {
    const {port, service} = services[name];
    const before = cpuSeconds(service.pid);
    const result = await timed(['taskset', '-c', '1', 'wrk', '-t1', `-c${kConnections}`, `-d${seconds}s`, '-H', `Authorization: Bearer ${token}`,
                                `http://127.0.0.1:${port}${kAdvertisement}`]);
    const count = Number(/(\d+) requests in/.exec(result.stdout)?.[1]);
    const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(result.stdout)?.[1]);
    if (!rate || /Non-2xx/.test(result.stdout)) throw new Error(`${name}: ${result.stdout}${result.stderr}`);
    cpu[name].push((cpuSeconds(service.pid) - before) / count * 1e6);
    return rate;
  };
  for (const name of Object.keys(services)) await load(name, 1)();  // warm
  for (const list of Object.values(cpu)) list.length = 0;
  const rates = await interleave(Object.fromEntries(Object.keys(services).map((name) => [name, load(name)])), rounds);
  note(`${kConnections} connections, ${token.length}-byte token, core 0: the proxy, core 1: wrk and the static upstream`);
  for (const [peer, target] of [['nginx auth_request', 1.2], ['nginx proxy_pass', 0.9], ['caddy forward_auth', 3]]) {
    if (!rates[peer]) continue;
    const ratio = rates.postern / rates[peer];
    add({name: 'small authenticated request', ours: rates.postern, unit: 'req/s', peer: rates[peer], peerName: peer, ratio,
         target: `>= ${target}`, holds: ratio >= target});
    add({name: 'the same, CPU of the proxy', ours: median(cpu.postern), unit: 'us', peer: median(cpu[peer]), peerName: peer,
         ratio: median(cpu.postern) / median(cpu[peer])});
  }
}

// What a fetch brings, as fast as it goes.
async function stream({add, rounds, services, header}) {
  const take = ({port}) => async () => {
    const {seconds} = await mustTime(['taskset', '-c', '1', 'curl', '-sSf', '-o', '/dev/null', '-H', header,
                                      '-H', 'Content-Type: application/x-git-upload-pack-request', '--data-binary', '0000',
                                      `http://127.0.0.1:${port}/${kRepository}.git/git-upload-pack`]);
    return seconds;
  };
  const sides = {ours: take(services.postern), peer: take(services['nginx proxy_pass'])};
  for (const side of Object.values(sides)) await side();  // warm
  const spent = await interleave(sides, rounds);
  const rate = (seconds) => kStreamMiB / seconds;
  add({name: `one answer of ${kStreamMiB} MiB`, ours: rate(spent.ours), unit: 'MiB/s', peer: rate(spent.peer), peerName: 'nginx proxy_pass',
       ratio: spent.peer / spent.ours, target: '>= 1', holds: spent.peer >= spent.ours});
}

// Clients that were served and stay. The gateway must go on serving, and each may cost little memory.
async function idle({add, port, pid, token}) {
  const request = `GET ${kAdvertisement} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const served = () => new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if (!text.endsWith(kBody.slice(-4))) return;
      if (text.startsWith('HTTP/1.1 200 ')) resolve(socket);
      else reject(new Error(`an idle client was answered: ${text.slice(0, 200)}`));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('an idle client was cut off')));
  });
  const sockets = [];
  try {
    sockets.push(await served());
    const before = memory(pid);
    while (sockets.length <= kIdle) sockets.push(...await Promise.all(Array.from({length: 100}, served)));
    const each = (memory(pid) - before) * 1024 / (sockets.length - 1);
    const open = sockets.filter((socket) => !socket.destroyed).length;
    (await served()).destroy();
    add({name: `${open} idle connections, each`, ours: each, unit: 'KiB', target: '<= 64 KiB', holds: each <= 64 && open > kIdle});
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

export async function benchProxy({add, note, rounds}) {
  const d = mkdtempSync('/var/tmp/postern-bench-');
  const services = [];
  const start = async (name, command, port) => {
    const service = new Service(name, command, {env: {PATH: kPath}, log: `${d}/${name}.out`, cwd: d});
    services.push(service);
    service.start();
    await service.ready(() => portAnswers(port));
    return service;
  };
  const nginx = (name, core) => ['taskset', '-c', String(core), 'nginx', '-p', d, '-c', `${d}/${name}.conf`];
  let world;
  try {
    const [still, pass, auth, caddy] = [await freePort(), await freePort(), await freePort(), await freePort()];
    chmodSync(d, 0o755);  // nginx's worker is another user
    writeFileSync(`${d}/advertisement`, kBody, {mode: 0o644});
    const pack = openSync(`${d}/pack`, 'w', 0o644);  // a hole: reading it costs nobody a disk
    ftruncateSync(pack, kStreamMiB << 20);
    closeSync(pack);
    writeFileSync(`${d}/static.conf`, `${common(d, 'static')}
  server {
    listen 127.0.0.1:${still};
    location = /auth { return 204; }
    location ~ /git-upload-pack$ { default_type application/x-git-upload-pack-result; root ${d}; error_page 404 =200 /pack; }
    location = /pack { internal; default_type application/x-git-upload-pack-result; root ${d}; }
    location / { default_type application/x-git-upload-pack-advertisement; root ${d}; try_files /advertisement =404; }
  }
}
`);
    const upstream = `upstream still { server 127.0.0.1:${still}; keepalive 256; keepalive_requests 100000000; }`;
    const forward = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on;';
    writeFileSync(`${d}/pass.conf`, `${common(d, 'pass')}  ${upstream}
  server { listen 127.0.0.1:${pass}; location / { ${forward} proxy_pass http://still; } }
}
`);
    writeFileSync(`${d}/auth.conf`, `${common(d, 'auth')}  ${upstream}
  server {
    listen 127.0.0.1:${auth};
    location / { auth_request /check; ${forward} proxy_pass http://still; }
    location = /check { internal; ${forward} proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://still/auth; }
  }
}
`);
    await start('static', nginx('static', 1), still);
    const services_ = {
      'nginx auth_request': {port: auth, service: await start('auth', nginx('auth', 0), auth)},
      'nginx proxy_pass': {port: pass, service: await start('pass', nginx('pass', 0), pass)},
    };
    const hasCaddy = (await timed(['sh', '-c', 'command -v caddy'])).code === 0;
    if (hasCaddy) {
      mkdirSync(`${d}/caddy`);
      writeFileSync(`${d}/Caddyfile`, `{
  admin off
  auto_https off
  storage file_system ${d}/caddy
}
http://127.0.0.1:${caddy} {
  forward_auth 127.0.0.1:${still} {
    uri /auth
  }
  reverse_proxy 127.0.0.1:${still}
}
`);
      services_['caddy forward_auth'] = {port: caddy, service: await start('caddy', ['env', 'GOMAXPROCS=1', `HOME=${d}/caddy`, 'taskset', '-c', '0', 'caddy', 'run', '--config', `${d}/Caddyfile`, '--adapter', 'caddyfile'], caddy)};
    }

    world = await World.make({upstream: 'dressed'});
    await world.initialize();
    // The same static server answers behind the gateway.
    Object.defineProperty(world.upstream, 'url', {value: `http://127.0.0.1:${still}`, writable: true});
    world.configure();
    world.gateway.command = ['taskset', '-c', '0', ...world.gateway.command];
    await world.startGateway();
    const token = await world.identity.token('apim-sync', {ttl: 86400});
    services_.postern = {port: world.port, service: world.gateway};

    await small({add, note, rounds, services: services_, token});
    writeFileSync(`${d}/authorization`, `Authorization: Bearer ${token}`, {mode: 0o600});
    await stream({add, rounds, services: services_, header: `@${d}/authorization`});
    await idle({add, port: world.port, pid: world.gateway.pid, token});
  } finally {
    await world?.end();
    for (const service of services) await service.stop('SIGTERM', 3000);
    rmSync(d, {recursive: true, force: true});
  }
}
