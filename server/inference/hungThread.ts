import type { Pool } from './pool.ts';

const CHECKS_A_LIMIT = 8;

/**
 * Watches for a thread that works on one task for too long: it hangs, and a running model can't be stopped.
 *
 * @returns stops the watch
 */
export function watchSilence(pool: Pool, limitMs: number, onSilent: (thread: number) => void): () => void {
  const timer = setInterval(() => {
    const now = performance.now();
    const silent = pool.lanes.find(({ busySince }) => busySince !== undefined && now - busySince > limitMs);
    if (!silent) return;
    clearInterval(timer);
    onSilent(silent.thread);
  }, limitMs / CHECKS_A_LIMIT);
  timer.unref();
  return () => clearInterval(timer);
}
