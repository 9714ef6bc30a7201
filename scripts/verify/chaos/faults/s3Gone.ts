import { join } from 'node:path';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import { gatewayMissing } from '../../../../server/testing/s3Gateway.ts';
import type { Fault, Prepared } from '../fault.ts';
import { startBucket } from './bucket.ts';

export const s3Gone: Fault = {
  name: 's3-gone',
  what: 'the bucket that the models came from is gone; then a process is killed',
  prepare: async (folder): Promise<Prepared> => {
    if (gatewayMissing !== undefined) return { missing: gatewayMissing };
    const { gateway, env } = await startBucket(folder, join(folder, 'cache'));
    return {
      options: { env },
      strike: () => gateway.stop(),
      end: () => gateway.stop(),
    };
  },
  strike: async ({ server, load, chance, prepared, recovered }) => {
    await prepared.strike?.();
    const told = (): boolean => server.said().includes('cannot read the repository');
    await eventually('the server to miss its bucket', told, 30_000);
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
  },
};
