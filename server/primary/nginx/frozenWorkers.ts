import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMainThread } from '../../platform/procStat.ts';

const LOOK_MS = 500;
/** A worker that is stopped for so long doesn't go on by itself. */
const STOPPED_MS = 2000;

/** nginx's workers, by the file in which its master says who it is; none where it doesn't run. */
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
 * Looks for workers of nginx that are stopped in their tracks: what they hold would wait for ever. Its master replaces
 * those that end.
 *
 * @returns stops the watch
 */
export function watchProxy(runtime: string, onStopped: (pid: number) => void): () => void {
  let since = new Map<number, number>();
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // Everything stood still: they may be about to go on.
    if (now - last > 2 * LOOK_MS) since.clear();
    last = now;
    const stopped = workersOf(runtime).filter((pid) => readMainThread(pid)?.state === 'T');
    since = new Map(stopped.map((pid) => [pid, since.get(pid) ?? now]));
    for (const [pid, from] of since) if (now - from >= STOPPED_MS) onStopped(pid);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
