import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { Model } from '../model/model.ts';

export const labelsOf = ({ name, version }: Model): { model: string; version: number } => ({
  model: name,
  version,
});

/** The gauges of the models that are open in this process. */
export interface LoadedModels {
  /** @param seconds time that opening took */
  add(model: Model, seconds: number): void;
  /** False if the same version with another content has replaced the model: the gauges are that one's. */
  remove(model: Model): boolean;
}

export function createLoadedModels(registry: Registry): LoadedModels {
  const registers = [registry];
  const labelNames = ['model', 'version'] as const;
  const load = new Gauge({
    name: 'model_load_duration_seconds',
    help: 'Time to open and verify the model in all threads.',
    labelNames,
    aggregator: 'max',
    registers,
  });
  const ready = new Gauge({
    name: 'model_ready',
    help: 'Processes in which the model can predict.',
    labelNames,
    registers,
  });
  const info = new Gauge({
    name: 'model_info',
    help: 'Served model versions.',
    labelNames: ['model', 'version', 'sha256', 'engine', 'path', 'batching'],
    aggregator: 'first',
    registers,
  });
  /** By id. */
  const loaded = new Map<string, Model>();
  const facts = (model: Model): Record<string, string | number> => {
    const { engine, path, batching = 'batch' } = model.engine;
    return { ...labelsOf(model), sha256: model.signature.sha256 ?? '', engine, path, batching };
  };
  return {
    add: (model, seconds) => {
      const before = loaded.get(model.id);
      if (before) info.remove(facts(before));
      loaded.set(model.id, model);
      load.set(labelsOf(model), seconds);
      ready.set(labelsOf(model), 1);
      info.set(facts(model), 1);
    },
    remove: (model) => {
      if (loaded.get(model.id) !== model) return false;
      loaded.delete(model.id);
      load.remove(labelsOf(model));
      ready.remove(labelsOf(model));
      info.remove(facts(model));
      return true;
    },
  };
}
