import { canonicalDomain } from './node.ts';
import type { NewField, RewriteField } from './rewrite.ts';
import { rewriteMessage } from './rewrite.ts';
import * as field from './wireFields.ts';
import { readMessage, smallCount } from './wireFields.ts';
import { writeOpset } from './write.ts';

/** Fields of a GraphProto. */
export const GRAPH = { node: 1, tensor: 5, output: 12 } as const;

/** The version that is declared for the standard operators where a file uses none of them. */
const STANDARD_VERSION = 13;

/** The version of the standard operators that a file is written for; undefined if it uses none. */
export function standardVersion(bytes: Uint8Array): number | undefined {
  let found: number | undefined;
  const opset = field.bytes((raw) => {
    let [domain, version] = ['', 0];
    readMessage(raw, 'an operator set', {
      1: field.text((value) => (domain = canonicalDomain(value))),
      2: field.int64((value) => (version = smallCount(value, 1_000_000, 'an operator set version'))),
    });
    if (domain === '') found = version;
  });
  readMessage(bytes, 'the file', { 8: opset });
  return found;
}

/**
 * Edits the graph of an ONNX file; all else stays as it is, byte by byte. What is added may use the standard operators.
 *
 * @throws {OnnxRefused} when the file is damaged
 */
export function editGraph(
  bytes: Uint8Array,
  fields: Readonly<Record<number, RewriteField>>,
  added: readonly NewField[] = [],
): Uint8Array {
  const edited = rewriteMessage(bytes, 'the file', {
    7: (graph) => rewriteMessage(graph, 'the graph', fields, added),
  });
  return edited === bytes || standardVersion(bytes) !== undefined
    ? edited
    : rewriteMessage(edited, 'the file', {}, [[8, writeOpset('', STANDARD_VERSION)]]);
}
