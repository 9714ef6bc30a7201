import type { LinearExplanation } from '../../../worker/explanation/linear.ts';
import type { Link, Space } from '../../../worker/explanation/space.ts';
import { answersOf } from '../../../worker/explanation/space.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import type { Affine } from '../../compiler/lift/affineOperators.ts';
import type { Lifted } from '../../compiler/lift/lift.ts';
import { createFeatureEncoder } from '../../encoding/encoder.ts';
import { rowsInOrder } from '../../model/rowsInOrder.ts';
import type { Model } from '../../model/model.ts';
import type { Background } from '../background.ts';

/** Golden rows that a link must answer. */
const LEAST_CHECKED = 3;
/** Of a probability, or of a value relative to its size: twice what golden rows may differ from the graph. */
const [PROBABILITY, VALUE] = [2e-6, 2e-5];

/** Scores that may be a model's, and how they would become its answers. */
interface Guess extends Omit<Space, 'scale'> {
  readonly link: Link;
  readonly scores: Affine;
}

/** The difference of two scores: of two classes one score says all. */
function difference({ weights, offsets }: Affine): Affine {
  const features = weights.length / 2;
  return {
    width: 1,
    weights: Float64Array.from(
      { length: features },
      (_, f) => (weights[features + f] as number) - (weights[f] as number),
    ),
    offsets: Float64Array.of((offsets[1] as number) - (offsets[0] as number)),
  };
}

function guesses(scores: Affine, { output }: Model): Guess[] {
  if (output.task === 'regression') {
    if (scores.width !== 1) return [];
    return [
      { space: 'value', outputs: 1, link: 'identity', scores },
      { space: 'margin', outputs: 1, link: 'exp', scores },
    ];
  }
  if (output.task !== 'classification') return [];
  const classes = output.classes.length;
  const two = { space: 'margin', outputs: 1, first: '-s', link: 'logistic' } as const;
  if (classes === 2 && scores.width === 1) return [{ ...two, scores }];
  if (scores.width !== classes) return [];
  if (classes === 2) {
    const apart = difference(scores);
    const half = {
      ...apart,
      weights: apart.weights.map((w) => w / 2),
      offsets: apart.offsets.map((b) => b / 2),
    };
    return [
      { ...two, scores: half },
      { ...two, scores: apart },
    ];
  }
  return (['softmax', 'share'] as const).map((link) => ({ space: 'margin', outputs: classes, link, scores }));
}

function rawOf({ scores: { width, weights, offsets } }: Guess, row: Float32Array): Float64Array {
  return Float64Array.from({ length: width }, (_, k) =>
    row.reduce((sum, x, f) => sum + x * (weights[k * row.length + f] as number), offsets[k] as number),
  );
}

/** Whether a guess answers all golden rows as they were answered on the training side. */
function answers(guess: Guess, { golden, output }: Model, cells: Float32Array, features: number): boolean {
  const width = answerWidth(output);
  const first = output.task === 'classification' ? 1 : 0;
  let checked = 0;
  for (let row = 0; row < (golden?.rows ?? 0); row++) {
    const raw = rawOf(guess, cells.subarray(row * features, (row + 1) * features));
    if (!raw.every(Number.isFinite)) continue;
    const wanted = answersOf(guess, guess.link, raw);
    for (const [k, value] of wanted.entries()) {
      const own = golden?.answers[row * width + first + k] as number;
      const most = first === 1 ? PROBABILITY : VALUE * Math.max(1, Math.abs(own));
      if (!(Math.abs(value - own) <= most)) return false;
    }
    checked++;
  }
  return checked >= LEAST_CHECKED;
}

/** The explanation of a linear model; undefined where no scores answer the golden rows. */
export function findLinear(
  lifted: Lifted,
  model: Model,
  background: Background,
): LinearExplanation | undefined {
  const { golden, signature } = model;
  if (!golden) return undefined;
  const { features, columns, matrix } = lifted;
  const encoder = createFeatureEncoder(signature, columns, features);
  const names = signature.inputs.map(({ name }) => name);
  const encode = (table: Background): Float32Array =>
    encoder.encode(names, rowsInOrder(table, names)).cells as Float32Array;
  const known = encode(golden.table);
  const found = lifted
    .linear()
    .flatMap((scores) => guesses(scores, model))
    .find((guess) => answers(guess, model, known, features));
  if (!found) return undefined;
  const { scores, ...space } = found;
  const cells = encode(background);
  const rows = background.data.length;
  const means = new Float64Array(features);
  cells.forEach((cell, at) => ((means[at % features] as number) += cell / rows));
  const base = Array.from(scores.offsets, (offset, k) =>
    means.reduce((sum, mean, f) => sum + mean * (scores.weights[k * features + f] as number), offset),
  );
  return {
    kind: 'linear',
    ...space,
    features,
    columns: names.length,
    weights: scores.weights,
    means,
    columnOf: Uint32Array.from(matrix.features, ({ source }) => source),
    base,
  };
}
