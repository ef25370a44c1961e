// Large and small fetches and pushes through the gateway beside the same straight to the upstream.
import {closeSync, mkdirSync, openSync, rmSync, writeSync} from 'node:fs';
import {randomBytes} from 'node:crypto';

import {World, kRepository} from '../../fixtures/story/world.mjs';
import {kOrdersFile} from '../../fixtures/story/story.mjs';
import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {findGogs} from '../../fixtures/upstream/upstream.mjs';
import {interleave, peakMemory} from './measure.mjs';

const kWriters = 50;

const seconds = async (act) => {
  const begun = process.hrtime.bigint();
  await act();
  return Number(process.hrtime.bigint() - begun) / 1e9;
};

export async function benchClone({add, note, size, rounds, upstream}) {
  const world = await World.make({upstream: upstream ?? (findGogs() ? 'gogs' : 'dressed')});
  try {
    await world.initialize();
    world.configure({extra: `
[[grant]]
name  = "bench"
to    = ["orders-dev"]
repos = ["platform/free"]
verbs = ["create"]
refs  = ["refs/heads/*"]
`});
    await world.startGateway();
    await world.installHooks();
    note(`upstream: ${world.kind}; ${size} MiB that do not compress`);
    const big = `${world.client}/big`;
    await world.git(['clone', '-q', world.upstream.pushUrl('platform/free'), big], {check: true});
    const file = openSync(`${big}/blob`, 'w');
    for (let i = 0; i < size; ++i) writeSync(file, randomBytes(1 << 20));
    closeSync(file);
    await world.git(['add', '.'], {cwd: big, check: true});
    await world.git(['-c', 'core.bigFileThreshold=1m', 'commit', '-q', '-m', 'big'], {cwd: big, check: true, timeout: 600000});
    const token = await world.token('orders-dev');
    let n = 0;
    const long = {timeout: 1200000, check: true};
    const push = (url, options) => async () => {
      ++n;
      const spent = await seconds(() => world.git(['push', '-q', url, `HEAD:refs/heads/big-${n}`], {cwd: big, ...options, ...long}));
      // Each push has to carry the pack again.
      await world.upstream.git('platform/free', ['-c', 'core.hooksPath=/dev/null', 'update-ref', '-d', `refs/heads/big-${n}`], {check: true});
      await world.upstream.git('platform/free', ['-c', 'core.hooksPath=/dev/null', 'gc', '--prune=now', '--quiet'], {check: true});
      return spent;
    };
    const through = world.repositoryUrl('platform/free');
    const direct = world.upstream.pushUrl('platform/free');
    const pushes = await interleave({ours: push(through, {token}), peer: push(direct, {})}, Math.min(rounds, 3));
    const ratio = pushes.ours / pushes.peer;
    add({name: `push of ${size} MiB`, ours: pushes.ours, unit: 's', peer: pushes.peer, peerName: 'direct', ratio, target: '<= 1.05', holds: ratio <= 1.05});
    add({name: 'gateway, peak RSS after it', ours: peakMemory(world.gateway.pid), unit: 'MiB', target: '<= 64 MiB', holds: peakMemory(world.gateway.pid) <= 64});

    await world.git(['push', '-q', direct, 'HEAD:refs/heads/big'], {cwd: big, ...long});
    const clone = (url, options) => async () => {
      const target = `${world.client}/copy`;
      const spent = await seconds(() => world.git(['clone', '-q', '--bare', '--single-branch', '-b', 'big', url, target], {...options, ...long}));
      rmSync(target, {recursive: true});
      return spent;
    };
    const clones = await interleave({ours: clone(through, {token}), peer: clone(direct, {})}, rounds);
    add({name: `clone of ${size} MiB`, ours: clones.ours, unit: 's', peer: clones.peer, peerName: 'direct', ratio: clones.ours / clones.peer,
         target: '<= 1.05', holds: clones.ours / clones.peer <= 1.05});
    await Promise.all(Array.from({length: 10}, (_, i) =>
      world.git(['clone', '-q', '--bare', '--single-branch', '-b', 'big', through, `${world.client}/parallel-${i}`], {token, ...long})));
    for (let i = 0; i < 10; ++i) rmSync(`${world.client}/parallel-${i}`, {recursive: true});
    const peak = peakMemory(world.gateway.pid);
    add({name: 'gateway, peak RSS after 10 parallel clones', ours: peak, unit: 'MiB', target: '<= 64 MiB', holds: peak <= 64});
    rmSync(big, {recursive: true});

    // Small ones: the difference counts, not the ratio.
    const small = await world.clone('orders-dev', {name: 'small'});
    const straight = `${world.client}/straight`;
    await world.git(['clone', '-q', world.upstream.pushUrl('platform/watched'), straight], {check: true});
    await world.git(['remote', 'set-url', 'origin', world.upstream.pushUrl(kRepository)], {cwd: straight, check: true});
    const fetch = (url, options) => () => seconds(() => world.git(['ls-remote', url], {...options, check: true}));
    const fetches = await interleave({ours: fetch(world.repositoryUrl(), {token, header: true}),
                                      peer: fetch(world.upstream.pushUrl(kRepository), {})}, 21);
    const more = (fetches.ours - fetches.peer) * 1000;
    add({name: 'one small fetch, more than direct', ours: more, unit: 'ms', target: '<= 5 ms', holds: more <= 5});

    mkdirSync(`${world.client}/x`, {recursive: true});
    let calls = 100;
    const ours = async () => {
      await world.commit(small, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
      return seconds(() => world.git(['push', '-q', 'origin', 'main'], {cwd: small, token, header: true, check: true}));
    };
    await world.git(['remote', 'set-url', 'origin', world.upstream.pushUrl('platform/free')], {cwd: straight, check: true});
    let ref = 0;
    const peer = async () => {
      await world.commit(straight, {[kOrdersFile]: ordersPolicy(++calls)}, `${calls}`);
      return seconds(() => world.git(['push', '-q', 'origin', `HEAD:refs/heads/straight-${++ref}`], {cwd: straight, check: true}));
    };
    const spent = await interleave({ours, peer}, 11);
    const extra = (spent.ours - spent.peer) * 1000;
    add({name: 'one small push, gateway and hook, more than direct', ours: extra, unit: 'ms', target: '<= 20 ms', holds: extra <= 20});
    add({name: 'the same, whole time', ours: spent.ours * 1000, unit: 'ms', peer: spent.peer * 1000, peerName: 'direct, ungoverned', ratio: spent.ours / spent.peer});
    await writers({add, world, token, small, rounds});
  } finally {
    await world.end();
  }
}

// Many at once into one repository, each with a commit and a branch of its own.
async function writers({add, world, token, small, rounds}) {
  const tree = (await world.git(['rev-parse', 'HEAD^{tree}'], {cwd: small, check: true})).stdout.trim();
  let round = 0;
  const side = (url, options) => async () => {
    ++round;
    const commits = [];
    for (let i = 0; i < kWriters; ++i) {
      const made = await world.git(['commit-tree', '-p', 'HEAD', '-m', `writer ${round}-${i}`, tree], {cwd: small, check: true});
      commits.push(made.stdout.trim());
    }
    const spent = await seconds(() => Promise.all(commits.map((commit, i) =>
      world.git(['push', '-q', url, `${commit}:refs/heads/orders/writer-${round}-${i}`], {cwd: small, ...options, check: true, timeout: 600000}))));
    return kWriters / spent;
  };
  const rates = await interleave({ours: side(world.repositoryUrl(), {token, header: true}),
                                  peer: side(world.upstream.pushUrl('platform/free'), {})}, rounds);
  const ratio = rates.ours / rates.peer;
  add({name: `${kWriters} parallel writers, gateway and hook`, ours: rates.ours, unit: 'push/s', peer: rates.peer, peerName: 'direct, ungoverned',
       ratio, target: '>= 0.9', holds: ratio >= 0.9});
}
