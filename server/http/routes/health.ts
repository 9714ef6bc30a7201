import { Problem } from '../../errors/problem.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';

/** What the process knows of its place in the server. */
export interface Lifecycle {
  /** All processes have been ready at least once, and this one is: its models have lately answered their golden rows. */
  readonly serving: boolean;
  readonly draining: boolean;
}

/** The process answers. */
export const liveRoute: Methods = { GET: (c) => answerJson(c, '{"status":"live"}') };

/** @throws {Problem} draining or not_ready */
export function requireServing({ draining, serving }: Lifecycle): void {
  if (draining) throw new Problem('draining');
  if (!serving) throw new Problem('not_ready');
}

/** The server predicts: a process that can't has closed its listener, so the one that answers speaks for all. */
export function readyRoute(lifecycle: Lifecycle): Methods {
  return {
    GET: (c) => {
      requireServing(lifecycle);
      return answerJson(c, '{"status":"ready"}');
    },
  };
}
