import type { Matrix, OpenTask } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Encoder } from '../model/rows.ts';

/** The views of a model's memory that a process and one of its threads share. */
export interface Buffers {
  /** [MAX_BATCH_ROWS, width], as the model's encoder fills it. */
  readonly cells: Matrix;
  /** [MAX_BATCH_ROWS, answerWidth]. */
  readonly answers: Float64Array;
}

/** Memory for a batch of encoded rows. */
const allocateMatrix = ({ width, cellBytes }: Encoder): SharedArrayBuffer =>
  new SharedArrayBuffer(MAX_BATCH_ROWS * width * cellBytes);

/** The memory that a thread needs for a model: for the chosen path, and for a fast one that is to be tried. */
export interface Memory {
  readonly cells: OpenTask['cells'];
  readonly answers: SharedArrayBuffer;
}

export function allocateMemory({ encoder, engine, fast, output }: Model): Memory {
  const own = allocateMatrix(encoder);
  const lifted = engine.path === 'lifted';
  return {
    cells: {
      whole: lifted ? undefined : own,
      fast: lifted ? own : fast && allocateMatrix(fast.encoder),
    },
    answers: new SharedArrayBuffer(MAX_BATCH_ROWS * answerWidth(output) * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** The views for the chosen path. */
export function viewMemory({ engine }: Model, { cells, answers }: Memory): Buffers {
  return {
    cells:
      engine.path === 'lifted'
        ? new Float32Array(cells.fast as SharedArrayBuffer)
        : new Float64Array(cells.whole as SharedArrayBuffer),
    answers: new Float64Array(answers),
  };
}
