import type { Label } from './rows.ts';
import type { LoadRequest } from './requests.ts';

/** An answer whose label isn't the expected one. */
export interface Mismatch {
  /** The row in the data, counted from 0. */
  readonly row: number;
  readonly expected: Label;
  readonly got: string;
}

export type Verdict = 'right' | 'unreadable' | readonly Mismatch[];

/** Values of a regression may differ by rounding. */
const TOLERANCE = 1e-6;

function same(expected: Label, got: unknown): boolean {
  if (typeof got === 'boolean') return String(expected) === String(got);
  if (typeof got !== 'number') return String(expected) === got;
  const wanted = Number(expected);
  return Math.abs(got - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted));
}

const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/** Holds the body of a 200 against the labels that are expected for the request. `dataRows` is where rows wrap. */
export function checkAnswer({ expected, firstRow }: LoadRequest, body: string, dataRows: number): Verdict {
  if (expected === undefined) return 'right';
  let predictions: unknown;
  try {
    predictions = (JSON.parse(body) as { predictions?: unknown } | null)?.predictions;
  } catch {
    return 'unreadable';
  }
  if (!Array.isArray(predictions) || predictions.length !== expected.length) return 'unreadable';
  const got: readonly unknown[] = predictions;
  const wrong = expected.flatMap((label, index) =>
    same(label, got[index])
      ? []
      : [{ row: (firstRow + index) % dataRows, expected: label, got: show(got[index]) }],
  );
  return wrong.length === 0 ? 'right' : wrong;
}
