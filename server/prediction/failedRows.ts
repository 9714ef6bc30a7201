import { answerWidth } from '../../worker/protocol.ts';
import type { CellError } from '../errors/problem.ts';
import { MAX_LISTED, Problem } from '../errors/problem.ts';
import type { Refusal } from '../errors/refusals.ts';
import type { Scores } from '../inference/port.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows, RefusedRows, Table } from '../model/rows.ts';

/** Instead of the catalogue's sentence, where all rows match the signature. */
export const FAILED_DETAIL = "The model can't compute an answer from the values of some rows.";

const MESSAGE = "the model can't compute an answer from these values";

/** Rows of a matrix as they are numbered in the body, where those that `refused` names were left out of it. */
function placesOf(rows: readonly number[], refused: readonly number[]): number[] {
  let before = 0;
  return rows.map((row) => {
    while (before < refused.length && (refused[before] as number) <= row + before) before++;
    return row + before;
  });
}

/** The rows of [rows, width] but those that are left out, which are in order. */
function without<M extends Float64Array | Float32Array>(
  matrix: M,
  out: ReadonlySet<number>,
  width: number,
): M {
  const kept = matrix.slice() as M;
  let to = 0;
  for (let row = 0; (row + 1) * width <= matrix.length; row++) {
    if (out.has(row)) continue;
    kept.set(matrix.subarray(row * width, (row + 1) * width), to * width);
    to++;
  }
  return kept.subarray(0, to * width) as M;
}

function addRefused(
  refused: RefusedRows | undefined,
  places: readonly number[],
  lines: Table['lines'],
  refusals: readonly Refusal[],
): RefusedRows {
  const added = places.map((row): CellError => {
    const line = lines?.[row];
    return { row, ...(line === undefined ? {} : { line }), message: MESSAGE };
  });
  const byRow = (a: CellError, b: CellError): number => a.row - b.row;
  return {
    rows: [...(refused?.rows ?? []), ...places].sort((a, b) => a - b),
    errors: [...(refused?.errors ?? []), ...added.slice(0, MAX_LISTED)].sort(byRow).slice(0, MAX_LISTED),
    errorsTotal: (refused?.errorsTotal ?? 0) + added.length,
    refusals: [...(refused?.refusals ?? []), ...refusals],
  };
}

/** Rows without those that the model fails on, and their answers. */
export interface AnsweredRows {
  readonly rows: EncodedRows;
  /** [rows, answerWidth]. */
  readonly answers: Float64Array;
  /** Counts of the failed ones. */
  readonly refusals: readonly Refusal[];
}

/**
 * Leaves the failed rows out, as the encoder leaves out invalid ones.
 *
 * @throws {Problem} invalid_rows where no row may be left out
 */
export function leaveOutFailed(
  { output, encoder }: Pick<Model, 'output' | 'encoder'>,
  { lines }: Pick<Table, 'lines'>,
  rows: EncodedRows,
  scores: Scores,
  skipBadRows: boolean,
): AnsweredRows {
  const { failed = [], answers } = scores;
  const refusals: Refusal[] = [{ reason: 'model', column: '', count: failed.length }];
  const refused = addRefused(rows.refused, placesOf(failed, rows.refused?.rows ?? []), lines, refusals);
  if (!skipBadRows) {
    const { errors, errorsTotal } = refused;
    throw new Problem('invalid_rows', { detail: FAILED_DETAIL, errors, errorsTotal, refusals });
  }
  const out = new Set(failed);
  const numbers = placesOfKept(rows.rows, out);
  return {
    rows: {
      ...rows,
      rows: rows.rows - failed.length,
      cells: without(rows.cells, out, encoder.width),
      texts: rows.texts
        .filter(({ row }) => !out.has(row))
        .map((cell) => ({ ...cell, row: numbers[cell.row] as number })),
      refused,
    },
    answers: without(answers, out, answerWidth(output)),
    refusals,
  };
}

/** For each row its number among those that are kept. */
function placesOfKept(rows: number, out: ReadonlySet<number>): number[] {
  let kept = 0;
  return Array.from({ length: rows }, (_, row) => (out.has(row) ? -1 : kept++));
}
