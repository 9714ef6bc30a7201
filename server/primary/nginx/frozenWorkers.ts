import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { readMainThread } from '../../platform/procStat.ts';

const LOOK_MS = 500;
/** A worker that is stopped for this long doesn't continue by itself. */
const STOPPED_MS = 2000;

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
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // The whole machine stood still: the workers may be about to continue.
    if (now - last > 2 * LOOK_MS) since.clear();
    last = now;
    const stopped = workersOf(runtime).filter((pid) => readMainThread(pid)?.state === 'T');
    since = new Map(stopped.map((pid) => [pid, since.get(pid) ?? now]));
    for (const [pid, from] of since) if (now - from >= STOPPED_MS) killWorker(pid);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
