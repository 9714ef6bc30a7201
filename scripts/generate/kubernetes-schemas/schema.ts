/** A JSON Schema, or a part of one. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** The keywords that say what is allowed: descriptions and hints for other programs are most of the bytes. */
const KEPT = [
  ...['type', 'enum', 'required', 'pattern', 'minimum', 'maximum'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
] as const;
const LISTS = ['allOf', 'anyOf', 'oneOf'] as const;
const SINGLE = ['items', 'not'] as const;

/** Turns every schema that is directly below another one into something else. */
export function mapParts(schema: Schema, turn: (part: Schema) => unknown): Schema {
  const parts: Record<string, unknown> = { ...schema };
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) {
    const entries = Object.entries(properties as Record<string, Schema>);
    parts['properties'] = Object.fromEntries(entries.map(([name, part]) => [name, turn(part)]));
  }
  if (typeof additionalProperties === 'object') {
    parts['additionalProperties'] = turn(additionalProperties as Schema);
  }
  for (const keyword of LISTS) {
    const list = schema[keyword] as Schema[] | undefined;
    if (list !== undefined) parts[keyword] = list.map(turn);
  }
  for (const keyword of SINGLE) {
    const part = schema[keyword] as Schema | undefined;
    if (part !== undefined) parts[keyword] = turn(part);
  }
  return parts;
}

/**
 * What a cluster's own API server would refuse: unknown fields too.
 *
 * @param find the schema that a `$ref` names
 */
export function strictly(schema: Schema, find: (ref: string) => Schema): Schema {
  const { $ref: ref, properties, additionalProperties } = schema;
  if (typeof ref === 'string') return strictly(find(ref), find);
  if (schema['x-kubernetes-int-or-string'] === true || schema['format'] === 'int-or-string') {
    return { type: ['integer', 'string'], ...(schema['pattern'] ? { pattern: schema['pattern'] } : {}) };
  }
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const kept: Record<string, unknown> = {};
  for (const keyword of [...KEPT, ...LISTS, ...SINGLE, 'properties', 'additionalProperties']) {
    if (schema[keyword] !== undefined) kept[keyword] = schema[keyword];
  }
  if (
    properties !== undefined &&
    schema['type'] === 'object' &&
    additionalProperties === undefined &&
    !open
  ) {
    kept['additionalProperties'] = false;
  }
  return mapParts(kept, (part) => strictly(part, find));
}
