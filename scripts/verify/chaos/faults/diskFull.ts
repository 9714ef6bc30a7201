import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayMissing } from '../../../../server/testing/s3Gateway.ts';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault, Prepared } from '../fault.ts';
import { startBucket } from './bucket.ts';
import { run } from './run.ts';

/** Logs, spools, and the default model in the cache. */
const DISK_MB = 32;
/** Of the cache that can't be written; there is none without an S3 server. */
const WARNING = 'MODEL_CACHE cannot be written';

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
  what: 'no room for logs, spools, notes and the cache of S3; then a process is killed',
  prepare: async (folder): Promise<Prepared> => {
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
      await eventually('the server to miss its room', () => server.said().includes(WARNING), 30_000);
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
    await prepared.mend?.();
  },
};
