import { formatCount, formatMs } from './format.ts';
import type { Recorder } from './recorder.ts';
import type { Settings } from './settings.ts';

const LIVE_MS = 200;
const PLAIN_MS = 2000;
const BAR_WIDTH = 20;

/** Where progress goes: stderr, or a test's list. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const count = (recorder: Recorder): number => recorder.ok + recorder.failures().total;

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
  const full = Math.round(share(elapsedSeconds, requests, settings) * BAR_WIDTH);
  return [
    `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}]`,
    `${elapsedSeconds.toFixed(1)} s`,
    `${formatCount(requests / Math.max(elapsedSeconds, 0.001))} req/s`,
    `p50 ${formatMs(recorder.latency.percentile(50))}`,
    `p99 ${formatMs(recorder.latency.percentile(99))}`,
    `errors ${formatCount(failed)}`,
  ].join('  ');
}

/** Shows progress until it is told to stop: one live line on a terminal, else a line every two seconds. */
export function showProgress(recorder: Recorder, settings: Settings, terminal: Terminal): () => void {
  const live = terminal.isTTY === true;
  const startMs = performance.now();
  const line = (): string => progressLine(recorder, settings, (performance.now() - startMs) / 1000);
  const timer = setInterval(
    () => {
      // \x1b[K clears what a longer line left; a wrapped line couldn't be overwritten.
      if (live) terminal.write(`\r${line().slice(0, (terminal.columns ?? 80) - 1)}\x1b[K`);
      else if (count(recorder) > 0) terminal.write(`${line()}\n`);
    },
    live ? LIVE_MS : PLAIN_MS,
  );
  return () => {
    clearInterval(timer);
    if (live) terminal.write('\r\x1b[K');
  };
}
