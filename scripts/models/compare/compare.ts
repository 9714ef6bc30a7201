import type { Model } from '../../../server/model/model.ts';
import { createComparison } from '../../../server/observers/shadow/compare.ts';
import type { Label } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import { predictionOf, score } from '../openVersion.ts';
import type { OpenExplanation } from '../openExplanation.ts';
import type { FileRows } from '../readRows.ts';
import type { Moved } from './movedColumns.ts';
import { findMoved } from './movedColumns.ts';

/** Rows that are shown: those that differ most. */
const MAX_SHOWN = 10;

type Prediction = Label | readonly Label[];

interface Change {
  readonly row: number;
  readonly before: Prediction;
  readonly after: Prediction;
  /** Largest difference of a class's probability, or of the value; null where the classes are others. */
  readonly difference: number | null;
}

/** What would change if the second version served in the place of the first. */
export interface Comparison {
  readonly models: readonly [string, string];
  readonly rows: number;
  /** Rows with another label; 0 for values. */
  readonly flips: number;
  readonly flipRate: number;
  readonly meanDifference: number | null;
  readonly maxDifference: number | null;
  /** Rows by label before and after. */
  readonly labels: readonly { readonly label: string; readonly before: number; readonly after: number }[];
  /** The rows that differ most: flipped ones first. */
  readonly changes: readonly Change[];
  /** With --explain. */
  readonly moved?: Moved;
}

/** Opens a version to explain it. */
export type Explain = (model: Model) => Promise<OpenExplanation>;

function countLabels(before: readonly unknown[], after: readonly unknown[]): Comparison['labels'] {
  const names = [...new Set([...before, ...after].map(String))].sort();
  const count = (labels: readonly unknown[], name: string): number =>
    labels.filter((label) => String(label) === name).length;
  return names.map((label) => ({ label, before: count(before, label), after: count(after, label) }));
}

/** @throws {Failure} when the two can't be compared, or one doesn't take the rows */
export async function compareOn(
  model: Model,
  other: Model,
  rows: FileRows,
  explain?: Explain,
): Promise<Comparison> {
  const compare = createComparison(model.output, other.output);
  if (!compare)
    throw new Failure(
      `${model.id} and ${other.id} can't be compared: they don't give the same kind of answer`,
    );
  const answers = await score(model, rows);
  const others = await score(other, rows);
  const differences = rows.data.map((_, row) => ({ row, ...compare(answers, others, row) }));
  const before = rows.data.map((_, row) => predictionOf(model, answers, row));
  const after = rows.data.map((_, row) => predictionOf(other, others, row));
  const flips = differences.filter(({ flipped }) => flipped).length;
  const scores = differences.map(({ score: value }) => value).filter((value) => !Number.isNaN(value));
  const changed = differences
    .filter(({ flipped, score: value }) => flipped || value > 0)
    .sort((a, b) => Number(b.flipped) - Number(a.flipped) || b.score - a.score);
  const rowsThatMoved = flips > 0 ? changed.filter(({ flipped }) => flipped) : changed;
  const moved =
    explain &&
    findMoved(
      [await explain(model), await explain(other)],
      { columns: rows.columns, data: rowsThatMoved.map(({ row }) => rows.data[row] as readonly unknown[]) },
      rowsThatMoved.map(({ row }) => after[row]),
    );
  return {
    models: [model.id, other.id],
    rows: rows.data.length,
    flips,
    flipRate: flips / rows.data.length,
    meanDifference:
      scores.length === 0 ? null : scores.reduce((sum, value) => sum + value, 0) / scores.length,
    maxDifference: scores.length === 0 ? null : scores.reduce((most, value) => Math.max(most, value), 0),
    labels: model.output.task === 'classification' ? countLabels(before, after) : [],
    changes: changed.slice(0, MAX_SHOWN).map(({ row, score: value }) => ({
      row,
      before: before[row] as Prediction,
      after: after[row] as Prediction,
      difference: Number.isNaN(value) ? null : value,
    })),
    ...(moved && { moved }),
  };
}

const show = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(4))));

function describeMoved({ rows, space, base, columns }: Moved): string[] {
  const signed = (value: number): string => (value > 0 ? '+' : '') + show(value);
  return [
    `columns that moved the answers of ${rows} changed rows, by difference of contributions (${space}; the base by ${signed(base)}):`,
    ...columns.map(
      ({ column, size, mean }) => `  ${column}: ${show(size)} in sum, ${signed(mean)} on average`,
    ),
  ];
}

/** The comparison for a terminal. */
export function describe({ models, rows, flips, flipRate, ...result }: Comparison): string {
  const [first, second] = models;
  const lines = [
    `${rows} rows, ${first} -> ${second}`,
    `labels that change: ${flips} (${(100 * flipRate).toFixed(2)} %)`,
    `score difference: mean ${show(result.meanDifference)}, max ${show(result.maxDifference)}`,
    ...result.labels.map(({ label, before, after }) => `  ${JSON.stringify(label)}: ${before} -> ${after}`),
    ...(result.changes.length > 0 ? ['rows that change most (counted from 0):'] : []),
    ...result.changes.map(
      ({ row, before, after, difference }) =>
        `  row ${row}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}, difference ${show(difference)}`,
    ),
  ];
  if (result.moved) lines.push(...describeMoved(result.moved));
  return `${lines.join('\n')}\n`;
}
