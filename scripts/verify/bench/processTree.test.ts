import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { parseMachineTimes } from './noise.ts';
import { parsePss, parseStat, readTree, treeCpuSeconds, treePssBytes } from './processTree.ts';

/** Uses CPU time in a child of a child, then prints a line and waits to be ended. */
const BUSY = `
const { spawnSync } = require('node:child_process');
spawnSync(process.execPath, ['-e', 'let c; do { c = process.cpuUsage(); } while (c.user + c.system < 300_000);']);
const { Worker } = require('node:worker_threads');
const burn = 'const end = performance.now() + 20_000; let c; do { c = process.cpuUsage(); } while (c.user + c.system < 600_000 && performance.now() < end);';
new Worker(burn, { eval: true }).once('exit', () => { console.log('done'); setInterval(() => {}, 1000); });
`;

it('reads a name that holds spaces and parentheses', () => {
  const fields = ['S', 7, 1, 1, 0, -1, 0, 0, 0, 0, 0, 11, 22, 33, 44, 20, 0, 1, 0, 5555, 0];
  expect(parseStat(`42 (a) b (c) ${fields.join(' ')}`)).toEqual({
    pid: 42,
    parent: 7,
    ticks: 33,
    childrenTicks: 77,
    started: 5555,
  });
});

it('counts the time of a process, of its threads and of children that ended', async () => {
  const child = spawn(process.execPath, ['-e', BUSY], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const pid = child.pid as number;
    // 0.3 s in the child that ended and 0.6 s in a thread; less what the clock's ticks cut off.
    expect(treeCpuSeconds([pid])).toBeGreaterThan(0.85);
    // From further up the same process is found as a descendant.
    expect(treeCpuSeconds([process.pid])).toBeGreaterThanOrEqual(treeCpuSeconds([pid]));
    expect(readTree([process.pid]).map((found) => found.pid)).toContain(pid);
    expect(treePssBytes([pid])).toBeGreaterThan(1e6);
    // Once, although it is below the first root.
    expect(readTree([process.pid, pid]).filter((found) => found.pid === pid)).toHaveLength(1);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  expect(treeCpuSeconds([child.pid as number])).toBe(0);
});

it('reads the proportional size', () => {
  expect(parsePss('Rss:      100 kB\nPss:       40 kB\nPss_Dirty:   7 kB\n')).toBe(40 * 1024);
  expect(parsePss('')).toBe(0);
});

it("reads the machine's times", () => {
  expect(parseMachineTimes('cpu  100 200 300 4000 500 60 40 800 0 0\ncpu0 1\n')).toEqual({
    busy: 7,
    stolen: 8,
    total: 60,
  });
});
