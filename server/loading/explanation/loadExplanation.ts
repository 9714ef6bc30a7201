import { createExplainer } from '../../../worker/explanation/explainer.ts';
import { explainLinear } from '../../../worker/explanation/linear.ts';
import { meanSizes } from '../../../worker/explanation/meanSizes.ts';
import type { PackedExplanation } from '../../../worker/explanation/packExplanation.ts';
import { packExplanation } from '../../../worker/explanation/packExplanation.ts';
import { planSampling } from '../../../worker/explanation/sampling.ts';
import { NO_COVERS } from '../../../worker/explanation/space.ts';
import { EnsembleRefused } from '../../../worker/forest/ensemble.ts';
import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import type { PreparedExplanation } from '../../../worker/protocol.ts';
import type { Lifted } from '../../compiler/lift/lift.ts';
import { liftModel } from '../../compiler/lift/lift.ts';
import { createFeatureEncoder } from '../../encoding/encoder.ts';
import { sampledExplanation } from '../../model/explanation.ts';
import type { Model } from '../../model/model.ts';
import type { Encoder } from '../../model/rows.ts';
import type { Background } from '../background.ts';
import { encodeBackground } from '../background.ts';
import { checkTrees } from './checkTrees.ts';
import { findLinear } from './findLinear.ts';
import type { ExplainedFiles, ExplainedVersion, Importance } from './files.ts';
import type { ModelVersion } from '../readModelVersion.ts';
import { readModelVersion } from '../readModelVersion.ts';

/** An exact explanation of a lifted model, or why there is none. */
function exactOf(
  lifted: Lifted,
  { model, background }: ModelVersion,
): Exclude<PreparedExplanation, { kind: 'sampled' }> | string {
  const { rest, matrix } = lifted;
  try {
    if (rest.kind === 'graph') {
      const linear = background && findLinear(lifted, model, background);
      return linear ?? 'its scores are no sums of its features';
    }
    const ensemble = rest.explained();
    if (!ensemble) return NO_COVERS;
    const columnOf = matrix.features.map(({ source }) => source);
    const packed: PackedExplanation = packExplanation(ensemble, columnOf, model.signature.inputs.length);
    return checkTrees(lifted, ensemble, packed, model) ?? packed;
  } catch (error) {
    if (!(error instanceof EnsembleRefused || error instanceof OnnxRefused)) throw error;
    return error.message;
  }
}

/** By the answers to rows that mix cells, on the path in force. */
function sampledOf(lifted: Lifted | undefined, model: Model, background: Background): ExplainedVersion {
  const described = sampledExplanation(model);
  if ('reason' in described) return described;
  const { output, signature, encoder } = model;
  const own: Encoder = lifted ? createFeatureEncoder(signature, lifted.columns, lifted.features) : encoder;
  const columns = signature.inputs.length;
  const rows = encodeBackground(model.id, background, own);
  const classes = output.task === 'classification' ? output.classes.length : 0;
  return {
    kind: 'sampled',
    space: described.space,
    // Of two classes the second says all.
    ...(classes === 2
      ? { outputs: 1, first: '1 - s', firstAnswer: 2 }
      : { outputs: classes || 1, firstAnswer: classes && 1 }),
    plan: planSampling(columns, rows.rows) as NonNullable<ReturnType<typeof planSampling>>,
    columns,
    background: rows,
    columnOf: Uint32Array.from(
      { length: lifted?.features ?? columns },
      (_, at) => lifted?.matrix.features[at]?.source ?? at,
    ),
  };
}

interface Found {
  readonly version: ModelVersion;
  readonly lifted: Lifted | undefined;
  readonly explanation: ExplainedVersion;
}

async function find({ candidate, maxModelBytes, sha256, path }: ExplainedFiles): Promise<Found> {
  const version = await readModelVersion(candidate, maxModelBytes);
  const { model, background } = version;
  const onnx = await version.readOnnx();
  const refused = (reason: string): Found => ({ version, lifted: undefined, explanation: { reason } });
  if (onnx?.sha256 !== sha256 || !onnx) return refused('its file is no longer the one that is served');
  if (model.output.task === 'several') return refused('it answers with several values');
  const lifting = path === 'lifted' ? liftModel(onnx.bytes, model.signature) : undefined;
  const lifted = lifting?.lifted ? lifting : undefined;
  const exact = lifted && exactOf(lifted, version);
  if (typeof exact === 'object') return { version, lifted, explanation: exact };
  if (background) return { version, lifted, explanation: sampledOf(lifted, model, background) };
  const sampled = sampledExplanation(model);
  return refused(
    exact !== undefined && lifted?.rest.kind === 'forest' ? exact : 'reason' in sampled ? sampled.reason : '',
  );
}

/** Reads and checks what explanations of a version need. @throws {ModelRefused} when its files have changed */
export async function loadExplanation(task: ExplainedFiles): Promise<ExplainedVersion> {
  return (await find(task)).explanation;
}

/** The importance of the columns, if this thread can compute it. @throws {ModelRefused} when its files have changed */
export async function loadImportance(task: ExplainedFiles): Promise<Importance | undefined> {
  const { version, lifted, explanation } = await find(task);
  const { model, background } = version;
  if (!background || !lifted || 'reason' in explanation || explanation.kind === 'sampled') return undefined;
  const encoder = createFeatureEncoder(model.signature, lifted.columns, lifted.features);
  const { cells, rows } = encodeBackground(model.id, background, encoder);
  const { features, columns } = explanation;
  const explain = explainerOf(explanation);
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const own = explain((cells as Float32Array).subarray(row * features, (row + 1) * features));
    meanSizes(own, columns).forEach((size, column) => ((sums[column] as number) += size / rows));
  }
  return [...sums];
}

function explainerOf(explanation: Exclude<PreparedExplanation, { kind: 'sampled' }>) {
  if (explanation.kind === 'linear') return (row: Float32Array) => explainLinear(explanation, row, 1);
  const explainer = createExplainer(explanation);
  return (row: Float32Array) => explainer.explain(row, 1);
}
