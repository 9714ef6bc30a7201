import { GRAPH, editGraph } from './editGraph.ts';
import { FLOAT } from './elementTypes.ts';
import type { OnnxNode } from './node.ts';
import { readNode } from './node.ts';
import * as field from './wireFields.ts';
import { readMessage } from './wireFields.ts';
import { readValue } from './value.ts';
import { writeNode, writeValue } from './write.ts';

const OP = 'ZipMap';

function findZipMaps(bytes: Uint8Array): OnnxNode[] {
  const found: OnnxNode[] = [];
  const node = field.bytes((raw) => {
    let is = false;
    readMessage(raw, 'a node', { 4: field.text((op) => (is = op === OP)) });
    if (is) found.push(readNode(raw));
  });
  readMessage(bytes, 'the file', {
    7: field.bytes((graph) => readMessage(graph, 'the graph', { [GRAPH.node]: node })),
  });
  return found;
}

const labelsOf = ({ attributes }: OnnxNode): number =>
  Math.max(
    attributes.get('classlabels_strings')?.strings().length ?? 0,
    attributes.get('classlabels_int64s')?.ints().length ?? 0,
  );

/**
 * Replaces the ZipMap in front of an output, which makes a map for each row, by the table that it reads, as float
 * [rows, classes], under the output's name. A file without one is returned as it is.
 *
 * @throws {OnnxRefused} when the file is damaged
 */
export function withoutZipMap(bytes: Uint8Array): Uint8Array {
  const widths = new Map(findZipMaps(bytes).map((node) => [node.outputs[0] ?? '', labelsOf(node)]));
  if (widths.size === 0) return bytes;
  return editGraph(bytes, {
    [GRAPH.node]: (raw) => {
      const { op, inputs, outputs } = readNode(raw);
      // Of float64 rows the table is double, which skl2onnx doesn't declare.
      return op === OP ? writeNode({ op: 'Cast', inputs, outputs, attributes: { to: FLOAT } }) : raw;
    },
    [GRAPH.output]: (raw) => {
      const { name } = readValue(raw);
      const width = widths.get(name);
      return width === undefined ? raw : writeValue(name, FLOAT, ['N', width]);
    },
  });
}
