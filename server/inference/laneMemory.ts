import type { Matrix, OpenTask } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Encoder } from '../model/rows.ts';

/** Memory that a process and one of its threads share for a model. */
export interface Buffers {
  /** [MAX_BATCH_ROWS, width], as the model's encoder makes it. */
  readonly cells: Matrix;
  /** [MAX_BATCH_ROWS, answerWidth]. */
  readonly answers: Float64Array;
}

/** Room for a batch, as an encoder makes it. */
export const allocateMatrix = ({ width, cellBytes }: Encoder): SharedArrayBuffer =>
  new SharedArrayBuffer(MAX_BATCH_ROWS * width * cellBytes);

/** The memory that a model's threads need: for the path in force, and for the one that is to be tried. */
export interface Memory {
  readonly cells: OpenTask['cells'];
  readonly answers: SharedArrayBuffer;
}

export function allocate({ encoder, engine, fast, output }: Model): Memory {
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

/** The views of the path in force. */
export function view({ engine }: Model, { cells, answers }: Memory): Buffers {
  return {
    cells:
      engine.path === 'lifted'
        ? new Float32Array(cells.fast as SharedArrayBuffer)
        : new Float64Array(cells.whole as SharedArrayBuffer),
    answers: new Float64Array(answers),
  };
}
