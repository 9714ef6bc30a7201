import { expect } from 'vitest';

/** How near a value has to be to ONNX Runtime's, relative to its size: exponentials differ in the last bit. */
const TOLERANCE = 1e-6;

/**
 * Expects answers to be ONNX Runtime's: labels equal, values within the tolerance; everything when `exactly`.
 *
 * @param width of a row of answers; the first of a classifier's is the label
 */
export function expectAnswers(
  got: Float64Array,
  wanted: Float64Array,
  { width, classifier, exactly }: { width: number; classifier: boolean; exactly: boolean },
): void {
  expect(got.length).toBe(wanted.length);
  const differences: string[] = [];
  wanted.forEach((value, at) => {
    const own = got[at] as number;
    // NaN equals NaN here, and 0 equals -0.
    const equal = own === value || Object.is(own, value);
    const near = Math.abs(own - value) <= TOLERANCE * Math.max(1, Math.abs(value));
    if (equal || (near && !exactly && !(classifier && at % width === 0))) return;
    differences.push(`row ${Math.floor(at / width)}, answer ${at % width}: ${own} instead of ${value}`);
  });
  expect(differences).toEqual([]);
}
