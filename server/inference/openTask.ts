import type { OpenTask } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Memory } from './laneMemory.ts';

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
