import { LIES_ELSEWHERE, OnnxRefused } from './onnxRefused.ts';
import { bytes as message, int32, readMessage, text } from './wireFields.ts';

/** Depth of subgraphs that is followed. */
const MAX_DEPTH = 16;

/** Operators that may run forever. A run can't be stopped. */
const ENDLESS = new Set(['Loop']);

/** A field that no file may have. */
const refused = (reason: string): ReturnType<typeof message> =>
  message(() => {
    throw new OnnxRefused(reason);
  });

const ELSEWHERE = `a tensor of it ${LIES_ELSEWHERE}`;

// Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

function checkTensor(bytes: Uint8Array): void {
  readMessage(bytes, 'a tensor', {
    13: refused(ELSEWHERE),
    14: int32((location) => {
      if (location !== 0) throw new OnnxRefused(ELSEWHERE);
    }),
  });
}

function checkNode(bytes: Uint8Array, depth: number): void {
  const tensor = message(checkTensor);
  const graph = message((subgraph) => checkGraph(subgraph, depth + 1));
  const attribute = { 5: tensor, 6: graph, 10: tensor, 11: graph };
  readMessage(bytes, 'a node', {
    4: text((op) => {
      if (ENDLESS.has(op)) throw new OnnxRefused(`it has a ${op}, which may run forever`);
    }),
    5: message((fields) => readMessage(fields, 'an attribute', attribute)),
  });
}

function checkGraph(bytes: Uint8Array, depth: number): void {
  if (depth > MAX_DEPTH) throw new OnnxRefused('its graphs are nested too deeply');
  readMessage(bytes, 'a graph', {
    1: message((node) => checkNode(node, depth)),
    5: message(checkTensor),
    15: refused('it has sparse constants, which are not supported'),
  });
}

/**
 * Refuses a file that would make ONNX Runtime read other files, or run without an end.
 *
 * @throws {OnnxRefused}
 */
export function rejectHostileFile(bytes: Uint8Array): void {
  readMessage(bytes, 'the file', {
    7: message((graph) => checkGraph(graph, 0)),
    20: refused('it is made for training'),
    25: message((body) => readMessage(body, 'a function', { 7: message((node) => checkNode(node, 0)) })),
  });
}
