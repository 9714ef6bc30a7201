import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOME } from '../../../../server/platform/install.ts';
import { createRedis, redisMissing } from '../../../../server/testing/redis.ts';
import type { Gateway } from '../../../../server/testing/s3Gateway.ts';
import { createGateway, gatewayMissing } from '../../../../server/testing/s3Gateway.ts';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault } from '../fault.ts';

/** Starts an S3 server that holds the default model; returns the settings that serve it from there. */
export async function startBucket(
  folder: string,
  cache: string,
): Promise<{ readonly gateway: Gateway; readonly env: Readonly<Record<string, string>> }> {
  const gateway = await createGateway(folder);
  await gateway.start();
  const version = join(HOME, 'models/adult/1');
  mkdirSync(join(gateway.folder, 'models'));
  await gateway.put(
    'models',
    'adult/1',
    Object.fromEntries(
      ['model.onnx', 'model.json', 'golden.json'].map((name) => [name, readFileSync(join(version, name))]),
    ),
  );
  return { gateway, env: { ...gateway.env, MODEL_REPOSITORY: 's3://models', MODEL_CACHE: cache } };
}

export const s3Gone: Fault = {
  name: 's3-gone',
  what: 'the bucket that the models came from is gone; then a process is killed',
  prepare: async (folder) => {
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
    const isLogged = (): boolean => server.said().includes('cannot read the repository');
    await eventually('the error about the bucket', isLogged, 30_000);
    await load.more(200, 30_000);
    const victim = chance.pick(server.serverProcesses());
    process.kill(victim, 'SIGKILL');
    await recovered([victim]);
  },
};

export const redisGone: Fault = {
  name: 'redis-gone',
  what: "the prediction log's Redis is gone; then a process is killed",
  prepare: async (folder) => {
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
