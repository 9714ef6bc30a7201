import { Problem } from '../../errors/problem.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';

/** The state of the server, as this process knows it. */
export interface Lifecycle {
  /** All processes have been ready once, and the models of this one passed their self-test recently. */
  readonly serving: boolean;
  readonly draining: boolean;
}

/** `GET /health/live`: the process answers. */
export const liveRoute: Methods = { GET: (c) => answerJson(c, '{"status":"live"}') };

/** @throws {Problem} draining or not_ready */
export function requireServing({ draining, serving }: Lifecycle): void {
  if (draining) throw new Problem('draining');
  if (!serving) throw new Problem('not_ready');
}

/** `GET /health/ready`: the server predicts. A process that can't closes its listener, so this one answers for all. */
export function readyRoute(lifecycle: Lifecycle): Methods {
  return {
    GET: (c) => {
      requireServing(lifecycle);
      return answerJson(c, '{"status":"ready"}');
    },
  };
}
