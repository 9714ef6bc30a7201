import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';

/** The prefix of a model version's types in generated clients: `Adult` for the served version, else `AdultV1`. */
export type NameOf = (model: Model) => string;

/** A name in PascalCase. */
function identifier(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `Model${joined}`;
}

/**
 * Gives each model of a catalogue a unique name. The served version has the plain name, so that a generated client stays
 * valid for a new version with the same signature.
 */
export function nameModels(catalogue: Catalogue): NameOf {
  const names = new Map<Model, string>();
  const taken = new Set<string>();
  for (const model of catalogue.models) {
    const served = catalogue.find(model.name) === model;
    const wanted = identifier(model.name) + (served ? '' : `V${model.version}`);
    let name = wanted;
    for (let next = 2; taken.has(name); next++) name = `${wanted}_${next}`;
    taken.add(name);
    names.set(model, name);
  }
  return (model) => names.get(model) as string;
}
