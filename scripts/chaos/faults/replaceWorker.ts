import { readFileSync } from 'node:fs';
import { eventually } from '../../../server/testing/withDeadline.ts';
import type { Scene } from '../fault.ts';

const workersOf = (nginx: number): number[] =>
  readFileSync(`/proc/${nginx}/task/${nginx}/children`, 'utf8').trim().split(' ').map(Number);

/** Sends a signal to one nginx worker after the other, and waits for another in its place. */
export const replaceWorker =
  (signal: NodeJS.Signals) =>
  async ({ server, chance, times, load, recovered }: Scene): Promise<void> => {
    const nginx = server.nginx();
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(workersOf(nginx));
      process.kill(victim, signal);
      await eventually(
        'another worker',
        () => {
          const workers = workersOf(nginx);
          return workers.length > 0 && !workers.includes(victim);
        },
        15_000,
      );
      await recovered();
      await load.more(100, 30_000);
    }
  };
