import type { CompiledForest } from './compileForest.ts';
import { ALWAYS, NEVER } from './leaves.ts';
import { TRANSFORMS, logistic } from './transforms.ts';

const f32 = Math.fround;

/** Turns the kernel's raw scores, [rows, width], into rows of answers. */
export type Finish = (raw: Float32Array, rows: number, answers: Float64Array) => void;

/** Takes the scores of one row, may change them, and writes its answers from `at` on. */
type FinishRow = (scores: Float32Array, answers: Float64Array, at: number) => void;

/**
 * Returns a check whether any leaf of a row has a weight for an output. In ONNX Runtime an output without one has the
 * score 0, without the base value, and such a class can't win.
 */
function createHas({ counted }: CompiledForest): (scores: Float32Array, output: number) => boolean {
  return (scores, output) => {
    const column = counted[output] as number;
    if (column === ALWAYS || column === NEVER) return column === ALWAYS;
    const count = scores[column] as number;
    // Without a count, a minimum is Infinity and a maximum -Infinity.
    return count > 0 && count < Infinity;
  };
}

function finishRegression(compiled: CompiledForest): FinishRow {
  const { aggregate, outputs, trees, baseValues, postTransform } = compiled;
  const transform = TRANSFORMS[postTransform];
  const has = createHas(compiled);
  return (scores, answers, at) => {
    for (let k = 0; k < outputs; k++) {
      let score = scores[k] as number;
      if (aggregate === 'AVERAGE') score = f32(score / trees);
      scores[k] = has(scores, k) ? score + (baseValues[k] ?? 0) : 0;
    }
    // ONNX Runtime doesn't transform a single target.
    if (outputs > 1) transform(scores.subarray(0, outputs));
    for (let k = 0; k < outputs; k++) answers[at + k] = scores[k] as number;
  };
}

/** Three classes and more: the largest score wins, the first of equal ones. */
function finishClasses(compiled: CompiledForest): FinishRow {
  const { outputs, baseValues, postTransform } = compiled;
  const transform = TRANSFORMS[postTransform];
  const has = createHas(compiled);
  return (scores, answers, at) => {
    let label = -1;
    for (let k = 0; k < outputs; k++) {
      scores[k] = has(scores, k) ? (scores[k] as number) + (baseValues[k] ?? 0) : (baseValues[k] ?? 0);
      if (baseValues.length === 0 && !has(scores, k)) continue;
      if (label === -1 || (scores[k] as number) > (scores[label] as number)) label = k;
    }
    transform(scores.subarray(0, outputs));
    answers[at] = label;
    for (let k = 0; k < outputs; k++) answers[at + 1 + k] = scores[k] as number;
  };
}

/** Turns one score into the probabilities of two classes, which don't always add up to 1. */
function toPair(
  { oneSided, weightsArePositive, postTransform }: CompiledForest,
  score: number,
): [number, number] {
  if (postTransform === 'LOGISTIC') return [logistic(-score), logistic(score)];
  return [oneSided && weightsArePositive ? f32(1 - score) : -score, score];
}

/** Two classes. If all weights are positive, they are probabilities with the threshold 0.5; else it is 0. */
function finishTwoClasses(compiled: CompiledForest): FinishRow {
  const { oneSided, weightsArePositive, baseValues, postTransform } = compiled;
  const threshold = oneSided && weightsArePositive ? 0.5 : 0;
  const transform = TRANSFORMS[postTransform];
  const has = createHas(compiled);
  const [base0 = 0, base1 = 0] = baseValues;
  return (scores, answers, at) => {
    const [has0, has1] = [has(scores, 0), has(scores, 1)];
    if (baseValues.length === 2 && has1) {
      // As in ONNX Runtime: the second class gets the sum of the first.
      scores[1] = (scores[0] as number) + base1;
      scores[0] = -scores[1];
    } else {
      scores[0] = (scores[0] as number) + base0;
      scores[1] = (scores[1] as number) + base1;
    }
    if (!has0) scores[0] = 0;
    if (!has1) scores[1] = 0;
    const [score0, score1] = scores as unknown as [number, number];
    answers[at] = Number((has1 ? score1 : score0) > threshold);
    if (has1 || baseValues.length === 2) {
      transform(scores.subarray(0, 2));
      answers[at + 1] = scores[0];
      answers[at + 2] = scores[1];
    } else {
      [answers[at + 1], answers[at + 2]] = toPair(compiled, score0);
    }
  };
}

/** Prepares the last step: base values, averages, labels and post transforms. */
export function createFinish(compiled: CompiledForest): Finish {
  const { kind, outputs, width } = compiled;
  const answerWidth = kind === 'classifier' ? 1 + outputs : outputs;
  const finishRow =
    kind === 'regressor'
      ? finishRegression(compiled)
      : outputs === 2
        ? finishTwoClasses(compiled)
        : finishClasses(compiled);
  return (raw, rows, answers) => {
    for (let row = 0; row < rows; row++) {
      finishRow(raw.subarray(row * width, (row + 1) * width), answers, row * answerWidth);
    }
  };
}
