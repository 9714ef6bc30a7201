import type { Field, Profile } from './profile.ts';
import { HEAD } from './profile.ts';
import { LEAST_ROWS, THRESHOLDS, leastRows, stabilityIndex } from './psi.ts';

export type Verdict = 'stable' | 'moderate' | 'major' | 'not_enough_rows' | 'no_training_distribution';

/** A share of the training rows, if known, and of the window's rows, if there are any. */
interface Shares {
  readonly expected: number | null;
  readonly observed: number | null;
}

/** A column, or the predictions. */
export interface FieldReport {
  readonly name: string;
  readonly verdict: Verdict;
  /** Null with too few rows. */
  readonly psi: number | null;
  /** Null if no number of rows is enough, or without training data. */
  readonly leastRows: number | null;
  /** Of texts outside the categories; only of columns with categories. */
  readonly unknown?: Shares;
  /** Only of nullable columns. */
  readonly missing?: Shares;
  readonly bins: readonly (Shares & { readonly bin: string })[];
}

/** How recent rows differ from the training data. */
export interface DriftReport {
  readonly name: string;
  readonly version: number;
  readonly verdict: Verdict;
  readonly window: {
    readonly ms: number;
    /** Answered rows. */
    readonly rows: number;
    /** Effective sample size: evenly weighted rows that are worth as much as the sampled ones. */
    readonly sampledRows: number;
    /** Fewest rows for an index. */
    readonly leastRows: number;
  };
  readonly thresholds: typeof THRESHOLDS;
  readonly columns: readonly FieldReport[];
  /** Null for a model that predicts values, without training data of them. */
  readonly predictions: FieldReport | null;
  /** Of a model that answers with several values: those that have classes, or training data. */
  readonly values?: readonly FieldReport[];
}

export function verdictOf(psi: number): Verdict {
  if (psi >= THRESHOLDS.major) return 'major';
  return psi >= THRESHOLDS.moderate ? 'moderate' : 'stable';
}

/** From best to worst. Fields without a verdict come first: they don't decide the verdict of the whole. */
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
  return { verdict: verdictOf(psi), psi, leastRows: least };
}

/** @param rows effective sample size */
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
export function reportDrift(profile: Profile, counts: Float64Array, ms: number): DriftReport {
  const weights = counts[HEAD.weights] as number;
  const squares = counts[HEAD.squares] as number;
  // Kish's effective sample size: rows of unequal weights are worth less than as many of equal weight.
  const sampledRows = squares === 0 ? 0 : weights ** 2 / squares;
  const columns = profile.columns.map((field) => reportField(field, counts, sampledRows));
  const predictions = profile.predictions ? reportField(profile.predictions, counts, sampledRows) : null;
  const values = profile.values?.map((field) => reportField(field, counts, sampledRows));
  return {
    name: profile.model,
    version: profile.version,
    verdict: worst(
      [...columns, ...(predictions ? [predictions] : []), ...(values ?? [])].map(({ verdict }) => verdict),
    ),
    window: {
      ms,
      rows: counts[HEAD.rows] as number,
      sampledRows: Math.round(sampledRows),
      leastRows: LEAST_ROWS,
    },
    thresholds: THRESHOLDS,
    columns,
    predictions,
    ...(values && { values }),
  };
}
