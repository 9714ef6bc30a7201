import type { Model } from './model.ts';

/** Derives something from each model once, at the first use; it is collected with the model. */
export function perModel<T>(make: (model: Model) => T): (model: Model) => T {
  const made = new WeakMap<Model, T>();
  return (model) => {
    const known = made.get(model);
    if (known !== undefined || made.has(model)) return known as T;
    const value = make(model);
    made.set(model, value);
    return value;
  };
}
