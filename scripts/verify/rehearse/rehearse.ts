import type { LoadReport } from '../../../server/testing/load.ts';
import { startLoad } from '../../../server/testing/load.ts';
import { readCases } from './cases.ts';
import type { Stack, StackOptions } from './stack.ts';
import { createStack } from './stack.ts';
import { withSwarm } from './swarm.ts';

export interface RehearsalOptions extends Omit<StackOptions, 'until'> {
  /** Replicas at first, and the counts that they are scaled to. */
  readonly replicas: number;
  readonly scales: readonly number[];
  readonly connections: number;
  /** Called at the end of each step. */
  readonly say: (line: string) => void;
  readonly interrupt: AbortSignal;
}

/** Right answers after each step, before the next one. */
const SETTLED_ANSWERS = 300;
const POLL_MS = 100;
const MAX_MS = 1_800_000;

/**
 * Runs a stack under load: an update to another version, a killed replica, more and fewer replicas. Leaves nothing behind.
 *
 * @returns the report of the load; no request is lost if `wrong`, `errors` and `failures` are empty
 */
export async function rehearse(options: RehearsalOptions): Promise<LoadReport> {
  const { docker, port, replicas, scales, connections, say, interrupt } = options;
  const until: StackOptions['until'] = async (what, check, ms) => {
    const end = performance.now() + ms;
    while (!(await check())) {
      interrupt.throwIfAborted();
      if (performance.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  const stack: Stack = createStack({ ...options, until });
  const timed = async (step: () => Promise<void>): Promise<string> => {
    const start = performance.now();
    await step();
    return `${((performance.now() - start) / 1000).toFixed(1)} s`;
  };

  return withSwarm(docker, until, async () => {
    try {
      const start = await timed(async () => {
        await stack.deploy(1, replicas);
        await stack.openEdge();
      });
      const { cases, differing } = await readCases(`http://127.0.0.1:${port}`);
      say(
        `${replicas} replicas of adult/1 (${start}); the versions differ on ${differing} of the load's rows`,
      );

      const load = startLoad({ port, connections, cases, maxMs: MAX_MS, idPrefix: 'rehearsal' });
      const under = async (what: string, step: () => Promise<void>): Promise<void> => {
        const { right, failed } = load;
        const seconds = await timed(step);
        await load.more(SETTLED_ANSWERS, 120_000);
        say(`${what}: ${load.right - right} right answers, ${load.failed - failed} lost (${seconds})`);
      };
      try {
        await under('steady', () => load.more(SETTLED_ANSWERS, 120_000));
        await under('rolling update to adult/2', () => stack.deploy(2, replicas));
        await under('one replica killed', () => stack.killOne(replicas));
        let from = replicas;
        for (const to of scales) {
          await under(`scaled ${from} → ${to}`, () => stack.scale(to));
          from = to;
        }
      } finally {
        await load.stop();
      }
      return await load.done;
    } finally {
      await stack.remove();
    }
  });
}
