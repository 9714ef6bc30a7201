import type { LoadReport } from '../../../server/testing/load.ts';

/** What came of a fault. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly times: number;
  /** Right answers. */
  readonly right: number;
  /** Requests that were answered otherwise or not at all. */
  readonly lost: number;
  /** Of connections that were cut before an answer: sent again, as HTTP has it. */
  readonly resent: number;
  /** Connections that could not be made. */
  readonly refused: number;
  readonly longestGapMs: number;
  /** From each fault until the server was itself again. */
  readonly recoveryMs: readonly number[];
  /** Times at which /health/ready said so, and the prediction after it failed. */
  readonly lies: number;
  /** Processes, ports and files. */
  readonly left: readonly string[];
  readonly mayLose?: string;
  /** Why it failed, a sentence each; nothing: it held. */
  readonly faults: readonly string[];
  /** Why it was not done. */
  readonly skipped?: string;
}

const isRefused = (failure: string): boolean => failure.includes('ECONNREFUSED');

/** Connections that could not be made: nothing was sent. */
export const refusedOf = ({ refused, failures }: LoadReport): number =>
  refused + failures.filter(isRefused).length;

/** How many requests of a load were lost. */
export const lostOf = ({ wrong, errors, failures }: LoadReport): number =>
  wrong.length + errors.length + failures.filter((failure) => !isRefused(failure)).length;

/** What was lost, in a few words. */
export function describeLoss({ wrong, errors, failures }: LoadReport): string {
  const counts = new Map<string, number>();
  for (const one of [...errors, ...failures]) {
    const reason = one.replace(/^[^:]*: /, '');
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  if (wrong.length > 0) counts.set('wrong', wrong.length);
  return [...counts].map(([reason, count]) => `${count} × ${reason}`).join(', ');
}
