import type { Surroundings } from '../../cli/tool.ts';

const LIVE_MS = 200;
const PLAIN_MS = 2000;

/** Shows a line of progress until it is told to stop: a live one on a terminal, else a new one every two seconds. */
export function showProgress(line: () => string, terminal: Surroundings['stderr']): () => void {
  const live = terminal.isTTY === true;
  // \x1b[K clears what a longer line left; a wrapped line couldn't be overwritten.
  const write = (): void =>
    void terminal.write(live ? `\r${line().slice(0, (terminal.columns ?? 80) - 1)}\x1b[K` : `${line()}\n`);
  const timer = setInterval(write, live ? LIVE_MS : PLAIN_MS);
  return () => {
    clearInterval(timer);
    if (live) terminal.write('\r\x1b[K');
  };
}
