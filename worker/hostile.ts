import { TaskFault } from './fault.ts';

/** Depth of subgraphs that is followed. */
const MAX_DEPTH = 16;

/** Field numbers. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7, functions: 25, training: 20 } as const;
const GRAPH = { node: 1, initializer: 5, sparse: 15 } as const;
const FUNCTION = { node: 7 } as const;
const NODE = { op: 4, attribute: 5 } as const;
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11 } as const;
const TENSOR = { external: 13, location: 14 } as const;

/** Operators whose end nobody can tell before they run. A run can't be stopped. */
const ENDLESS = new Set(['Loop']);

const refuse = (reason: string): never => {
  throw new TaskFault('model_unreadable', reason);
};

type OnField = (field: number, start: number, end: number) => void;

/**
 * Walks over the fields of a protobuf message, and tells where those of variable length lie; of a number it tells no
 * place. A hand-written walk, since a forest has millions of fields that nobody wants to look at.
 */
function walk(bytes: Uint8Array, start: number, end: number, onField: OnField): void {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) refuse('it is damaged');
      const byte = bytes[at++] as number;
      // Lengths beyond 2^53 are none.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return refuse('it is damaged');
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      const value = varint();
      onField(field, value, -1);
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (length > end - at) refuse('it is damaged');
      onField(field, at, at + length);
      at += length;
    } else refuse('it is damaged');
  }
  if (at !== end) refuse('it is damaged');
}

const utf8 = new TextDecoder();

/**
 * Refuses what ONNX Runtime would do without asking: read other files for a tensor, or run without an end.
 *
 * @throws {TaskFault} model_unreadable
 */
export function refuseHostile(bytes: Uint8Array): void {
  const tensor = (start: number, end: number): void =>
    walk(bytes, start, end, (field, from, to) => {
      if (field === TENSOR.external || (field === TENSOR.location && to === -1 && from !== 0))
        refuse('a tensor of it lies in another file');
    });
  const attribute = (start: number, end: number, depth: number): void =>
    walk(bytes, start, end, (field, from, to) => {
      if (to === -1) return;
      if (field === ATTRIBUTE.tensor || field === ATTRIBUTE.tensors) tensor(from, to);
      else if (field === ATTRIBUTE.graph || field === ATTRIBUTE.graphs) graph(from, to, depth + 1);
    });
  const node = (start: number, end: number, depth: number): void =>
    walk(bytes, start, end, (field, from, to) => {
      if (to === -1) return;
      if (field === NODE.attribute) attribute(from, to, depth);
      else if (field === NODE.op) {
        const op = utf8.decode(bytes.subarray(from, to));
        if (ENDLESS.has(op)) refuse(`it has a ${op}, whose end nobody can tell`);
      }
    });
  const graph = (start: number, end: number, depth: number): void => {
    if (depth > MAX_DEPTH) refuse('its graphs are nested too deeply');
    walk(bytes, start, end, (field, from, to) => {
      if (to === -1) return;
      if (field === GRAPH.node) node(from, to, depth);
      else if (field === GRAPH.initializer) tensor(from, to);
      else if (field === GRAPH.sparse) refuse('it has sparse constants, which are not supported');
    });
  };
  walk(bytes, 0, bytes.length, (field, from, to) => {
    if (to === -1) return;
    if (field === MODEL.graph) graph(from, to, 0);
    else if (field === MODEL.functions) {
      walk(bytes, from, to, (inner, first, last) => {
        if (inner === FUNCTION.node && last !== -1) node(first, last, 0);
      });
    } else if (field === MODEL.training) refuse('it is made for training');
  });
}
