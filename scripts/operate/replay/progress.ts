import type { Surroundings } from '../../cli/tool.ts';

const LIVE_MS = 200;
const PLAIN_MS = 2000;
const BAR_WIDTH = 20;

/** How far a replay is. */
export interface State {
  readonly total: number;
  readonly startMs: number;
  answered: number;
  failed: number;
  /** The last answer, short. */
  last: string;
}

/** One line of progress. */
export function progressLine(state: State, nowMs: number): string {
  const done = state.answered + state.failed;
  const full = Math.round((done / state.total) * BAR_WIDTH);
  const seconds = Math.max((nowMs - state.startMs) / 1000, 0.001);
  return [
    `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}]`,
    `${done} of ${state.total} rows`,
    `${(done / seconds).toFixed(1)} rows/s`,
    `errors ${state.failed}`,
    ...(state.last === '' ? [] : [`last ${state.last}`]),
  ].join('  ');
}

/** Shows progress until it is told to stop: one live line on a terminal, else a line every two seconds. */
export function showProgress(state: State, terminal: Surroundings['stderr']): () => void {
  const live = terminal.isTTY === true;
  const write = (): void => {
    const line = progressLine(state, performance.now());
    // \x1b[K clears what a longer line left; a wrapped line couldn't be overwritten.
    terminal.write(live ? `\r${line.slice(0, (terminal.columns ?? 80) - 1)}\x1b[K` : `${line}\n`);
  };
  const timer = setInterval(write, live ? LIVE_MS : PLAIN_MS);
  return () => {
    clearInterval(timer);
    write();
    if (live) terminal.write('\n');
  };
}
