import { readFileSync } from 'node:fs';
import type { CompiledForest } from './compileForest.ts';
import type { Aggregate } from './ensemble.ts';
import { createFinish } from './finishScores.ts';
import { PAGE, reserveEach } from './forestMemory.ts';
import { LANES } from './packTrees.ts';

/** A compiled ensemble as one thread uses it: the nodes are shared, the rows are its own. */
export interface Forest {
  /** [maxRows, features], row by row: to be filled before `score`. */
  readonly input: Float32Array;
  /**
   * Scores the first rows of the input. A classifier's row of answers is the index of the label, then the probability
   * of each class; a regressor's is its values.
   */
  score(rows: number, answers: Float64Array): void;
}

/** Bytes of staged rows that leave room for trees in a core's second cache. */
const STAGED_BYTES = 128 * 1024;
/** Words of `Forest` in kernel.c. */
const FOREST_WORDS = 23;

/** The kernel's numbers for them. AVERAGE is a sum that finishScores.ts divides. */
const AGGREGATES: Readonly<Record<Aggregate, number>> = { SUM: 0, AVERAGE: 0, MIN: 1, MAX: 2 };
const START: Readonly<Record<Aggregate, number>> = { SUM: 0, AVERAGE: 0, MIN: Infinity, MAX: -Infinity };

/** Rows that the kernel stages at once: a multiple of eight, from 64 to 256. */
function blockRowsOf(columns: number): number {
  const fitting = Math.floor(STAGED_BYTES / (4 * (columns + 1)) / LANES) * LANES;
  return Math.min(Math.max(fitting, 64), 256);
}

let kernel: WebAssembly.Module | undefined;

function loadKernel(): WebAssembly.Module {
  kernel ??= new WebAssembly.Module(readFileSync(new URL('./kernel.wasm', import.meta.url)));
  return kernel;
}

/**
 * Prepares a compiled forest for the calling thread, with room of its own for `maxRows` rows in the forest's memory.
 *
 * @throws {EnsembleRefused} when the memory has no room for them
 */
export function createForest(compiled: CompiledForest, maxRows: number): Forest {
  const { memory, features, width, columns, nodes, roots, targets, lists } = compiled;
  if (nodes.byteOffset !== PAGE) throw new RangeError('nodes are not where the kernel reads them');
  const blockRows = blockRowsOf(columns.length);
  const place = reserveEach(memory, {
    forest: 4 * FOREST_WORDS,
    input: 4 * maxRows * features,
    staged: 4 * (columns.length + 1) * blockRows,
    scores: 4 * maxRows * width,
  });
  // `Forest` in kernel.c.
  new Uint32Array(memory.buffer, place.forest, FOREST_WORDS).set([
    roots.byteOffset,
    targets.byteOffset,
    lists.length > 0 ? lists.byteOffset : 0,
    compiled.trees,
    compiled.shift,
    Number(compiled.absolute),
    AGGREGATES[compiled.aggregate],
    columns.byteOffset,
    columns.length,
    place.input,
    features,
    place.staged,
    blockRows,
    place.scores,
    width,
  ]);
  const instance = new WebAssembly.Instance(loadKernel(), { env: { memory } });
  const walk = instance.exports['score'] as (forest: number, rows: number) => void;
  const raw = new Float32Array(memory.buffer, place.scores, maxRows * width);
  const finish = createFinish(compiled);

  return {
    input: new Float32Array(memory.buffer, place.input, maxRows * features),
    score: (rows, answers) => {
      if (!(rows >= 0 && rows <= maxRows))
        throw new RangeError(`${rows} rows are not one of 0 to ${maxRows}`);
      raw.fill(START[compiled.aggregate], 0, rows * width);
      walk(place.forest, rows);
      finish(raw, rows, answers);
    },
  };
}
