import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeRows } from './edgeRows.ts';
import { liftModel } from './lift/lift.ts';
import { buildModel } from '../testing/buildModel.ts';
import { generateModel } from '../testing/generateModel.ts';
import { encodeRows, runLifted, runWhole } from '../testing/reference.ts';

/** Random choices: fast-check shrinks them towards 0, the first alternative everywhere. */
const throws = fc.array(fc.nat(2 ** 20), { minLength: 40, maxLength: 200 });

function die(numbers: readonly number[]): (below: number) => number {
  let at = 0;
  return (below) => (numbers[at++ % numbers.length] as number) % below;
}

describe('generated graphs', () => {
  it('give the matrix that ONNX Runtime computes, bit by bit', async () => {
    let lifts = 0;
    await fc.assert(
      fc.asyncProperty(throws, async (numbers) => {
        const { spec, signature } = generateModel(die(numbers));
        const onnx = buildModel(spec);
        const lifting = liftModel(onnx, signature);
        const rows = edgeRows(signature, lifting);
        if (!lifting.lifted) throw new Error(lifting.reason);
        lifts++;
        const whole = await runWhole(onnx, signature, rows);
        const differing = encodeRows(lifting, rows).findIndex((value, at) => !Object.is(value, whole[at]));
        expect(differing).toBe(-1);
        expect(await runLifted(lifting, signature, rows)).toEqual(whole);
      }),
      // Without the limit the shrinking of a failure would outlast the test.
      { numRuns: 300, seed: 5, interruptAfterTimeLimit: 20_000 },
    );
    expect(lifts).toBe(300);
  });
});
