import type { Part } from '../part.ts';
import { spreadOf } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';

const STARTS = 5;

/** Seconds from the start of servemodel.sh to the first 200 of /health/ready, each time with a warm file cache. */
export const start: Part<readonly number[]> = {
  name: 'start',
  field: 'startSeconds',
  steps: () => STARTS + 1,
  run: async ({ context, repository }, progress) => {
    const startOnce = async (): Promise<number> => {
      const server = await startServer(context, { name: 'server', repository });
      await server.stop();
      return server.startSeconds;
    };
    // The first one builds, should that be needed, and fills the file cache.
    progress.step('start: once unmeasured');
    await startOnce();
    const seconds: number[] = [];
    for (let k = 1; k <= STARTS; k++) {
      progress.step(`start ${k} of ${STARTS}`);
      seconds.push(await startOnce());
    }
    return seconds;
  },
  bounds: (seconds) => [
    {
      id: 'start',
      what: 'start to ready, built, warm file cache',
      holds: 'at most',
      limit: 0.75,
      unit: 's',
      measured: spreadOf(seconds),
      needs: '--parts start',
    },
  ],
};
