import type { Matrix } from '../../worker/protocol.ts';
import { Problem } from '../errors/problem.ts';
import type { Encoder } from '../model/rows.ts';
import type { Input, Signature } from '../model/signature.ts';
import type { CellWriter } from './cellWriters.ts';
import { createCellWriters } from './cellWriters.ts';
import { createBytesReader } from './bytes/bytesReader.ts';
import { createColumnFinder } from './columns.ts';
import type { MatrixRows } from './encodeRow.ts';
import { createRowEncoder } from './encodeRow.ts';
import { addFault, countsOf, createRowFaults } from './faults.ts';
import { formFault, hasForm } from './rowForm.ts';
import { createSlab } from './slab.ts';
import { createWarner, placeWarnings } from './warnings.ts';

const TOO_MANY = 'So many rows take more memory than one request may have: send fewer at a time.';

/** The largest matrix of one request: a model with thousands of features makes gigabytes of a body of tiny rows. */
const MAX_MATRIX_BYTES = 1024 ** 3;

interface Layout<M extends Matrix> {
  readonly writers: readonly CellWriter<M>[];
  readonly width: number;
  readonly cellBytes: 8 | 4;
  /** One row that is never read. */
  readonly scratch: M;
  /** All zeros. */
  readonly allocate: (cells: number) => M;
  readonly textsTravel: boolean;
}

/** The encoder for the whole graph: Float64 [rows, columns]. */
export function createEncoder({ inputs }: Pick<Signature, 'inputs'>): Encoder {
  return createMatrixEncoder(inputs, {
    writers: createCellWriters(inputs),
    width: inputs.length,
    cellBytes: 8,
    scratch: new Float64Array(inputs.length),
    allocate: createSlab(Float64Array, 8).zeros,
    textsTravel: true,
  });
}

/** The encoder for a lifted model: Float32 [rows, features]. */
export function createFeatureEncoder(
  { inputs }: Pick<Signature, 'inputs'>,
  writers: readonly CellWriter<Float32Array>[],
  features: number,
): Encoder {
  const { zeros, reserve } = createSlab(Float32Array, 4);
  const encoder = createMatrixEncoder(inputs, {
    writers,
    width: features,
    cellBytes: 4,
    scratch: new Float32Array(features),
    allocate: zeros,
    textsTravel: false,
  });
  return { ...encoder, ...createBytesReader(inputs, writers, features, reserve, createWarner(inputs)) };
}

function createMatrixEncoder<M extends Matrix>(inputs: readonly Input[], layout: Layout<M>): Encoder {
  const { writers, width, cellBytes, scratch, allocate, textsTravel } = layout;
  const encodeRow = createRowEncoder(inputs, writers, width, scratch);
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
      { byName = false, lines, explain } = {},
    ) => {
      const found = find(names, ignoreExtra);
      const positions = byName ? undefined : found;
      let wellFormed = 0;
      for (const values of data) if (hasForm(values, byName, names.length)) wellFormed++;
      const malformed = wellFormed < data.length;
      const tooMany = wellFormed * width * cellBytes > MAX_MATRIX_BYTES;
      // A body that is refused anyway needs no matrix.
      const doomed = tooMany || (!skipBadRows && malformed);
      const matrix: MatrixRows<M> = {
        cells: allocate((doomed ? 1 : wellFormed) * width),
        texts: [],
        rows: 0,
      };
      const faults = createRowFaults(lines, explain);
      const leftOut: number[] = [];
      for (let row = 0; row < data.length; row++) {
        const values = data[row];
        if (malformed && !hasForm(values, byName, names.length)) {
          addFault(faults, row, formFault(values, byName, names.length));
          if (skipBadRows) leftOut.push(row);
          continue;
        }
        const textsBefore = matrix.texts.length;
        const right = encodeRow(row, values, positions, matrix, faults);
        if (!doomed && right && (skipBadRows || faults.total === 0)) {
          matrix.rows++;
          continue;
        }
        // The next row takes its place.
        matrix.texts.length = textsBefore;
        if (skipBadRows) leftOut.push(row);
        // Encoders write only what isn't zero.
        if (!doomed) matrix.cells.fill(0, matrix.rows * width, (matrix.rows + 1) * width);
      }
      if (faults.total > 0 && !skipBadRows) {
        const { errors, total: errorsTotal } = faults;
        throw new Problem('invalid_rows', { errors, errorsTotal, refusals: countsOf(faults) });
      }
      if (tooMany) throw new Problem('body_too_large', { detail: TOO_MANY });
      const { cells, texts, rows } = matrix;
      const { warnings, warningsTotal } = warn(texts);
      if (faults.total === 0) return { rows, cells, texts, warnings, warningsTotal };
      const { errors, total: errorsTotal } = faults;
      return {
        rows,
        cells: cells.subarray(0, rows * width),
        texts,
        warnings: placeWarnings(warnings, leftOut),
        warningsTotal,
        refused: { rows: leftOut, errors, errorsTotal, refusals: countsOf(faults) },
      };
    },
  };
}
