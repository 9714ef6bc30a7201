import { onBeat } from '../platform/beat.ts';
import type { Pool } from './pool.ts';

const CHECKS_PER_LIMIT = 8;

/**
 * Reports the first thread that works on one batch for longer than the limit: it hangs, and a running model can't be
 * stopped.
 *
 * @returns ends the watch
 */
export function watchHungThreads(pool: Pool, limitMs: number, onHung: (thread: number) => void): () => void {
  const stop = onBeat(() => {
    const now = performance.now();
    const hung = pool.lanes.find(
      ({ state }) => typeof state === 'object' && state.kind === 'run' && now - state.since > limitMs,
    );
    if (!hung) return;
    stop();
    onHung(hung.thread);
  }, limitMs / CHECKS_PER_LIMIT);
  return stop;
}
