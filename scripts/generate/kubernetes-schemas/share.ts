import type { Schema } from './schema.ts';
import { mapParts } from './schema.ts';

/** A part that is shorter isn't worth a name. */
const MIN_LENGTH = 120;

/** Writes each part that stands in a schema more than once down once: a pod is in some kinds a dozen times. */
export function shareParts(schema: Schema): Schema {
  const seen = new Map<string, number>();
  const count = (part: Schema): Schema => {
    const text = JSON.stringify(part);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    // What stands in a part that is shared stands there once.
    return times === 0 ? mapParts(part, count) : part;
  };
  mapParts(schema, count);

  const names = new Map<string, string>();
  const definitions: Record<string, Schema> = {};
  const share = (part: Schema): Schema => {
    const text = JSON.stringify(part);
    if (text.length < MIN_LENGTH || (seen.get(text) ?? 0) < 2) return mapParts(part, share);
    let name = names.get(text);
    if (name === undefined) {
      name = String(names.size + 1);
      names.set(text, name);
      definitions[name] = mapParts(part, share);
    }
    return { $ref: `#/definitions/${name}` };
  };
  const shared = mapParts(schema, share);
  return { ...shared, definitions };
}
