import { coalitionsOf, seedOf } from './explanation/sampling.ts';
import type { Matrix, Rows, SampledExplanation, TextCell } from './protocol.ts';
import { MAX_BATCH_ROWS } from './protocol.ts';
import type { Scorer } from './scorer.ts';

/** Explains rows by the answers to rows that mix their cells with those of background rows. */
export interface SampledExplainer {
  /** The mean answer to the background rows. */
  base(): Promise<Float64Array>;
  /** @returns the values of the coalitions of parts, counted over all rows: [count, perPart, outputs] */
  explain(rows: Rows, from: number, count: number): Promise<Float64Array>;
}

/** The texts of each row. */
function textsByRow({ rows, texts }: Rows): (readonly TextCell[])[] {
  const byRow: TextCell[][] = Array.from({ length: rows }, () => []);
  for (const cell of texts) byRow[cell.row]?.push(cell);
  return byRow;
}

interface Row {
  readonly cells: Matrix;
  readonly texts: readonly TextCell[];
}

/** Rows as they are given to the scorer, until a run is full. */
function createRun(width: number, like: Matrix) {
  const size = MAX_BATCH_ROWS * width;
  const cells = like instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  const texts: TextCell[] = [];
  let rows = 0;
  return {
    cells,
    texts,
    get rows() {
      return rows;
    },
    clear: () => {
      rows = 0;
      texts.length = 0;
    },
    /** The cells of a row in its own columns, and a background row's in the others. */
    add: (row: Row, other: Row, own: Uint8Array, columnOf: Uint32Array) => {
      const from = rows * width;
      for (let at = 0; at < width; at++)
        cells[from + at] = (own[columnOf[at] as number] === 1 ? row : other).cells[at] as number;
      for (const cell of row.texts) if (own[cell.column] === 1) texts.push({ ...cell, row: rows });
      for (const cell of other.texts) if (own[cell.column] !== 1) texts.push({ ...cell, row: rows });
      rows++;
    },
  };
}

/** @param width numbers in a row of answers */
export function createSampledExplainer(
  packed: SampledExplanation,
  scorer: Scorer,
  width: number,
): SampledExplainer {
  const { plan, background, columnOf, outputs, firstAnswer } = packed;
  const { columns, parts, perPart } = plan;
  const cellsOf = columnOf.length;
  const texts = textsByRow(background);
  const others = texts.map((own, row): Row => ({
    cells: background.cells.slice(row * cellsOf, (row + 1) * cellsOf),
    texts: own,
  }));
  const run = createRun(cellsOf, background.cells);
  const answers = new Float64Array(MAX_BATCH_ROWS * width);

  /** The mean answers of coalitions, [coalitions, outputs]. Always in the same runs, so that a row's are the same. */
  const valuesOf = async (row: Row, own: Uint8Array): Promise<Float64Array> => {
    const sets = own.length / columns;
    const values = new Float64Array(sets * outputs);
    const places: number[] = [];
    const score = async (): Promise<void> => {
      if (run.rows === 0) return;
      await scorer.score(run.cells, run.texts, run.rows, answers);
      for (const [at, set] of places.entries())
        for (let k = 0; k < outputs; k++)
          (values[set * outputs + k] as number) += answers[at * width + firstAnswer + k] as number;
      places.length = 0;
      run.clear();
    };
    run.clear();
    for (let set = 0; set < sets; set++) {
      const mask = own.subarray(set * columns, (set + 1) * columns);
      for (const other of others) {
        run.add(row, other, mask, columnOf);
        places.push(set);
        if (run.rows === MAX_BATCH_ROWS) await score();
      }
    }
    await score();
    return values.map((sum) => sum / others.length);
  };
  let mean: Promise<Float64Array> | undefined;
  return {
    base: () => (mean ??= valuesOf(others[0] as Row, new Uint8Array(columns))),
    explain: async (rows, from, count) => {
      const numbers = perPart * outputs;
      const found = new Float64Array(count * numbers);
      const own = textsByRow(rows);
      for (let at = 0; at < count; at++) {
        const [row, part] = [Math.floor((from + at) / parts), (from + at) % parts];
        const cells = rows.cells.slice(row * cellsOf, (row + 1) * cellsOf);
        const rowTexts = own[row] ?? [];
        const sets = coalitionsOf(plan, seedOf(cells, rowTexts), part);
        found.set(await valuesOf({ cells, texts: rowTexts }, sets), at * numbers);
      }
      return found;
    },
  };
}
