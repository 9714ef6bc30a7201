import { Problem } from '../errors.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';

/** What the process knows of its place in the server. */
export interface Lifecycle {
  /** All processes have been ready at least once, and this one is. */
  readonly serving: boolean;
  readonly draining: boolean;
}

/** The process answers. */
export const liveRoute: Methods = { GET: (c) => answerJson(c, '{"status":"live"}') };

/** The server predicts: a process that can't has closed its listener, so the one that answers speaks for all. */
export function readyRoute(lifecycle: Lifecycle): Methods {
  return {
    GET: (c) => {
      if (lifecycle.draining) throw new Problem('draining');
      if (!lifecycle.serving) throw new Problem('not_ready');
      return answerJson(c, '{"status":"ready"}');
    },
  };
}
