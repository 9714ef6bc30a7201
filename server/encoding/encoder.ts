import type { Matrix, TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors/problem.ts';
import type { Encoder } from '../model/rows.ts';
import { MAX_LISTED, Problem } from '../errors/problem.ts';
import type { Input, Signature } from '../model/signature.ts';
import type { EncodeCell } from './cells.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import { createColumnFinder } from './columns.ts';
import type { Fault } from '../errors/refusals.ts';
import { createRefusalCounts } from '../errors/refusals.ts';
import { createSlab } from './slab.ts';
import type { Warning } from '../model/rows.ts';
import type { CellWriter } from './cellWriters.ts';
import { createColumnWriters } from './cellWriters.ts';
import { createWarner } from './warnings.ts';

const TOO_MANY = 'So many rows take more memory than one request may have. Send fewer at a time.';

interface Column<M extends Matrix> {
  readonly input: Input;
  readonly encode: EncodeCell<M>;
}

interface Layout<M extends Matrix> {
  readonly writers: readonly CellWriter<M>[];
  readonly width: number;
  readonly cellBytes: 8 | 4;
  /** All zeros. */
  readonly allocate: (cells: number) => M;
  readonly textsTravel: boolean;
}

/** The encoder for the whole graph: Float64 [rows, columns]. */
export function createEncoder({ inputs }: Pick<Signature, 'inputs'>): Encoder {
  return createMatrixEncoder(inputs, {
    writers: createColumnWriters(inputs),
    width: inputs.length,
    cellBytes: 8,
    allocate: createSlab(Float64Array, 8),
    textsTravel: true,
  });
}

/** The encoder for a lifted model: Float32 [rows, features]. */
export function createFeatureEncoder(
  { inputs }: Pick<Signature, 'inputs'>,
  writers: readonly CellWriter<Float32Array>[],
  features: number,
): Encoder {
  return createMatrixEncoder(inputs, {
    writers,
    width: features,
    cellBytes: 4,
    allocate: createSlab(Float32Array, 4),
    textsTravel: false,
  });
}

/** The largest matrix of one request: a model with thousands of features makes gigabytes of a body of tiny rows. */
const MAX_MATRIX_BYTES = 1024 ** 3;

const isList = (values: unknown, width: number): boolean => Array.isArray(values) && values.length === width;

const noList = (values: unknown, width: number): Fault => ({
  reason: 'row',
  message: Array.isArray(values)
    ? `expected ${width} cells, found ${values.length}`
    : 'expected a list of cells',
});

const NO_RECORD: Fault = { reason: 'row', message: 'expected an object' };

const isRecord = (values: unknown): boolean =>
  typeof values === 'object' && values !== null && !Array.isArray(values);

/** Undefined where the row lacks the name, whatever it inherits. */
const cellByName = (row: object, name: string): unknown =>
  Object.hasOwn(row, name) ? (row as Readonly<Record<string, unknown>>)[name] : undefined;

/**
 * How many cells of a record are wrong, in the time that its own names take: `{}` is three bytes of a body, and asking
 * it for each of many columns would hold up everybody. Undefined where it may lack none.
 */
function countFaults<M extends Matrix>(
  row: object,
  columns: ReadonlyMap<string, Column<M>>,
  scratch: M,
): number | undefined {
  if (Object.keys(row).length >= columns.size) return undefined;
  let faults = columns.size;
  for (const name in row) {
    const column = columns.get(name);
    if (column === undefined) continue;
    const fault = column.encode((row as Readonly<Record<string, unknown>>)[name], scratch, 0);
    if (fault === undefined || fault === TEXT) faults--;
  }
  return faults;
}

/** Counts the rows of warnings as they stand in the body, given the rows that aren't in the matrix, in order. */
function placeWarnings(warnings: readonly Warning[], refused: readonly number[]): Warning[] {
  let before = 0;
  return warnings.map((warning) => {
    while (before < refused.length && (refused[before] as number) <= warning.row + before) before++;
    return { ...warning, row: warning.row + before };
  });
}

function createMatrixEncoder<M extends Matrix>(inputs: readonly Input[], layout: Layout<M>): Encoder {
  const { writers, width, cellBytes, allocate, textsTravel } = layout;
  const columns: readonly Column<M>[] = inputs.map((input, index) => ({
    input,
    encode: createCellEncoder(input, writers[index] as CellWriter<M>),
  }));
  const byColumnName = new Map(columns.map((column) => [column.input.name, column]));
  const scratch = allocate(width);
  const find = createColumnFinder(inputs);
  const warn = createWarner(inputs);

  return {
    width,
    cellBytes,
    textsTravel,
    encode: (
      names,
      data,
      { ignoreExtra = false, skipBadRows = false } = {},
      { byName = false, lines } = {},
    ) => {
      const positions = find(names, ignoreExtra);
      const hasForm = (values: unknown): boolean =>
        byName ? isRecord(values) : isList(values, names.length);
      let wellFormed = 0;
      for (const values of data) if (hasForm(values)) wellFormed++;
      const malformed = wellFormed < data.length;
      const tooMany = wellFormed * width * cellBytes > MAX_MATRIX_BYTES;
      // A body that is refused anyway needs no matrix.
      const doomed = tooMany || (!skipBadRows && malformed);
      const cells = allocate((doomed ? 1 : wellFormed) * width);
      const texts: TextCell[] = [];
      const errors: CellError[] = [];
      const refused: number[] = [];
      let errorsTotal = 0;
      const refusals = createRefusalCounts();
      const refuse = (row: number, { reason, message }: Fault, column?: string): void => {
        refusals.add(reason, column);
        if (errorsTotal++ >= MAX_LISTED) return;
        const line = lines?.[row];
        errors.push({
          row,
          ...(line === undefined ? {} : { line }),
          ...(column === undefined ? {} : { column }),
          message,
        });
      };
      /** Rows that are in the matrix. */
      let rows = 0;
      for (let row = 0; row < data.length; row++) {
        const values = data[row];
        const errorsBefore = errorsTotal;
        const textsBefore = texts.length;
        const listed = errors.length === MAX_LISTED;
        if (malformed && !hasForm(values)) {
          refuse(row, byName ? NO_RECORD : noList(values, names.length));
          if (skipBadRows) refused.push(row);
          continue;
        }
        const faults = listed && byName ? countFaults(values as object, byColumnName, scratch) : undefined;
        if (faults !== undefined) {
          errorsTotal += faults;
          // Of which columns, nobody is told.
          refusals.add('missing', '', faults);
        } else {
          for (let column = 0; column < columns.length; column++) {
            const { input, encode } = columns[column] as Column<M>;
            const value = byName
              ? cellByName(values as object, input.name)
              : (values as readonly unknown[])[positions[column] as number];
            const fault = encode(value, cells, rows * width);
            if (fault === undefined) continue;
            if (fault === TEXT) texts.push({ row: rows, column, text: value as string });
            else refuse(row, fault, input.name);
          }
        }
        if (!doomed && errorsTotal === (skipBadRows ? errorsBefore : 0)) {
          rows++;
          continue;
        }
        // Its place is taken by the next row.
        texts.length = textsBefore;
        if (skipBadRows) refused.push(row);
        if (doomed) continue;
        // Encoders write only what isn't zero.
        cells.fill(0, rows * width, (rows + 1) * width);
      }
      if (errorsTotal > 0 && !skipBadRows)
        throw new Problem('invalid_rows', { errors, errorsTotal, refusals: refusals.all() });
      if (tooMany) throw new Problem('body_too_large', { detail: TOO_MANY });
      if (errorsTotal === 0) return { rows, cells, texts, ...warn(texts) };
      const { warnings, warningsTotal } = warn(texts);
      return {
        rows,
        cells: cells.subarray(0, rows * width),
        texts,
        warnings: placeWarnings(warnings, refused),
        warningsTotal,
        refused: { rows: refused, errors, errorsTotal, refusals: refusals.all() },
      };
    },
  };
}
