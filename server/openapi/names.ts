import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';

/** How a generated client calls the types of a model version: `Adult` where it is the one served, else `AdultV1`. */
export type NameOf = (model: Model) => string;

/** A name as an identifier: letters and digits, the first of each word large. */
function identifier(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `Model${joined}`;
}

/**
 * Names every model of a catalogue, each differently. A new version takes over the plain name when it is served, so
 * that the code made for a model stays valid as long as the signature does.
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
