import type { Signature } from '../../model/signature.ts';
import { outputFeed } from '../../model/signature.ts';
import { fetchedOutputs } from '../../../worker/protocol.ts';
import { writeOrigin } from '../../../worker/onnx/writeOrigin.ts';
import { writeRemainder } from '../../../worker/onnx/writeRemainder.ts';
import type { OnnxModel } from '../../../worker/onnx/model.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import type { Constant } from '../../../worker/onnx/tensor.ts';
import { decodeTensor } from '../../../worker/onnx/tensor.ts';
import type { Affine } from './affineOperators.ts';
import type { CutPoint } from './cutPoint.ts';
import { asFloats, findCut } from './cutPoint.ts';
import type { ForestRest } from './readForest.ts';
import { readForest } from './readForest.ts';
import { readLinear } from './readLinear.ts';
import { interpret } from './interpret.ts';
import type { SymbolicTensor } from './symbolic.ts';
import { NotUnderstood } from './symbolic.ts';
import type { ColumnWriter } from './rowWriters.ts';
import { createRowWriters } from './rowWriters.ts';

/** The rest of a graph behind the cut, as a graph of its own. */
export interface GraphRest {
  readonly kind: 'graph';
  /** An ONNX file with the model's outputs and one input. */
  readonly bytes: Uint8Array;
  /** The input's name; it is float32 [N, features]. */
  readonly input: string;
}

export type Rest = ForestRest | GraphRest;

/** What makes the matrix, as plain values: another thread makes the same writers of it. */
export interface Origin {
  /** An ONNX file with the nodes before the matrix. */
  readonly bytes: Uint8Array;
  /** The matrix, whose integers are converted to floats where `asFloats` says so. */
  readonly name: string;
  readonly asFloats: boolean;
}

/** A model whose column-wise part was taken out of its graph. */
export interface Lifted {
  readonly lifted: true;
  /** Width of the matrix. */
  readonly features: number;
  /** What each column of the signature, in its order, writes into a row of the matrix. */
  readonly columns: readonly ColumnWriter[];
  /** What answers the matrix. */
  readonly rest: Rest;
  readonly origin: () => Origin;
  /** The rest as a graph for ONNX Runtime, also where it is a forest. */
  readonly graph: () => GraphRest;
  /** The tensors of the rest that are linear in the matrix, the last ones first. */
  readonly linear: () => readonly Affine[];
  /** How each feature is computed. */
  readonly matrix: SymbolicTensor;
}

export type Lifting = Lifted | { readonly lifted: false; readonly reason: string };

/** @throws {OnnxRefused} when it is damaged */
function constantOf({ graph }: OnnxModel, nodes: CutPoint['nodes'], name: string): Constant | undefined {
  const tensor = graph.constants.get(name);
  if (tensor) return decodeTensor(tensor);
  const node = nodes.find(({ op, outputs }) => op === 'Constant' && outputs[0] === name);
  return node?.attributes.get('value')?.tensor();
}

function liftCut(model: OnnxModel, signature: Signature, cut: CutPoint, outputs: readonly string[]): Lifted {
  const { name, matrix, nodes } = cut;
  const features = matrix.features.length;
  const graph = (): GraphRest => ({
    kind: 'graph',
    bytes: writeRemainder(model, { input: name, features, nodes, outputs }),
    input: name,
  });
  return {
    lifted: true,
    features,
    columns: createRowWriters(matrix, signature.inputs),
    rest: readForest(cut, signature) ?? graph(),
    origin: () => ({ bytes: writeOrigin(model, name), name, asFloats: cut.asFloats }),
    graph,
    linear: () => readLinear(cut, (constant) => constantOf(model, nodes, constant)),
    matrix,
  };
}

/**
 * Takes the column-wise part out of a model's graph: encoders, imputers, scalers and what joins their columns to one
 * matrix. Never throws: a file that can't be read isn't lifted.
 *
 * @param onnx the ONNX file; it must not change while the result is in use
 */
export function liftModel(onnx: Uint8Array, signature: Signature): Lifting {
  const feed = outputFeed(signature);
  const outputs = fetchedOutputs(feed);
  try {
    const model = readModel(onnx);
    const missing = outputs.find((name) => !model.graph.outputs.some((output) => output.name === name));
    if (missing !== undefined) return { lifted: false, reason: `the graph has no output ${missing}` };
    const overridden = model.functionDomains.find((domain) => domain === '' || domain === 'ai.onnx.ml');
    if (overridden !== undefined) return { lifted: false, reason: 'the file defines operators of its own' };
    const cut = findCut(model.graph, interpret(model, signature.inputs), outputs);
    return typeof cut === 'string' ? { lifted: false, reason: cut } : liftCut(model, signature, cut, outputs);
  } catch (error) {
    if (!(error instanceof OnnxRefused || error instanceof NotUnderstood)) throw error;
    return { lifted: false, reason: error.message };
  }
}

/** The writers of a model that was lifted in another thread. */
export function liftOrigin(
  { bytes, name, asFloats: compared }: Origin,
  { inputs }: Signature,
): ColumnWriter[] {
  const tensor = interpret(readModel(bytes), inputs).columns.get(name) as SymbolicTensor;
  return createRowWriters(compared ? asFloats(tensor) : tensor, inputs);
}
