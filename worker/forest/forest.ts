import { readFileSync } from 'node:fs';
import { refuse } from './checkEnsemble.ts';
import type { CompiledForest } from './compileForest.ts';
import type { Aggregate } from './ensemble.ts';
import { createFinish } from './finishScores.ts';

/** A compiled ensemble in a memory of its own, for one thread. */
export interface Forest {
  /** [maxRows, features], row by row: to be filled before `score`. */
  readonly input: Float32Array;
  /**
   * Scores the first rows of the input. A classifier's row of answers is the index of the label, then the probability
   * of each class; a regressor's is its values.
   */
  score(rows: number, answers: Float64Array): void;
}

const PAGE = 65_536;
/** Half of what WebAssembly can address. */
const MAX_BYTES = 2 ** 31;
/** Rows that are staged at once: BLOCK_ROWS in kernel.c. */
const BLOCK_ROWS = 64;

/** The kernel's numbers for them. AVERAGE is a sum that finishScores.ts divides. */
const AGGREGATES: Readonly<Record<Aggregate, number>> = { SUM: 0, AVERAGE: 0, MIN: 1, MAX: 2 };
const START: Readonly<Record<Aggregate, number>> = { SUM: 0, AVERAGE: 0, MIN: Infinity, MAX: -Infinity };

let kernel: WebAssembly.Module | undefined;

function loadKernel(): WebAssembly.Module {
  kernel ??= new WebAssembly.Module(readFileSync(new URL('./kernel.wasm', import.meta.url)));
  return kernel;
}

/** Allocates ranges of the memory, each at the start of a cache line. */
function createLayout(): { reserve(words: number): number; readonly bytes: number } {
  // The first page is the kernel's stack.
  let bytes = PAGE;
  return {
    reserve: (words) => {
      const at = bytes;
      bytes = at + Math.ceil((4 * words) / 64) * 64;
      return at;
    },
    get bytes() {
      return bytes;
    },
  };
}

/**
 * Copies a compiled forest into a kernel's memory, with room for `maxRows` rows.
 *
 * @throws {EnsembleRefused} when that takes more than MAX_BYTES
 */
export function createForest(compiled: CompiledForest, maxRows: number): Forest {
  const { features, width, columns, nodes, roots, targets, lists } = compiled;
  const layout = createLayout();
  const place = {
    forest: layout.reserve(14),
    nodes: layout.reserve(nodes.length),
    roots: layout.reserve(roots.length),
    targets: layout.reserve(targets.length),
    lists: layout.reserve(lists.length),
    columns: layout.reserve(columns.length),
    input: layout.reserve(maxRows * features),
    staged: layout.reserve((columns.length + 1) * BLOCK_ROWS),
    scores: layout.reserve(maxRows * width),
  };
  if (layout.bytes > MAX_BYTES) refuse(`the kernel needs ${layout.bytes} bytes, more than ${MAX_BYTES}`);
  const pages = Math.ceil(layout.bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const words = (at: number, length: number): Uint32Array => new Uint32Array(memory.buffer, at, length);
  for (const name of ['nodes', 'roots', 'targets', 'lists', 'columns'] as const) {
    words(place[name], compiled[name].length).set(compiled[name]);
  }
  // `Forest` in kernel.c.
  words(place.forest, 14).set([
    place.nodes,
    place.roots,
    place.targets,
    lists.length > 0 ? place.lists : 0,
    compiled.trees,
    compiled.shift,
    AGGREGATES[compiled.aggregate],
    place.columns,
    columns.length,
    place.input,
    features,
    place.staged,
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
