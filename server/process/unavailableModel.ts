import type { Encoder } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';

const refuse = (): never => {
  throw new Problem('not_ready');
};

/**
 * Stands for the default model where this process has none: another process may have it, so whoever asks is to come
 * back. It takes no rows, and is never among the models that answer.
 */
export function unavailableModel(name: string): Model {
  const encoder: Encoder = { width: 0, cellBytes: 8, textsTravel: false, encode: refuse };
  return {
    name,
    version: 0,
    id: `${name}/0`,
    key: `${name}/0`,
    path: '',
    signature: { task: 'regression', inputs: [], outputs: { value: '' } },
    encoder,
    output: { task: 'regression', value: '' },
    golden: undefined,
    probes: { rows: 0, cells: new Float64Array(0), texts: [] },
    engine: { engine: 'onnxruntime', path: 'whole' },
  };
}
