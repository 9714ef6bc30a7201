import type { CellError } from '../errors/problem.ts';
import type { ExplainCell } from '../model/rows.ts';
import { MAX_LISTED } from '../errors/problem.ts';
import type { Fault, Refusal, RefusalCounts } from '../errors/refusals.ts';
import { createRefusalCounts } from '../errors/refusals.ts';

/** What is wrong with the rows of one request. Plain data rather than closures: every request makes one. */
export interface RowFaults {
  /** All of them, also those that aren't listed. */
  total: number;
  /** The first MAX_LISTED. */
  readonly errors: CellError[];
  /** All of them, by reason and column; made at the first. */
  counts: RefusalCounts | undefined;
  /** For each row of a file the line that it begins on. */
  readonly lines: readonly number[] | undefined;
  readonly explain: ExplainCell | undefined;
}

export const createRowFaults = (
  lines: readonly number[] | undefined,
  explain: ExplainCell | undefined,
): RowFaults => ({
  total: 0,
  errors: [],
  counts: undefined,
  lines,
  explain,
});

export function addFault(faults: RowFaults, row: number, { reason, message }: Fault, column?: string): void {
  (faults.counts ??= createRefusalCounts()).add(reason, column);
  if (faults.total++ >= MAX_LISTED) return;
  const line = faults.lines?.[row];
  faults.errors.push({
    row,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    message,
  });
}

/** Counts missing cells that aren't listed. */
export function addMissing(faults: RowFaults, count: number): void {
  (faults.counts ??= createRefusalCounts()).add('missing', '', count);
  faults.total += count;
}

export const countsOf = ({ counts }: RowFaults): readonly Refusal[] => counts?.all() ?? [];
