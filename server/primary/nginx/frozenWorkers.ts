import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { BEAT_MS, onBeat } from '../../platform/beat.ts';
import { readMainThread } from '../../platform/procStat.ts';

/** A worker that is seen stopped for this long doesn't continue by itself: at three beats, one of which may be early. */
const STOPPED_MS = 1.5 * BEAT_MS;

/** The pids of nginx's workers, by its pid file; none where it doesn't run. */
function workersOf(runtime: string): number[] {
  try {
    const master = readFileSync(join(runtime, 'nginx.pid'), 'utf8').trim();
    const children = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

/**
 * Kills workers of nginx that are stopped, since their requests would wait forever. nginx's master replaces them.
 *
 * @returns stops the watch
 */
export function killFrozenWorkers(runtime: string, log: Logger): () => void {
  const killWorker = (pid: number): void => {
    log.error({ process: pid }, 'a worker of nginx is stopped and is killed');
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just exited.
    }
  };
  let since = new Map<number, number>();
  return onBeat((lateMs) => {
    const now = performance.now();
    // The whole machine stood still: the workers may be about to continue.
    if (lateMs > BEAT_MS) since.clear();
    const stopped = workersOf(runtime).filter((pid) => readMainThread(pid)?.state === 'T');
    since = new Map(stopped.map((pid) => [pid, since.get(pid) ?? now]));
    for (const [pid, from] of since) if (now - from >= STOPPED_MS) killWorker(pid);
  });
}
