import { renderTable } from '../../cli/table.ts';
import type { Result } from './result.ts';

const count = (value: number): string => value.toLocaleString('en-US');

/** Milliseconds as seconds: the longest, and the median where there are several. */
function recovery(ms: readonly number[]): string {
  if (ms.length === 0) return '-';
  const sorted = [...ms].sort((a, b) => a - b);
  const seconds = (value: number | undefined): string => ((value ?? 0) / 1000).toFixed(1);
  const longest = seconds(sorted.at(-1));
  return ms.length === 1 ? `${longest} s` : `${seconds(sorted[sorted.length >> 1])} s, at most ${longest} s`;
}

const verdict = ({ faults, skipped }: Result): string =>
  skipped === undefined ? (faults.length === 0 ? 'held' : 'FAILED') : 'skipped';

/** A table with a line for each fault. */
export function renderResults(results: readonly Result[]): string {
  const header = ['Fault', 'Times', 'Right', 'Lost', 'Sent again', 'Refused', 'Recovered after', ''];
  const rows = results.map((result) => [
    result.what,
    count(result.times),
    count(result.right),
    count(result.lost),
    count(result.resent),
    count(result.refused),
    recovery(result.recoveryMs),
    verdict(result),
  ]);
  return renderTable(header, rows, 1);
}

/** What failed or was skipped, a line each. */
export const renderFaults = (results: readonly Result[]): string[] =>
  results.flatMap(({ name, faults, skipped }) =>
    skipped === undefined ? faults.map((fault) => `${name}: ${fault}`) : [`${name}: skipped: ${skipped}`],
  );
