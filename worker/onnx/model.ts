import * as field from './wireFields.ts';
import { readMessage, smallCount } from './wireFields.ts';
import type { OnnxGraph } from './graph.ts';
import { readGraph } from './graph.ts';
import { canonicalDomain } from './node.ts';
import { OnnxRefused } from './onnxRefused.ts';
import { withoutZipMap } from './withoutZipMap.ts';

/** An ONNX file, decoded down to its nodes: attributes stay bytes. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Version of each operator set, by domain; '' is the standard one. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
  /** OperatorSetIdProtos and FunctionProtos, undecoded. */
  readonly rawOpsets: readonly Uint8Array[];
  readonly rawFunctions: readonly Uint8Array[];
  /** Domains for which the file defines operators of its own. */
  readonly functionDomains: readonly string[];
}

const MAX_OPSETS = 1_000;
const MAX_VERSION = 1_000_000;

function readOpset(raw: Uint8Array): [domain: string, version: number] {
  let domain = '';
  let version = 0;
  readMessage(raw, 'an operator set', {
    1: field.text((value) => (domain = canonicalDomain(value))),
    2: field.int64((value) => (version = smallCount(value, MAX_VERSION, 'an operator set version'))),
  });
  return [domain, version];
}

function readFunctionDomain(raw: Uint8Array): string {
  let domain = '';
  readMessage(raw, 'a function', { 10: field.text((value) => (domain = canonicalDomain(value))) });
  return domain;
}

/**
 * Reads an ONNX file, as it is run: without ZipMap.
 *
 * @throws {OnnxRefused} when it is damaged, or unusual in a way that isn't supported
 */
export function readModel(bytes: Uint8Array): OnnxModel {
  const rawOpsets: Uint8Array[] = [];
  const rawFunctions: Uint8Array[] = [];
  let irVersion = 0;
  let graph = undefined as Uint8Array | undefined;
  readMessage(withoutZipMap(bytes), 'the file', {
    1: field.int64((value) => (irVersion = smallCount(value, MAX_VERSION, 'the IR version'))),
    7: field.bytes((value) => {
      // By protobuf's rules the two would be merged.
      if (graph !== undefined) throw new OnnxRefused('the file has two graphs');
      graph = value;
    }),
    8: field.bytes((value) => {
      if (rawOpsets.push(value) > MAX_OPSETS) throw new OnnxRefused('the file has too many operator sets');
    }),
    25: field.bytes((value) => rawFunctions.push(value)),
  });
  if (graph === undefined) throw new OnnxRefused('the file holds no graph');
  return {
    irVersion,
    opsets: new Map(rawOpsets.map(readOpset)),
    graph: readGraph(graph),
    rawOpsets,
    rawFunctions,
    functionDomains: rawFunctions.map(readFunctionDomain),
  };
}
