import type { LoadReport } from '../../../server/testing/load.ts';

/** The consequences of a fault. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly times: number;
  /** Right answers. */
  readonly right: number;
  /** Requests that got another answer, or none. */
  readonly lost: number;
  /** Requests on connections that were cut before an answer, sent again as RFC 9110, 9.2.2 has it. */
  readonly resent: number;
  /** Connections that could not be made. */
  readonly refused: number;
  readonly longestGapMs: number;
  /** From each fault until the server had recovered. */
  readonly recoveryMs: readonly number[];
  /** How often /health/ready answered 200 and the prediction after it failed. */
  readonly lies: number;
  /** Processes, ports and files that were left behind. */
  readonly left: readonly string[];
  readonly mayLose?: string;
  readonly mayRefuse?: string;
  /** Why it failed, a sentence each; empty when it held. */
  readonly faults: readonly string[];
  /** Why it was skipped. */
  readonly skipped?: string;
}

const isRefused = (failure: string): boolean => failure.includes('ECONNREFUSED');

/** Connections that could not be made: nothing was sent. */
export const refusedOf = ({ refused, failures }: LoadReport): number =>
  refused + failures.filter(isRefused).length;

/** How many requests of a load were lost. */
export const lostOf = ({ wrong, errors, failures }: LoadReport): number =>
  wrong.length + errors.length + failures.filter((failure) => !isRefused(failure)).length;

/** Counts of what was lost, by reason. */
export function describeLoss({ wrong, errors, failures }: LoadReport): string {
  const counts = new Map<string, number>();
  for (const one of [...errors, ...failures]) {
    const reason = one.replace(/^[^:]*: /, '');
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  if (wrong.length > 0) counts.set('wrong', wrong.length);
  return [...counts].map(([reason, count]) => `${count} × ${reason}`).join(', ');
}
