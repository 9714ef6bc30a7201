import type { Matrix, OpenTask } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Encoder } from '../model/rows.ts';

/** The views of a model's memory that a process and one of its threads share. */
export interface Buffers {
  /** Rows of a batch at most. */
  readonly rows: number;
  /** [rows, width], as the model's encoder fills it. */
  readonly cells: Matrix;
  /** [rows, answerWidth]. */
  readonly answers: Float64Array;
}

/** A batch costs a message and its answer whatever its rows: a tenth of a request of 1,000 rows, with batches of 256. */
const MOST_FOREST_ROWS = 1024;
/** Of a batch on a forest: they take a millisecond or two, for which others wait. */
const ROWS_TIMES_TREES = 64 * 1024;
const MOST_MATRIX_BYTES = 2 ** 20;

/** Rows of a batch: more of them where they are quick. */
function rowsOf({ fast }: Model): number {
  if (fast?.path.rest.kind !== 'forest') return MAX_BATCH_ROWS;
  const quick = Math.min(
    MOST_FOREST_ROWS,
    Math.floor(ROWS_TIMES_TREES / fast.path.rest.forest.trees),
    Math.floor(MOST_MATRIX_BYTES / (fast.encoder.width * fast.encoder.cellBytes)),
  );
  return Math.max(MAX_BATCH_ROWS, quick);
}

/** Memory for a batch of encoded rows. */
const allocateMatrix = (rows: number, { width, cellBytes }: Encoder): SharedArrayBuffer =>
  new SharedArrayBuffer(rows * width * cellBytes);

/** The memory that a thread needs for a model: for the chosen path, and for a fast one that is to be tried. */
export interface Memory {
  readonly cells: OpenTask['cells'];
  readonly answers: SharedArrayBuffer;
}

export function allocateMemory(model: Model): Memory {
  const { encoder, engine, fast, output } = model;
  const rows = rowsOf(model);
  const own = allocateMatrix(rows, encoder);
  const lifted = engine.path === 'lifted';
  return {
    cells: {
      whole: lifted ? undefined : own,
      fast: lifted ? own : fast && allocateMatrix(rows, fast.encoder),
    },
    answers: new SharedArrayBuffer(rows * answerWidth(output) * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** The views for the chosen path. */
export function viewMemory({ engine, output }: Model, { cells, answers }: Memory): Buffers {
  const views = new Float64Array(answers);
  return {
    rows:
      engine.path === 'lifted' && engine.engine === 'forest'
        ? views.length / answerWidth(output)
        : MAX_BATCH_ROWS,
    cells:
      engine.path === 'lifted'
        ? new Float32Array(cells.fast as SharedArrayBuffer)
        : new Float64Array(cells.whole as SharedArrayBuffer),
    answers: views,
  };
}
