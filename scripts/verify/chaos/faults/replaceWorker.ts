import { eventually } from '../../../../server/testing/withDeadline.ts';
import type { Scene } from '../fault.ts';

/** Sends a signal to one nginx worker after the other, and waits for another in its place. */
export const replaceWorker =
  (signal: NodeJS.Signals) =>
  async ({ server, chance, times, load, recovered }: Scene): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const victim = chance.pick(server.nginxWorkers());
      process.kill(victim, signal);
      await eventually(
        'another worker',
        () => {
          const workers = server.nginxWorkers();
          return workers.length > 0 && !workers.includes(victim);
        },
        15_000,
      );
      await recovered();
      await load.more(100, 30_000);
    }
  };
