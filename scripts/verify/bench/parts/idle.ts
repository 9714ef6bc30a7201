import { setTimeout as delay } from 'node:timers/promises';
import { fromHome } from '../../../../server/platform/install.ts';
import type { Context } from '../context.ts';
import type { Part } from '../part.ts';
import { treeCpuSeconds } from '../processTree.ts';
import { spreadOf } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';

/** What the start leaves to do, such as optimizing code, is over by then. */
const SETTLE_MS = 30_000;
/** A whole round of the self-test. */
const WATCH_MS = 60_000;

/** CPU time of a whole process tree that is not asked, in per cent of one core. */
export async function idlePercent(pids: readonly number[], { signal }: Context): Promise<number> {
  await delay(SETTLE_MS, undefined, { signal });
  const [before, began] = [treeCpuSeconds(pids), performance.now()];
  await delay(WATCH_MS, undefined, { signal });
  return ((treeCpuSeconds(pids) - before) * 100_000) / (performance.now() - began);
}

/** What a server with all shipped models costs while it is not asked. */
export const idle: Part<number> = {
  name: 'idle',
  field: 'idlePercent',
  steps: () => 1,
  run: async ({ context }, progress) => {
    progress.step('idle: the shipped models, not asked for 90 s');
    const server = await startServer(context, { name: 'server', repository: fromHome('models') });
    const percent = await idlePercent(server.pids, context);
    await server.stop();
    return percent;
  },
  bounds: (percent) => [
    {
      id: 'idle',
      what: 'CPU of the whole tree with the shipped models, not asked',
      holds: 'at most',
      limit: 0.5,
      unit: '% of a core',
      measured: spreadOf(percent === undefined ? [] : [percent]),
      needs: '--parts idle',
    },
  ],
};
