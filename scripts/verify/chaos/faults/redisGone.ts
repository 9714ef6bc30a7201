import { createRedis, redisMissing } from '../../../../server/testing/redis.ts';
import type { Fault, Prepared } from '../fault.ts';

export const redisGone: Fault = {
  name: 'redis-gone',
  what: "the prediction log's Redis is gone; then a process is killed",
  prepare: async (folder): Promise<Prepared> => {
    if (redisMissing !== undefined) return { missing: redisMissing };
    const redis = await createRedis(folder);
    await redis.start();
    return {
      options: { env: { PREDICTION_LOG: redis.url } },
      strike: () => redis.kill(),
      mend: () => redis.start(),
      end: () => redis.kill(),
    };
  },
  strike: async ({ server, load, chance, prepared, recovered }) => {
    await prepared.strike?.();
    await load.more(1000, 60_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
    await prepared.mend?.();
    await load.more(200, 30_000);
  },
};
