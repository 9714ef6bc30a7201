import type { Field, Profile } from './profile.ts';
import { HEAD } from './profile.ts';
import { LEAST_ROWS, THRESHOLDS, leastRows, stabilityIndex } from './psi.ts';

export type Verdict = 'stable' | 'moderate' | 'major' | 'not_enough_rows' | 'no_training_distribution';

/** A share of the training rows, where it's known, and of those in the window, where there are any. */
interface Shares {
  readonly expected: number | null;
  readonly observed: number | null;
}

/** A column, or the predictions. */
export interface FieldReport {
  readonly name: string;
  readonly verdict: Verdict;
  /** Null unless there are enough rows to say. */
  readonly psi: number | null;
  /** Null where no number of rows is enough, or nothing is known of the training data. */
  readonly leastRows: number | null;
  /** Of texts outside the categories; only of columns that have some. */
  readonly unknown?: Shares;
  /** Only of columns that take missing values. */
  readonly missing?: Shares;
  readonly bins: readonly (Shares & { readonly bin: string })[];
}

/** How the rows of late differ from the training data. */
export interface DriftReport {
  readonly name: string;
  readonly version: number;
  readonly verdict: Verdict;
  readonly window: {
    readonly ms: number;
    /** Answered rows. */
    readonly rows: number;
    /** How many evenly weighted ones are worth as much as those that were looked at. */
    readonly sampledRows: number;
    /** Fewer are too few to say anything. */
    readonly leastRows: number;
  };
  readonly thresholds: typeof THRESHOLDS;
  readonly columns: readonly FieldReport[];
  /** None of a model that gives values, when nothing is known of those in training. */
  readonly predictions: FieldReport | null;
}

export function judge(psi: number): Verdict {
  if (psi >= THRESHOLDS.major) return 'major';
  return psi >= THRESHOLDS.moderate ? 'moderate' : 'stable';
}

/** From the best to the worst; a field that nothing can be said of says nothing of the whole. */
const ORDER: readonly Verdict[] = [
  'no_training_distribution',
  'not_enough_rows',
  'stable',
  'moderate',
  'major',
];

const worst = (verdicts: readonly Verdict[]): Verdict =>
  ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))] as Verdict;

function judgeField({ training, bins }: Field, observed: readonly number[] | undefined, rows: number) {
  if (!training) return { verdict: 'no_training_distribution' as const, psi: null, leastRows: null };
  const least = leastRows(bins.length, training.rows);
  if (least === undefined || rows < least || !observed)
    return { verdict: 'not_enough_rows' as const, psi: null, leastRows: least ?? null };
  const psi = stabilityIndex(training.shares, observed);
  return { verdict: judge(psi), psi, leastRows: least };
}

/** @param rows as many as the weighted ones are worth */
function reportField(field: Field, counts: Float64Array, rows: number): FieldReport {
  const own = Array.from(counts.subarray(field.start, field.start + field.bins.length));
  const total = own.reduce((sum, count) => sum + count, 0);
  const observed = total === 0 ? undefined : own.map((count) => count / total);
  const sharesOf = (bin: number): Shares => ({
    expected: field.training?.shares[bin] ?? null,
    observed: observed?.[bin] ?? null,
  });
  return {
    name: field.name,
    ...judgeField(field, observed, rows),
    ...(field.unknown === undefined ? {} : { unknown: sharesOf(field.unknown) }),
    ...(field.missing === undefined ? {} : { missing: sharesOf(field.missing) }),
    bins: field.bins.map((bin, at) => ({ bin, ...sharesOf(at) })),
  };
}

/** @param counts of the window, over all processes: [profile.width] */
export function reportOn(profile: Profile, counts: Float64Array, ms: number): DriftReport {
  const weights = counts[HEAD.weights] as number;
  const squares = counts[HEAD.squares] as number;
  // Kish's effective sample size: rows of different weights are worth less than as many of one weight.
  const sampledRows = squares === 0 ? 0 : weights ** 2 / squares;
  const columns = profile.columns.map((field) => reportField(field, counts, sampledRows));
  const predictions = profile.predictions ? reportField(profile.predictions, counts, sampledRows) : null;
  return {
    name: profile.model,
    version: profile.version,
    verdict: worst([...columns, ...(predictions ? [predictions] : [])].map(({ verdict }) => verdict)),
    window: {
      ms,
      rows: counts[HEAD.rows] as number,
      sampledRows: Math.round(sampledRows),
      leastRows: LEAST_ROWS,
    },
    thresholds: THRESHOLDS,
    columns,
    predictions,
  };
}
