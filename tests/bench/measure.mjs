// Measuring: medians of interleaved rounds, so that a noisy minute hurts both sides alike.
import {spawn} from 'node:child_process';
import {readFileSync, readdirSync} from 'node:fs';

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
};

/** Runs each of `sides` ({name: async () => number}) `rounds` times in turn; gives {name: median}. */
export async function interleave(sides, rounds) {
  const values = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let i = 0; i < rounds; ++i) {
    // The order turns, so that nobody is always first.
    const names = Object.keys(sides);
    for (let k = 0; k < names.length; ++k) {
      const name = names[(k + i) % names.length];
      values[name].push(await sides[name]());
    }
  }
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, median(list)]));
}

const field = (pid, name) => {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** Peak resident size so far, MiB. */
export const peakMemory = (pid) => field(pid, 'VmHWM');
export const memory = (pid) => field(pid, 'VmRSS');

/** CPU time of a process and of its children that still run, seconds. */
export function cpuSeconds(pid) {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ');
      if (Number(name) === pid || Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // ended
    }
  }
  return ticks / 100;
}

/** Runs a command to its end: {seconds, code, stdout, peak}. `peak`: MiB, looked at every few milliseconds. */
export function timed(command, options = {}) {
  return new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint();
    const child = spawn(command[0], command.slice(1), {stdio: ['ignore', 'pipe', 'pipe'], ...options});
    let peak = 0;
    const watch = setInterval(() => { peak = Math.max(peak, peakMemory(child.pid)); }, 4);
    const out = [];
    const err = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({seconds: Number(process.hrtime.bigint() - begun) / 1e9, code, peak, stdout: Buffer.concat(out).toString(),
               stderr: Buffer.concat(err).toString()});
    });
  });
}

export async function mustTime(command, options) {
  const result = await timed(command, options);
  if (result.code !== 0) throw new Error(`${command.join(' ')}: exit ${result.code}\n${result.stderr}`);
  return result;
}
