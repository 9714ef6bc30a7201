import type { Matrix, OpenTask } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from '../../worker/protocol.ts';
import type { Encoder } from '../encoding/encoder.ts';
import type { Model } from '../model/model.ts';

/** Memory that a process and one of its threads share for a model. */
export interface Buffers {
  /** [MAX_BATCH_ROWS, width], as the model's encoder makes it. */
  readonly cells: Matrix;
  /** [MAX_BATCH_ROWS, answerWidth]. */
  readonly answers: Float64Array;
}

/** Room for a batch, as an encoder makes it. */
const allocateMatrix = ({ width, cellBytes }: Encoder): SharedArrayBuffer =>
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

/** What a thread is told to open: both paths where one is to be tried, else the one in force. */
export function openTask(
  { key, path, signature, output, golden, probes, engine, fast }: Model,
  memory: Memory,
): OpenTask {
  const whole = {
    path,
    sha256: signature.sha256,
    columns: signature.inputs.map(({ onnx, type, nullable, categories = [] }) => ({
      onnx,
      type,
      nullable,
      categories,
    })),
  };
  return {
    kind: 'open',
    model: key,
    output,
    whole: engine.path === 'lifted' ? undefined : whole,
    fast: fast?.path,
    probes: fast?.probes ?? { whole: probes, fast: undefined },
    golden: golden?.answers ?? new Float64Array(0),
    ...memory,
  };
}

/** The model as it is served once a thread has tried its fast path. */
export function settle(model: Model, refusal: string | undefined): Model {
  const { fast, ...rest } = model;
  if (!fast || model.engine.path === 'lifted') return model;
  if (refusal !== undefined) return { ...rest, engine: { ...model.engine, reason: refusal } };
  return { ...model, encoder: fast.encoder, engine: fast.engine };
}
