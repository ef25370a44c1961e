// What the hooks cost: one-file pushes into a repository of 100,000 files, on the Gogs user's own disk and without any
// server, with Postern's dispatcher beside hooks that do nothing. How long git waited for each hook is git's own word
// (trace2): what the rest of a push takes varies by more than all hooks together.
import {existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';

import {kOrdersFile} from '../../fixtures/story/story.mjs';
import {ordersPolicy} from '../../fixtures/story/policies.mjs';
import {World, kRepository} from '../../fixtures/story/world.mjs';
import {interleave, median} from './measure.mjs';

const kFiles = 100000;

/** Milliseconds that git waited for each hook, by name, from the events of one push. */
function hookTimes(file) {
  const events = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const times = {};
  for (const {event, sid, child_id, child_class, hook_name} of events) {
    if (event !== 'child_start' || child_class !== 'hook') continue;
    const end = events.find((other) => other.event === 'child_exit' && other.sid === sid && other.child_id === child_id);
    times[hook_name] = (times[hook_name] ?? 0) + end.t_rel * 1000;
  }
  return times;
}

export async function benchHook({add, note, rounds}) {
  const world = await World.make({upstream: 'dressed', rules: {direct: 'check'}});
  try {
    const root = world.upstream.path(kRepository);
    const g = (args, options = {}) => world.upstream.run(['git', '-C', root, ...args], {check: true, timeout: 300000, ...options});
    // A tree of 1,000 folders with 100 files each, made by hand: no working copy needs to be written.
    const stream = ['commit refs/heads/main', 'committer x <x@example.com> 1000000000 +0000', 'data 4', 'many', 'from refs/heads/main^0'];
    for (let i = 0; i < kFiles; ++i) stream.push(`M 100644 inline files/${i % 1000}/${i}.txt`, `data ${String(i).length}`, String(i));
    await g(['fast-import', '--quiet'], {input: `${stream.join('\n')}\n`});
    await g(['repack', '-adq']);
    await world.initialize();
    world.configure({direct: 'check'});
    await world.startGateway();
    await world.installHooks();
    const empty = `${world.base}/empty-hooks`;
    mkdirSync(empty);
    writeFileSync(`${empty}/pre-receive`, '#!/bin/sh\nexit 0\n', {mode: 0o755});
    // The dispatcher goes on to the repository's own hooks; what those cost is not ours.
    for (const name of readdirSync(`${root}/hooks`)) rmSync(`${root}/hooks/${name}`);

    const clone = `${world.base}/gogs-home/clone`;
    await world.upstream.run(['git', 'clone', '-q', '--no-checkout', root, clone], {check: true, timeout: 120000});
    let calls = 1000;
    const trace = `${world.base}/gogs-home/trace`;
    const waited = {ours: [], peer: []};
    const push = (side, hooks) => async () => {
      const text = ordersPolicy(++calls);
      const blob = (await world.upstream.run(['git', 'hash-object', '-w', '--stdin'], {cwd: clone, input: text, check: true})).stdout.trim();
      await world.upstream.run(['git', 'read-tree', 'HEAD'], {cwd: clone, check: true});
      await world.upstream.run(['git', 'update-index', '--cacheinfo', `100644,${blob},${kOrdersFile}`], {cwd: clone, check: true});
      const tree = (await world.upstream.run(['git', 'write-tree'], {cwd: clone, check: true})).stdout.trim();
      const commit = (await world.upstream.run(['git', '-c', 'user.name=x', '-c', 'user.email=x@example.com', 'commit-tree', '-p', 'HEAD', '-m', String(calls), tree],
                                               {cwd: clone, check: true})).stdout.trim();
      await world.upstream.run(['git', 'update-ref', 'HEAD', commit], {cwd: clone, check: true});
      // By the environment: git's own command line must be the one that Gogs uses.
      const configured = hooks ? `GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=${hooks}` : '';
      const receive = `env GIT_TRACE2_EVENT=${trace} ${configured} git receive-pack`;
      if (existsSync(trace)) rmSync(trace);
      const begun = process.hrtime.bigint();
      await world.upstream.run(['git', 'push', '-q', `--receive-pack=${receive}`, root, 'HEAD:main'], {cwd: clone, check: true});
      const spent = Number(process.hrtime.bigint() - begun) / 1e6;
      waited[side].push(hookTimes(trace));
      return spent;
    };
    await push('ours', null)();
    await push('peer', empty)();
    for (const list of Object.values(waited)) list.length = 0;
    const spent = await interleave({ours: push('ours', null), peer: push('peer', empty)}, Math.max(rounds, 11));
    note(`${kFiles} files, one of them changed; a local push by the Gogs user, template check only (direct = "check")`);
    add({name: 'one-file push with our hooks', ours: spent.ours, unit: 'ms', peer: spent.peer, peerName: 'an empty hook', ratio: spent.ours / spent.peer});
    const hook = (side, pick) => median(waited[side].map(pick));
    const preReceive = {ours: hook('ours', (times) => times['pre-receive']), peer: hook('peer', (times) => times['pre-receive'])};
    const more = preReceive.ours - preReceive.peer;
    add({name: 'pre-receive', ours: preReceive.ours, unit: 'ms', peer: preReceive.peer, peerName: 'an empty hook', target: '<= +15 ms', holds: more <= 15});
    const sum = (times) => Object.values(times).reduce((a, b) => a + b, 0);
    const all = hook('ours', sum) - hook('peer', sum);
    add({name: 'all hooks of a push, over an empty one', ours: all, unit: 'ms', target: '<= 15 ms', holds: all <= 15});
  } finally {
    await world.end();
  }
}
