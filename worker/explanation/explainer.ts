import { readFileSync } from 'node:fs';
import { reserveEach } from '../forest/forestMemory.ts';
import { MOST_POINTS } from './gaussLegendre.ts';
import type { PackedExplanation } from './packExplanation.ts';

/** Words of `Job` in kernel.c. */
const JOB_WORDS = 12;
const POINTS_BYTES = 8 * MOST_POINTS;

/** A packed explanation as one thread uses it: the trees are shared, the rows are its own. */
export interface Explainer {
  /**
   * Explains at most `mostRows` rows.
   *
   * @param cells [rows, features]
   * @returns [rows, outputs, columns]
   */
  explain(cells: Float32Array, rows: number): Float64Array;
}

let kernel: WebAssembly.Module | undefined;

function loadKernel(): WebAssembly.Module {
  kernel ??= new WebAssembly.Module(readFileSync(new URL('./explanationKernel.wasm', import.meta.url)));
  return kernel;
}

/** Prepares a packed explanation for the calling thread. @throws {EnsembleRefused} when the memory has no room */
export function createExplainer(packed: PackedExplanation): Explainer {
  const { memory, place, trees, features, outputs, columns, slots, mostRows } = packed;
  const width = outputs * columns;
  const sums = outputs * features;
  const own = reserveEach(memory, {
    job: 4 * JOB_WORDS,
    input: 4 * mostRows * features,
    phi: POINTS_BYTES * mostRows * sums,
    products: POINTS_BYTES * slots,
    sums: POINTS_BYTES * slots,
    hot: 4 * slots,
    contributions: 8 * mostRows * width,
  });
  const { buffer } = memory;
  // `Job` in kernel.c.
  new Uint32Array(buffer, own.job, JOB_WORDS).set([
    place.nodes,
    place.trees,
    trees,
    place.weights,
    place.rules,
    own.input,
    features,
    outputs,
    own.phi,
    own.products,
    own.sums,
    own.hot,
  ]);
  const { exports } = new WebAssembly.Instance(loadKernel(), { env: { memory } });
  const explain = exports['explain'] as (job: number, rows: number) => void;
  const fold = exports['fold'] as (
    job: number,
    rows: number,
    of: number,
    columns: number,
    sums: number,
  ) => void;
  const input = new Float32Array(buffer, own.input, mostRows * features);
  const phi = new Float64Array(buffer, own.phi, mostRows * sums * MOST_POINTS);
  const folded = new Float64Array(buffer, own.contributions, mostRows * width);
  return {
    explain: (cells, rows) => {
      if (!(rows >= 0 && rows <= mostRows))
        throw new RangeError(`${rows} rows are not one of 0 to ${mostRows}`);
      input.set(cells.subarray(0, rows * features));
      phi.fill(0, 0, rows * sums * MOST_POINTS);
      folded.fill(0, 0, rows * width);
      explain(own.job, rows);
      fold(own.job, rows, place.columnOf, columns, own.contributions);
      return folded.slice(0, rows * width);
    },
  };
}
