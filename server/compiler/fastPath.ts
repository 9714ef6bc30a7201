import type { CompiledForest } from '../../worker/forest/compileForest.ts';
import { compileForest } from '../../worker/forest/compileForest.ts';
import { compileParts } from '../../worker/forest/compileParts.ts';
import { EnsembleRefused } from '../../worker/forest/ensemble.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import type { FastPath, Rows } from '../../worker/protocol.ts';
import type { Encoder } from '../model/rows.ts';
import { createFeatureEncoder } from '../encoding/encoder.ts';
import type { EdgeRow } from './edgeRows.ts';
import { edgeRows } from './edgeRows.ts';
import type { Lifted, Origin } from './lift/lift.ts';
import { liftModel, liftOrigin } from './lift/lift.ts';
import type { Engine, Fast, Model } from '../model/model.ts';
import { rowsInOrder } from '../model/rowsInOrder.ts';

/** A model.onnx that was read. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The forest compiled, or why it can't be. */
function compile({ rest, features }: Lifted): CompiledForest | string {
  if (rest.kind !== 'forest') return 'the rest of the graph is no tree ensemble';
  try {
    return compileParts(rest.eachPart, features) ?? compileForest(rest.ensemble, features);
  } catch (error) {
    if (!(error instanceof EnsembleRefused)) throw error;
    return error.message;
  }
}

/** Chooses what answers the lifted matrix, and names the engine; or says what of the file is damaged. */
function chooseRest(lifted: Lifted): { rest: FastPath['rest']; engine: Engine } | string {
  let forest: CompiledForest | string;
  try {
    forest = compile(lifted);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    return error.message;
  }
  if (typeof forest !== 'string') {
    return { rest: { kind: 'forest', forest }, engine: { engine: 'forest', path: 'lifted' } };
  }
  const { bytes, input } = lifted.graph();
  return {
    rest: { kind: 'graph', bytes, input },
    engine: { engine: 'onnxruntime', path: 'lifted', reason: forest },
  };
}

/** Encodes the golden rows, then the edge rows. */
function encodeProbes(model: Model, encoder: Encoder, edges: readonly EdgeRow[]): Rows {
  const names = model.signature.inputs.map(({ name }) => name);
  const golden = model.golden?.table;
  // The golden rows may have their columns in another order.
  const goldenRows = golden ? rowsInOrder(golden, names) : [];
  const { rows, cells, texts } = encoder.encode(names, [...goldenRows, ...edges]);
  return { rows, cells, texts };
}

/** A faster path as plain values: what is found in one thread is used in another. */
export interface FoundPath extends Omit<Fast, 'encoder'> {
  readonly origin: Origin;
}

/**
 * Looks for a faster path to a model's answers: encoders lifted out of the graph, the forest compiled. A thread
 * compares its answers with ONNX Runtime's before it is used.
 *
 * @returns the path, or the reason why there is none
 */
export function findPath(model: Model, onnx: Uint8Array): FoundPath | string {
  const lifting = liftModel(onnx, model.signature);
  if (!lifting.lifted) return lifting.reason;
  const chosen = chooseRest(lifting);
  if (typeof chosen === 'string') return chosen;
  const { rest, engine } = chosen;
  const encoder = createFeatureEncoder(model.signature, lifting.columns, lifting.features);
  const edges = edgeRows(model.signature, lifting, rest.kind === 'forest' ? rest.forest : undefined);
  const probes = {
    whole: encodeProbes(model, model.encoder, edges),
    fast: encodeProbes(model, encoder, edges),
  };
  return { engine, path: { features: lifting.features, rest }, probes, origin: lifting.origin() };
}

/** The model with a path that was found, or with the reason why there is none. */
export function withFoundPath(model: Model, found: FoundPath | string): Model {
  if (typeof found === 'string') return { ...model, engine: { ...model.engine, reason: found } };
  const { engine, path, probes, origin } = found;
  const { signature } = model;
  const encoder = createFeatureEncoder(signature, liftOrigin(origin, signature), path.features);
  return { ...model, fast: { encoder, engine, path, probes } };
}

/** Both in one thread: for tools and tests. */
export function findFastPath(model: Model, onnx: OnnxFile): Model {
  // The thread that opens a file with another digest refuses it.
  return onnx.sha256 === model.signature.sha256 ? withFoundPath(model, findPath(model, onnx.bytes)) : model;
}
