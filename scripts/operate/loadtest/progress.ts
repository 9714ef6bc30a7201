import { progressBar } from '../../cli/liveLine.ts';
import { formatCount, formatMs } from './format.ts';
import type { Recorder } from './recorder.ts';
import type { Settings } from './settings.ts';

/** How much of the test is done, 0 to 1: by time or by requests, whichever is further. */
function share(elapsedSeconds: number, requests: number, settings: Settings): number {
  const byTime = elapsedSeconds / settings.durationSeconds;
  const byAmount = Number.isFinite(settings.amount) ? requests / settings.amount : 0;
  return Math.min(1, Math.max(byTime, byAmount));
}

/** One line of progress. */
export function progressLine(recorder: Recorder, settings: Settings, elapsedSeconds: number): string {
  const failed = recorder.failures().total;
  const requests = recorder.ok + failed;
  return [
    progressBar(share(elapsedSeconds, requests, settings)),
    `${elapsedSeconds.toFixed(1)} s`,
    `${formatCount(requests / Math.max(elapsedSeconds, 0.001))} req/s`,
    `p50 ${formatMs(recorder.latency.percentile(50))}`,
    `p99 ${formatMs(recorder.latency.percentile(99))}`,
    `errors ${formatCount(failed)}`,
  ].join('  ');
}
