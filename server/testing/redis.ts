import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import type { PredictionRecord } from '../observers/predictionLog/record.ts';
import { freePort } from './freePort.ts';
import { eventually, withDeadline } from './withDeadline.ts';

const PROGRAM = 'redis-server';
const PASSWORD = 'open-sesame';

/** Why there is no Redis to test with; undefined if there is. */
export const redisMissing =
  spawnSync(PROGRAM, ['--version']).error === undefined
    ? undefined
    : `${PROGRAM} is missing; apt-get install redis-server`;

/** A test's title, with the reason if it is skipped. */
export const needsRedis = (title: string): string =>
  redisMissing === undefined ? title : `${title} (skipped: ${redisMissing})`;

/** A real Redis on a port of its own. */
export interface Redis {
  /** With its password. */
  readonly url: string;
  readonly password: string;
  /** Starts it, or starts it again on the same port and folder. */
  start(...options: readonly string[]): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Sends one command, on a connection of its own. */
  command(...words: readonly string[]): Promise<unknown>;
  /** The records of a model's stream, oldest first. */
  records(model: string): Promise<PredictionRecord[]>;
}

/** @param home an empty folder */
export async function createRedis(home: string): Promise<Redis> {
  const folder = join(home, 'redis');
  mkdirSync(folder);
  const port = await freePort();
  const url = `redis://:${PASSWORD}@127.0.0.1:${port}/1`;
  let child: ChildProcess | undefined;
  const redis: Redis = {
    url,
    password: PASSWORD,
    start: async (...options) => {
      const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--requirepass', PASSWORD];
      // Every write is on disk before it is answered: a killed Redis loses nothing that it confirmed.
      const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
      child = spawn(PROGRAM, [...own, ...durable, ...options], { stdio: 'ignore' });
      await eventually(
        'Redis',
        () =>
          redis.command('PING').then(
            () => true,
            () => false,
          ),
        20_000,
      );
    },
    signal: (name) => void child?.kill(name),
    kill: async () => {
      if (!child) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      child = undefined;
      await withDeadline('the end of Redis', ended);
    },
    command: async (...words) => {
      const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {});
      try {
        await client.connect();
        return await client.sendCommand([...words]);
      } finally {
        client.destroy();
      }
    },
    records: async (model) => {
      const entries = await redis.command('XRANGE', `servemodel:predictions:${model}`, '-', '+');
      return (entries as [string, [string, string]][]).map(
        ([, [, text]]) => JSON.parse(text) as PredictionRecord,
      );
    },
  };
  return redis;
}

/** Runs with a Redis that has started, and is gone afterwards. */
export async function withRedis<T>(home: string, run: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await createRedis(home);
  try {
    await redis.start();
    return await run(redis);
  } finally {
    await redis.kill();
  }
}
