import type { Results } from '../results.ts';
import type { Spread } from '../statistics.ts';

/** One line of a 'Must hold' table. */
export interface Bound {
  readonly id: string;
  readonly what: string;
  /** `at most` or `at least`. */
  readonly holds: 'at most' | 'at least';
  readonly limit: number;
  /** Of `limit` and of what is measured; '' for a plain ratio. */
  readonly unit: string;
  /** Undefined when what it needs wasn't measured. */
  readonly measured: Spread | undefined;
  /** The option that measures it. */
  readonly needs: string;
}

export interface Verdict extends Bound {
  readonly verdict: 'pass' | 'fail' | 'not measured';
}

/** The bounds of one piece of work, with what a run says about them. */
export type BoundFamily = (results: Results) => Bound[];

/** The median decides: a single round may have met another program's work. */
export function judge(bound: Bound): Verdict {
  const { measured, holds, limit } = bound;
  if (!measured) return { ...bound, verdict: 'not measured' };
  const within = holds === 'at most' ? measured.median <= limit : measured.median >= limit;
  return { ...bound, verdict: within ? 'pass' : 'fail' };
}
