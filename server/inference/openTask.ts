import type { OpenTask, Task } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Memory } from './laneMemory.ts';

/**
 * The task that opens a model: with both paths where the fast one is to be tried, else with the chosen one.
 *
 * @param onnx the content of its file, if that was read and checked already
 */
export function openTask(
  { key, path, signature, output, golden, probes, engine, fast }: Model,
  memory: Memory,
  onnx?: Uint8Array,
): OpenTask {
  const whole = {
    path,
    sha256: signature.sha256,
    // Empty: it was handed to another thread.
    ...(onnx && onnx.byteLength > 0 ? { bytes: onnx } : {}),
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

/** The model as it is served after a thread has tried its fast path. @param refusal why the path was not taken */
export function withChosenPath(model: Model, refusal: string | undefined): Model {
  const { fast, ...rest } = model;
  if (!fast || model.engine.path === 'lifted') return model;
  if (refusal !== undefined) return { ...rest, engine: { ...model.engine, reason: refusal } };
  return { ...model, encoder: fast.encoder, engine: fast.engine };
}

/** What a task hands to the thread: the file's content, unless it is shared. */
export function handedOver(task: Task): ArrayBuffer[] {
  const buffer = task.kind === 'open' ? task.whole?.bytes?.buffer : undefined;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}
