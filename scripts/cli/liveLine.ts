const LIVE_MS = 200;
const PLAIN_MS = 2000;
const BAR_WIDTH = 20;

/** Where progress goes: stderr, or a test's list. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A bar that is filled to a share, 0 to 1. */
export function progressBar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}]`;
}

/**
 * Shows a line of progress: on a terminal one that is written over, else a new one every two seconds. Shows nothing
 * while the line is undefined.
 *
 * @returns ends it; what was shown live is cleared, or with `keepLast` the last line stays
 */
export function showLine(
  line: () => string | undefined,
  terminal: Terminal,
  { keepLast = false } = {},
): () => void {
  const live = terminal.isTTY === true;
  const write = (): void => {
    const text = line();
    if (text === undefined) return;
    // \x1b[K clears what a longer line left; a wrapped line couldn't be overwritten.
    terminal.write(live ? `\r${text.slice(0, (terminal.columns ?? 80) - 1)}\x1b[K` : `${text}\n`);
  };
  const timer = setInterval(write, live ? LIVE_MS : PLAIN_MS);
  return () => {
    clearInterval(timer);
    if (keepLast) write();
    if (live) terminal.write(keepLast ? '\n' : '\r\x1b[K');
  };
}
