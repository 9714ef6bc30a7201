import { NO_COVERS, spaceNameOf } from '../../worker/explanation/space.ts';
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
import { exampleRow } from '../model/exampleRow.ts';
import type { Engine, Explanation, Fast, Model } from '../model/model.ts';
import { NO_BACKGROUND } from '../model/explanation.ts';
import { rowsInOrder } from '../model/rowsInOrder.ts';

/** A model.onnx that was read. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The scores before the answers' link, or why the rest has none; the first use checks them. */
function findExplanation(
  { rest, linear }: Lifted,
  compiled: FastPath['rest'],
  { output, backgroundRows = 0 }: Model,
): Explanation {
  if (rest.kind !== 'forest' || compiled.kind !== 'forest') {
    if (backgroundRows === 0 || output.task === 'several' || linear().length === 0) return NO_BACKGROUND;
    return { method: 'linear', space: output.task === 'regression' ? 'value' : 'margin' };
  }
  const { aggregate } = compiled.forest;
  if (aggregate === 'MIN' || aggregate === 'MAX') return { reason: 'its trees are not added up' };
  if (!rest.hasCovers) return { reason: NO_COVERS };
  return { method: 'tree_path_dependent', space: spaceNameOf(compiled.forest) };
}

/** The forest compiled, or why it can't be. */
export function compile({ rest, features }: Lifted): CompiledForest | string {
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

/** The golden rows, then the edge rows; for a path that is taken on trust the golden rows, or a made-up one. */
export function findProbes(
  { signature, golden }: Model,
  edges: readonly EdgeRow[],
): readonly (readonly unknown[])[] {
  // The golden rows may have their columns in another order.
  const rows = golden
    ? rowsInOrder(
        golden.table,
        signature.inputs.map(({ name }) => name),
      )
    : [];
  return rows.length + edges.length > 0 ? [...rows, ...edges] : [exampleRow(signature)];
}

function encodeProbes({ signature }: Model, encoder: Encoder, data: readonly (readonly unknown[])[]): Rows {
  const { rows, cells, texts } = encoder.encode(
    signature.inputs.map(({ name }) => name),
    data,
  );
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
 * @param compare whether edge rows are made for that; otherwise it is taken on trust
 * @returns the path, or the reason why there is none
 */
export function findPath(model: Model, onnx: Uint8Array, compare = true): FoundPath | string {
  const lifting = liftModel(onnx, model.signature);
  if (!lifting.lifted) return lifting.reason;
  const chosen = chooseRest(lifting);
  if (typeof chosen === 'string') return chosen;
  const { rest, engine } = chosen;
  const encoder = createFeatureEncoder(model.signature, lifting.columns, lifting.features);
  const forest = rest.kind === 'forest' ? rest.forest : undefined;
  const rows = findProbes(model, compare ? edgeRows(model.signature, lifting, forest) : []);
  const probes = {
    whole: compare ? encodeProbes(model, model.encoder, rows) : model.probes,
    fast: encodeProbes(model, encoder, rows),
  };
  const explanation = findExplanation(lifting, rest, model);
  return {
    engine,
    path: { features: lifting.features, rest },
    explanation,
    probes,
    origin: lifting.origin(),
  };
}

/** The model with a path that was found, or with the reason why there is none. */
export function withFoundPath(model: Model, found: FoundPath | string): Model {
  if (typeof found === 'string') return { ...model, engine: { ...model.engine, reason: found } };
  const { engine, path, explanation, probes, origin } = found;
  const { signature } = model;
  const encoder = createFeatureEncoder(signature, liftOrigin(origin, signature), path.features);
  return { ...model, fast: { encoder, engine, path, explanation, probes } };
}

/** Both in one thread: for tools and tests. */
export function findFastPath(model: Model, onnx: OnnxFile): Model {
  // The thread that opens a file with another digest refuses it.
  return onnx.sha256 === model.signature.sha256 ? withFoundPath(model, findPath(model, onnx.bytes)) : model;
}
