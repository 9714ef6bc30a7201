import type { Encoder } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { VersionState } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';

/**
 * Stands for a default model that this process has not opened: clients shall try again, since another process may have
 * it. Where no process has one, there is no default model. It takes no rows, and is never among the served models.
 */
export function unavailableModel(name: string, versions: readonly VersionState[]): Model {
  const isServed = versions.some((one) => one.name === name && one.served);
  const refuse = (): never => {
    if (isServed) throw new Problem('not_ready');
    throw new Problem('model_not_found', {
      detail: 'No default model is loaded; GET /models lists the others.',
    });
  };
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
