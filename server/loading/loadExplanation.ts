import { createExplainer } from '../../worker/explanation/explainer.ts';
import type { PackedExplanation } from '../../worker/explanation/packExplanation.ts';
import { packExplanation } from '../../worker/explanation/packExplanation.ts';
import { NO_COVERS } from '../../worker/explanation/space.ts';
import { EnsembleRefused } from '../../worker/forest/ensemble.ts';
import { createForest } from '../../worker/forest/forest.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { answerWidth } from '../../worker/protocol.ts';
import { compile, findProbes } from '../compiler/fastPath.ts';
import { edgeRows } from '../compiler/edgeRows.ts';
import type { Lifted } from '../compiler/lift/lift.ts';
import { liftModel } from '../compiler/lift/lift.ts';
import { createFeatureEncoder } from '../encoding/encoder.ts';
import { NO_TREES } from '../model/explanation.ts';
import type { ExplainTask, ExplainedVersion } from './messages.ts';
import type { ModelVersion } from './readModelVersion.ts';
import { readModelVersion } from './readModelVersion.ts';

/** Rows on which base and contributions must add up to the answer. */
const MOST_CHECKED = 32;
/** Of a sum, relative to the largest of 1 and its size. */
const TOLERANCE = 1e-6;
/** Of the forest's sums in float32, relative to the largest that they can be. */
const FLOAT32 = 2 ** -22;

/** The answers' scores of each class, or the value, of raw scores. */
function answersOf({ space, first }: PackedExplanation, transform: string, raw: Float64Array): number[] {
  const [raw0 = 0] = raw;
  const scores = first === undefined ? [...raw] : [first === '1 - s' ? 1 - raw0 : -raw0, raw0];
  if (space !== 'margin') return scores;
  if (transform === 'LOGISTIC') return scores.map((score) => 1 / (1 + Math.exp(-score)));
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}

/**
 * Compares base + contributions with the forest's own answers, on golden rows and edge rows.
 *
 * @returns why the explanation isn't exact
 */
function check(lifted: Lifted, packed: PackedExplanation, { model }: ModelVersion): string | undefined {
  const { signature, output } = model;
  const forest = compile(lifted);
  if (typeof forest === 'string') return forest;
  const probes = findProbes(model, edgeRows(signature, lifted, forest));
  const step = Math.max(1, probes.length / MOST_CHECKED);
  const chosen = Array.from(
    { length: Math.min(MOST_CHECKED, probes.length) },
    (_, row) => probes[Math.floor(row * step)] as readonly unknown[],
  );
  const encoder = createFeatureEncoder(signature, lifted.columns, lifted.features);
  const { rows, cells } = encoder.encode(
    signature.inputs.map(({ name }) => name),
    chosen,
  );
  const width = answerWidth(output);
  const answers = new Float64Array(rows * width);
  const scorer = createForest(forest, rows);
  scorer.input.set(cells);
  scorer.score(rows, answers);
  const explainer = createExplainer(packed);
  const { features, columns, base, largest } = packed;
  const classes = output.task === 'classification' ? width - 1 : 0;
  for (let row = 0; row < rows; row++) {
    const input = (cells as Float32Array).subarray(row * features, (row + 1) * features);
    const contributions = explainer.explain(input, 1);
    const raw = Float64Array.from(base, (sum, k) =>
      contributions.subarray(k * columns, (k + 1) * columns).reduce((total, value) => total + value, sum),
    );
    const own = answers.subarray((row + 1) * width - (classes || width), (row + 1) * width);
    const wanted = answersOf(packed, forest.postTransform, raw);
    for (const [at, value] of wanted.entries()) {
      const off = Math.abs(value - (own[at] as number));
      if (!(off <= TOLERANCE * Math.max(1, Math.abs(value)) + FLOAT32 * largest))
        return `base and contributions differ from an answer by ${off.toExponential(1)}`;
    }
  }
  return undefined;
}

/** Reads, packs and checks what explanations of a version need. @throws {ModelRefused} when its file has changed */
export async function loadExplanation(task: ExplainTask): Promise<ExplainedVersion> {
  const version = await readModelVersion(task.candidate, task.maxModelBytes);
  const { signature } = version.model;
  const onnx = await version.readOnnx();
  if (onnx?.sha256 !== task.sha256 || !onnx)
    return { reason: 'its file is no longer the one that is served' };
  const lifted = liftModel(onnx.bytes, signature);
  if (!lifted.lifted || lifted.rest.kind !== 'forest') return NO_TREES;
  try {
    const ensemble = lifted.rest.explained();
    if (!ensemble) return { reason: NO_COVERS };
    const columnOf = lifted.matrix.features.map(({ source }) => source);
    const packed = packExplanation(ensemble, columnOf, signature.inputs.length);
    const reason = check(lifted, packed, version);
    return reason === undefined ? packed : { reason };
  } catch (error) {
    if (!(error instanceof EnsembleRefused || error instanceof OnnxRefused)) throw error;
    return { reason: error.message };
  }
}
