import type { PostTransform } from './ensemble.ts';

/** Without PROBIT: see checkScores. */
export type Transform = Exclude<PostTransform, 'PROBIT'>;

/** The operators' post transforms, computed as in ONNX Runtime: in float32, each step rounded. */
const f32 = Math.fround;
const exp = (x: number): number => f32(Math.exp(x));

/** Avoids the exponential of a large number. */
export function logistic(x: number): number {
  const v = f32(1 / f32(1 + exp(-Math.abs(x))));
  return x < 0 ? f32(1 - v) : v;
}

function largest(values: Float32Array): number {
  let most = -f32(3.4028234663852886e38);
  for (const value of values) if (value > most) most = value;
  return most;
}

function divide(values: Float32Array, by: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / by;
}

function softmax(values: Float32Array): void {
  const most = largest(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    values[i] = exp(f32((values[i] as number) - most));
    sum = f32(sum + (values[i] as number));
  }
  divide(values, sum);
}

/** Softmax of the values that aren't zero. */
function softmaxZero(values: Float32Array): void {
  const most = largest(values);
  const expOfNegative = exp(-most);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Math.abs(value) > f32(0.0000001)) {
      values[i] = exp(f32(value - most));
      sum = f32(sum + (values[i] as number));
    } else {
      values[i] = value * expOfNegative;
    }
  }
  divide(values, sum);
}

const each =
  (transform: (x: number) => number) =>
  (values: Float32Array): void => {
    for (let i = 0; i < values.length; i++) values[i] = transform(values[i] as number);
  };

/** Transform the scores of a row with two or more of them, in place. */
export const TRANSFORMS: Readonly<Record<Transform, (values: Float32Array) => void>> = {
  NONE: () => undefined,
  LOGISTIC: each(logistic),
  SOFTMAX: softmax,
  SOFTMAX_ZERO: softmaxZero,
};
