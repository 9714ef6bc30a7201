import type { Done, OpenTask } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import { columnFeed } from '../model/signature.ts';
import type { Memory } from './laneMemory.ts';

/** How the model's rows are run, as far as that is known before it is opened. */
function batchedOf({ engine, signature }: Model): OpenTask['batched'] {
  const { batching, batchingReason } = engine;
  if (batching !== undefined)
    return { decided: true, how: { batching, ...(batchingReason !== undefined && { batchingReason }) } };
  if (signature.batching === undefined) return undefined;
  return { decided: false, how: { batching: 'row', batchingReason: 'model.json demands it' } };
}

/**
 * The task that opens a model: with both paths where the fast one is to be tried, else with the chosen one.
 *
 * @param onnx the content of its file, if that was read and checked already
 */
export function openTask(model: Model, memory: Memory, onnx?: Uint8Array): OpenTask {
  const { key, path, signature, output, golden, probes, mixed, engine, fast } = model;
  const whole = {
    path,
    sha256: signature.sha256,
    // Empty: it was handed to another thread.
    ...(onnx && onnx.byteLength > 0 ? { bytes: onnx } : {}),
    columns: signature.inputs.map(columnFeed),
  };
  return {
    kind: 'open',
    model: key,
    output,
    whole: engine.path === 'lifted' ? undefined : whole,
    fast: fast?.path,
    probes: fast?.probes ?? { whole: probes, fast: undefined },
    mixed,
    batched: batchedOf(model),
    golden: golden?.answers ?? new Float64Array(0),
    ...memory,
  };
}

/** The model as it is served after a thread has opened it. @param opened why its fast path was not taken, and how rows are run */
export function withChosenPath(model: Model, { refusal, batched }: Pick<Done, 'refusal' | 'batched'>): Model {
  const { fast, ...rest } = model;
  // Once that is decided, no thread needs the rows that show it.
  const decided = batched && { mixed: undefined };
  if (!fast || model.engine.path === 'lifted')
    return batched ? { ...model, ...decided, engine: { ...model.engine, ...batched } } : model;
  if (refusal !== undefined)
    return { ...rest, ...decided, engine: { ...model.engine, reason: refusal, ...batched } };
  return { ...model, ...decided, encoder: fast.encoder, engine: { ...fast.engine, ...batched } };
}
