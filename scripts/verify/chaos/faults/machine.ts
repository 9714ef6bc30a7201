import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayMissing } from '../../../../server/testing/s3Gateway.ts';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault } from '../fault.ts';
import { startBucket } from './services.ts';

/** The heap of a process that is to run out of memory. */
const HEAP_MB = 256;
/** Logs, spools, and the default model in the cache. */
const DISK_MB = 32;
/** Logged when the cache of S3 has no room; without an S3 server there is no cache. */
const CACHE_WARNING = 'MODEL_CACHE cannot be written';

/** Runs a program of the system; returns why it failed. */
function run(command: string, ...args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return error?.message ?? (status === 0 ? undefined : stderr.trim());
}

export const outOfMemory: Fault = {
  name: 'out-of-memory',
  what: 'a server process runs out of memory',
  mayLose: 'what it holds, when it collects garbage for longer than DEADLINE_MS before it dies: 504',
  prepare: (folder) => {
    const preload = join(folder, 'hoards.cjs');
    writeFileSync(
      preload,
      'if (process.env.SERVEMODEL_SLOT !== undefined) process.on("SIGWINCH", () => {\n' +
        '  const hoard = [];\n  for (;;) hoard.push(new Array(5e6).fill(hoard));\n});\n',
    );
    return {
      options: { env: { NODE_OPTIONS: `--require ${preload} --max-old-space-size=${HEAP_MB}` } },
    };
  },
  strike: async ({ server, chance, recovered }) => {
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGWINCH');
    await recovered([victim]);
  },
};

function fill(file: string): void {
  const block = Buffer.alloc(1024 * 1024, 'x');
  try {
    for (let written = 0; written < 4 * DISK_MB; written++) writeFileSync(file, block, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

export const diskFull: Fault = {
  name: 'disk-full',
  what: 'no room for logs, spools, notes and the cache of S3; then a process is killed',
  prepare: async (folder) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const refusal = run('mount', '-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=755`, 'tmpfs', disk);
    if (refusal !== undefined) return { missing: `a small tmpfs needs root: ${refusal}` };
    const bucket = gatewayMissing === undefined ? await startBucket(folder, join(disk, 'cache')) : undefined;
    return {
      options: {
        env: { ...bucket?.env, MODEL_POLL_MS: '200', TMPDIR: disk, ACCESS_LOG: join(disk, 'access.log') },
      },
      strike: () => fill(join(disk, 'full')),
      mend: () => rmSync(join(disk, 'full')),
      end: async () => {
        await bucket?.gateway.stop();
        run('umount', '-l', disk);
      },
    };
  },
  strike: async ({ server, load, chance, prepared, recovered }) => {
    await prepared.strike?.();
    if (gatewayMissing === undefined)
      await eventually('the warning about the cache', () => server.said().includes(CACHE_WARNING), 30_000);
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
    await prepared.mend?.();
  },
};

export const descriptorsGone: Fault = {
  name: 'descriptors-gone',
  what: 'a server process may open no file and accept no connection any more',
  prepare: () => {
    const missing = run('prlimit', '--version');
    return missing === undefined ? {} : { missing: `prlimit: ${missing}` };
  },
  strike: async ({ server, load, chance, recovered }) => {
    const victim = chance.pick(server.serverProcesses());
    const open = readdirSync(`/proc/${victim}/fd`).length;
    const before = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync(`/proc/${victim}/limits`, 'utf8'));
    const limit = (soft: number | string): void => {
      const refusal = run('prlimit', '--pid', String(victim), `--nofile=${soft}:${before?.[2] ?? ''}`);
      if (refusal !== undefined) throw new Error(`prlimit: ${refusal}`);
    };
    limit(open);
    await load.more(1000, 60_000);
    limit(before?.[1] ?? 1024);
    await recovered();
  },
};

/** The library that gives a program another clock. */
const findFakeTime = (): string | undefined =>
  readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));

export const clockJumps: Fault = {
  name: 'clock-jumps',
  what: 'the clock of all processes jumps: an hour forward, a day back, and then to the right time',
  prepare: (folder) => {
    const library = findFakeTime();
    if (library === undefined) return { missing: 'libfaketime: apt-get install faketime' };
    const clock = join(folder, 'clock');
    writeFileSync(clock, '+0');
    chmodSync(clock, 0o644);
    return {
      options: {
        env: {
          LD_PRELOAD: library,
          FAKETIME_TIMESTAMP_FILE: clock,
          FAKETIME_NO_CACHE: '1',
          // Only the time of day jumps: no real system sets its monotonic clock.
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      },
    };
  },
  strike: async ({ load, prepared, recovered }) => {
    const clock = prepared.options?.env?.['FAKETIME_TIMESTAMP_FILE'] as string;
    for (const offset of ['+3600', '-86400', '+0']) {
      writeFileSync(clock, offset);
      await load.more(300, 30_000);
    }
    await recovered();
  },
};
