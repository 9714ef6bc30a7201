import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault, Prepared } from '../fault.ts';
import { run } from './run.ts';

const DISK_MB = 24;

const fill = (file: string): void => {
  const block = Buffer.alloc(1024 * 1024, 'x');
  try {
    for (let written = 0; written < 4 * DISK_MB; written++) writeFileSync(file, block, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
};

export const diskFull: Fault = {
  name: 'disk-full',
  what: 'no room for logs, spools and notes; then a process is killed',
  prepare: (folder): Prepared => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const refusal = run('mount', '-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=755`, 'tmpfs', disk);
    if (refusal !== undefined) return { missing: `a small tmpfs needs root: ${refusal}` };
    return {
      options: { env: { TMPDIR: disk, ACCESS_LOG: join(disk, 'access.log') } },
      strike: () => fill(join(disk, 'full')),
      mend: () => rmSync(join(disk, 'full')),
      end: () => void run('umount', '-l', disk),
    };
  },
  strike: async ({ server, load, chance, prepared, recovered }) => {
    await prepared.strike?.();
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
    await prepared.mend?.();
  },
};
