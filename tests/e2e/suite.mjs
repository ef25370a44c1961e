// What every end-to-end file begins with: a world on the upstream that POSTERN_UPSTREAM names, or a skip that says why.
import {after, before, test} from 'node:test';

import {World} from '../../fixtures/story/world.mjs';
import {findGogs} from '../../fixtures/upstream/upstream.mjs';

export const kUpstream = process.env.POSTERN_UPSTREAM ?? 'dressed';

/**
 * essential: how many of the first tests the others build on; when one of them fails, the rest is not run.
 * tests: [[name, async (world) => …], …], run in this order on one world. `ready`: called with the new world before the
 * first test; default: installs everything.
 */
export function suite(tests, {ready = (world) => world.install(), essential = 0, ...options} = {}) {
  const missing = kUpstream === 'gogs' && !findGogs();
  if (missing) {
    console.log(`SKIPPED: the whole file: ${tests.length} tests need a real Gogs, and no gogs binary is on PATH or in POSTERN_GOGS`);
    return;
  }
  let world;
  before(async () => {
    world = await World.make({upstream: kUpstream, ...options});
    await ready(world);
  }, {timeout: 120000});
  after(async () => { await world?.end(); }, {timeout: 60000});
  let failed = false;
  let stopped = false;
  for (const [index, [name, run]] of tests.entries()) {
    test(name, {timeout: 180000 + 1000 * Number(process.env.POSTERN_SOAK ?? 0)}, async (context) => {
      if (stopped) throw new Error('not run: an earlier step that it builds on failed');
      try {
        await run(world, context);
      } catch (error) {
        // The first failure is the one that matters; show what the programs had to say about it.
        if (!failed) {
          for (const service of [world?.gateway, world?.deployer]) {
            if (service) console.log(`--- ${service.name}, last lines of its log\n${service.tail(25)}`);
          }
        }
        failed = true;
        stopped ||= index < essential;
        throw error;
      }
    });
  }
}
