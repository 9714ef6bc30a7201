import * as field from './wireFields.ts';
import { readMessage } from './wireFields.ts';
import type { OnnxNode } from './node.ts';
import { readNode } from './node.ts';
import { OnnxRefused } from './onnxRefused.ts';
import type { OnnxTensor } from './tensor.ts';
import { readTensor } from './tensor.ts';
import type { OnnxValue } from './value.ts';
import { readValue } from './value.ts';

/** Nodes, constants, inputs and outputs that a graph has at most, together. */
const MAX_PARTS = 100_000;

/** A graph in which every name is defined once, before it is used. */
export interface OnnxGraph {
  /** In an order in which they can be run. */
  readonly nodes: readonly OnnxNode[];
  /** By name. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Some may name constants: their defaults. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** Checks that each name is defined once and before its use: then there is no cycle. */
function checkNames({ nodes, constants, inputs, outputs }: OnnxGraph): void {
  const made = new Set(constants.keys());
  const make = (name: string): void => {
    if (made.has(name)) throw new OnnxRefused('a tensor name stands for two tensors');
    made.add(name);
  };
  const use = (name: string): void => {
    if (!made.has(name)) throw new OnnxRefused('a tensor is used before it is made');
  };
  const names = inputs.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw new OnnxRefused('a graph input stands there twice');
  // An input may carry the name of a constant, which is then its default.
  for (const name of names) made.add(name);
  for (const node of nodes) {
    node.inputs.filter((name) => name !== '').forEach(use);
    node.outputs.filter((name) => name !== '').forEach(make);
  }
  for (const { name } of outputs) use(name);
}

/** @throws {OnnxRefused} when it is damaged, or its names don't fit each other */
export function readGraph(raw: Uint8Array): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, OnnxTensor>();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  let parts = 0;
  const part = (take: (bytes: Uint8Array) => void): field.Field =>
    field.bytes((bytes) => {
      if (++parts > MAX_PARTS) throw new OnnxRefused('the graph has too many parts');
      take(bytes);
    });
  const unsupported = (what: string): field.Field =>
    field.bytes(() => {
      throw new OnnxRefused(`the graph has ${what}, which are not supported`);
    });
  readMessage(raw, 'the graph', {
    1: part((bytes) => nodes.push(readNode(bytes))),
    5: part((bytes) => {
      const tensor = readTensor(bytes);
      if (constants.has(tensor.name)) throw new OnnxRefused('a tensor name stands for two tensors');
      constants.set(tensor.name, tensor);
    }),
    11: part((bytes) => inputs.push(readValue(bytes))),
    12: part((bytes) => outputs.push(readValue(bytes))),
    14: unsupported('quantization annotations'),
    15: unsupported('sparse constants'),
  });
  const graph = { nodes, constants, inputs, outputs };
  checkNames(graph);
  return graph;
}
