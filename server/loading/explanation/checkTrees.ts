import { createExplainer } from '../../../worker/explanation/explainer.ts';
import type { PackedExplanation } from '../../../worker/explanation/packExplanation.ts';
import { rawScores } from '../../../worker/explanation/walkTree.ts';
import type { TreeEnsemble } from '../../../worker/forest/ensemble.ts';
import { findStructure } from '../../../worker/forest/structure.ts';
import { findProbes } from '../../compiler/fastPath.ts';
import { edgeRows } from '../../compiler/edgeRows.ts';
import type { Lifted } from '../../compiler/lift/lift.ts';
import { createFeatureEncoder } from '../../encoding/encoder.ts';
import type { Model } from '../../model/model.ts';

/** Rows on which base and contributions must add up to the raw scores. */
const MOST_CHECKED = 12;
/** Of a sum, relative to the largest of 1 and its size. */
const TOLERANCE = 1e-6;

/** Golden rows, then edge rows: spread over all of them. */
function chosenRows(model: Model, lifted: Lifted): readonly (readonly unknown[])[] {
  const probes = findProbes(model, model.golden ? [] : edgeRows(model.signature, lifted, undefined));
  const step = Math.max(1, probes.length / MOST_CHECKED);
  return Array.from(
    { length: Math.min(MOST_CHECKED, probes.length) },
    (_, row) => probes[Math.floor(row * step)] as readonly unknown[],
  );
}

/** @returns why the explanation of trees isn't exact: base and contributions differ from the scores of the trees */
export function checkTrees(
  lifted: Lifted,
  ensemble: TreeEnsemble,
  packed: PackedExplanation,
  model: Model,
): string | undefined {
  const { signature } = model;
  const encoder = createFeatureEncoder(signature, lifted.columns, lifted.features);
  const names = signature.inputs.map(({ name }) => name);
  const { rows, cells } = encoder.encode(names, chosenRows(model, lifted));
  const explainer = createExplainer(packed);
  const structure = findStructure(ensemble);
  const { features, columns, base, outputs, scale } = packed;
  for (let row = 0; row < rows; row++) {
    const input = (cells as Float32Array).subarray(row * features, (row + 1) * features);
    const contributions = explainer.explain(input, 1);
    const wanted = rawScores(ensemble, structure, input, outputs, scale);
    for (const [k, score] of wanted.entries()) {
      const own = contributions.subarray(k * columns, (k + 1) * columns);
      const sum = own.reduce((total, value) => total + value, base[k] as number);
      const off = Math.abs(sum - score);
      if (!(off <= TOLERANCE * Math.max(1, Math.abs(score))))
        return `base and contributions differ from a score by ${off.toExponential(1)}`;
    }
  }
  return undefined;
}
