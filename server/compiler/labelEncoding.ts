import type { Label } from '../../worker/protocol.ts';
import type { OnnxNode } from '../../worker/onnx/node.ts';

/** Labels of a graph: texts or integers. */
export type Labels = readonly Exclude<Label, boolean>[];

/** The list that a node holds under one of these names. */
export function listOf({ attributes }: OnnxNode, ...names: readonly string[]): Labels | undefined {
  for (const name of names) {
    const attribute = attributes.get(name);
    const found = attribute && (name.endsWith('strings') ? attribute.strings() : attribute.ints());
    if (found && found.length > 0) return found;
  }
  return undefined;
}

/** The classes as a LabelEncoder encodes them; undefined if it doesn't know one of them. */
export function encodeLabels(encoder: OnnxNode, classes: Labels): Labels | undefined {
  const keys = listOf(encoder, 'keys_strings', 'keys_int64s') ?? [];
  const values = listOf(encoder, 'values_strings', 'values_int64s') ?? [];
  const names = new Map(keys.map((key, at) => [key, values[at]]));
  const encoded = classes.flatMap((name) => names.get(name) ?? []);
  return encoded.length === classes.length ? encoded : undefined;
}
