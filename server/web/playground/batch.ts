import type { Cell, CellRemark, ModelDetails, Prediction, ProblemBody } from './api.ts';
import { predictPath, requestBody } from './api.ts';
import { send } from './calls.ts';
import { fromText } from './cells.ts';
import type { Csv } from './csv.ts';

/** Cells of one request: few enough for any body limit and a visible progress, enough for a small overhead. */
const CHUNK_CELLS = 32_000;
/** Tries for one chunk. An answer names 20 bad rows at most; the next try leaves them out. */
const TRIES = 25;

/** The answer to a row. */
export interface RowAnswer {
  readonly prediction: Prediction | readonly Prediction[];
  /** Of the predicted class. */
  readonly probability?: number;
}

export interface BatchResult {
  /** One entry a row of the file; undefined if it was refused. */
  readonly answers: readonly (RowAnswer | undefined)[];
  /** Rows count from 0, as in the file. */
  readonly errors: readonly CellRemark[];
  readonly warnings: readonly CellRemark[];
  readonly warningsTotal: number;
  /** Columns of the file that the model doesn't have: not sent. */
  readonly unused: readonly string[];
  /** Why the run ended early. */
  readonly refusal?: ProblemBody;
}

export interface BatchOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (rows: number) => void;
}

/** Selects the columns that the model has. `cells`: a row as JSON cells in the order of `columns`. */
function selectColumns({ header, rows }: Csv, { inputs }: ModelDetails) {
  const known = new Map(inputs.map((input) => [input.name, input]));
  const used = header.flatMap((name, index) => {
    const input = known.get(name);
    return input ? [{ input, index }] : [];
  });
  return {
    columns: used.map(({ input }) => input.name),
    unused: header.filter((name) => !known.has(name)),
    cells: (row: number): Cell[] => used.map(({ input, index }) => fromText(input, rows[row]?.[index] ?? '')),
  };
}

/** Rows of another width than the header's: their cells belong to no column. */
const wrongWidth = ({ header, rows }: Csv): CellRemark[] =>
  rows.flatMap(({ length }, row) =>
    length === header.length ? [] : [{ row, message: `expected ${header.length} cells, found ${length}` }],
  );

/** Predicts all rows of a file, chunk by chunk. Refused rows are listed in `errors` and left out. */
export async function predictCsv(
  model: ModelDetails,
  csv: Csv,
  { signal, onProgress }: BatchOptions,
): Promise<BatchResult> {
  const { columns, unused, cells } = selectColumns(csv, model);
  const answers: (RowAnswer | undefined)[] = csv.rows.map(() => undefined);
  const errors = wrongWidth(csv);
  const warnings: CellRemark[] = [];
  let warningsTotal = 0;
  let refusal: ProblemBody | undefined;
  const refused = new Set(errors.map(({ row }) => row));
  const path = predictPath(model);
  const chunkRows = Math.ceil(CHUNK_CELLS / Math.max(1, columns.length));

  const predictChunk = async (first: number): Promise<void> => {
    const all = csv.rows.slice(first, first + chunkRows).map((_, index) => first + index);
    for (let tries = 1; ; tries++) {
      const rows = all.filter((row) => !refused.has(row));
      if (rows.length === 0) return;
      const inFile = (remark: CellRemark): CellRemark => ({ ...remark, row: rows[remark.row] ?? first });
      const outcome = await send(path, requestBody(columns, rows.map(cells)), signal);
      if ('answer' in outcome) {
        const { predictions, probabilities, classes = [], ...more } = outcome.answer;
        rows.forEach((row, index) => {
          const prediction = predictions[index] ?? null;
          const label = Array.isArray(prediction) ? -1 : classes.indexOf((prediction as Prediction) ?? '');
          const probability = probabilities?.[index]?.[label];
          answers[row] = { prediction, ...(probability !== undefined && { probability }) };
        });
        warnings.push(...(more.warnings ?? []).map(inFile));
        warningsTotal += more.warningsTotal ?? 0;
        return;
      }
      const named = (outcome.refusal.errors ?? []).map(inFile);
      errors.push(...named);
      for (const { row } of named) refused.add(row);
      if (named.length === 0 || tries === TRIES) {
        refusal = outcome.refusal;
        return;
      }
    }
  };

  for (let first = 0; first < csv.rows.length && !refusal; first += chunkRows) {
    await predictChunk(first);
    onProgress(Math.min(first + chunkRows, csv.rows.length));
  }
  errors.sort((a, b) => a.row - b.row);
  return { answers, errors, warnings, warningsTotal, unused, ...(refusal && { refusal }) };
}
