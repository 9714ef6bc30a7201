import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HOME } from '../../../../server/platform/install.ts';
import { largeForest } from '../../../../server/testing/largeForest.ts';
import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Fault } from '../fault.ts';

/** 4 million nodes in 150 MiB. */
const FOREST = { trees: 500, depth: 12, features: 14 } as const;
const STEADY_MS = 5000;
const SERVED_MS = 30_000;
const MOST_GAP_MS = 100;
/** Times the p99 before. */
const MOST_P99 = 3;
/** A p99 below this is as good as any other: timers and the load's own threads are no finer. */
const LEAST_P99_MS = 10;

const isServed = async (port: number): Promise<boolean> => {
  const response = await fetch(`http://127.0.0.1:${port}/models/large`);
  await response.arrayBuffer();
  return response.status === 200;
};

export const largeModelArrives: Fault = {
  name: 'large-model',
  what: 'a forest of 4 million nodes arrives: the other models answer as before while it is loaded',
  prepare: (folder) => {
    const repository = join(folder, 'models');
    cpSync(join(HOME, 'models/adult/1'), join(repository, 'adult/1'), { recursive: true });
    // Written before: it takes the load's own event loop a while.
    const aside = join(folder, 'large');
    mkdirSync(join(aside, '1'), { recursive: true });
    writeFileSync(join(aside, '1/model.onnx'), largeForest(FOREST));
    return {
      options: { env: { MODEL_REPOSITORY: repository, DEFAULT_MODEL: 'adult', MODEL_POLL_MS: '200' } },
      strike: () => renameSync(aside, join(repository, 'large')),
    };
  },
  strike: async ({ server, load, prepared, recovered, say }) => {
    const pids = server.serverProcesses().join();
    load.lap();
    await delay(STEADY_MS);
    const before = load.lap();
    await prepared.strike?.();
    load.lap();
    await eventually('the large model', () => isServed(server.port).catch(() => false), SERVED_MS);
    const during = load.lap();
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    say(`p99 ${ms(before.p99Ms)} before, ${ms(during.p99Ms)} while it was loaded`);
    say(`longest gap ${ms(before.longestGapMs)} before, ${ms(during.longestGapMs)} while it was loaded`);
    if (server.serverProcesses().join() !== pids) throw new Error('a server process was replaced');
    if (during.longestGapMs > Math.max(MOST_GAP_MS, before.longestGapMs))
      throw new Error(`no answer for ${ms(during.longestGapMs)} while it was loaded`);
    if (during.p99Ms > MOST_P99 * Math.max(LEAST_P99_MS, before.p99Ms))
      throw new Error(`p99 rose from ${ms(before.p99Ms)} to ${ms(during.p99Ms)} while it was loaded`);
    await recovered();
  },
};
