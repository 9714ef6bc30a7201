import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileForest } from './compile.ts';
import type { Mode } from './ensemble.ts';
import { EnsembleRefused, MODES } from './ensemble.ts';
import { createForest } from './forest.ts';
import type { Traits } from './testing/random.ts';
import { randomEnsemble, randomMatrix } from './testing/random.ts';
import { openReference } from './testing/reference.ts';

const BRANCHES = MODES.filter((mode) => mode !== 'LEAF') as Mode[];
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const traits: fc.Arbitrary<Traits> = fc
  .record({
    seed,
    kind: fc.constantFrom('classifier' as const, 'regressor' as const),
    outputs: fc.integer({ min: 1, max: 12 }),
    trees: fc.integer({ min: 1, max: 20 }),
    features: fc.integer({ min: 1, max: 6 }),
    modes: fc.oneof(
      fc.constantFrom(...BRANCHES).map((mode) => [mode]),
      fc.uniqueArray(fc.constantFrom(...BRANCHES), { minLength: 2 }),
    ),
    missingTrue: fc.constantFrom(0, 0, 0.5, 1),
    leaves: fc.constantFrom('first' as const, 'inTurn' as const, 'any' as const),
    bases: fc.constantFrom('none' as const, 'one' as const, 'all' as const),
    negative: fc.boolean(),
    postTransform: fc.constantFrom('NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO', 'PROBIT'),
    aggregate: fc.constantFrom('SUM', 'AVERAGE', 'MIN', 'MAX'),
  })
  .map(({ bases, ...rest }) => {
    const outputs = rest.kind === 'classifier' ? Math.max(2, rest.outputs) : rest.outputs;
    const one = rest.kind === 'classifier' && outputs === 2 ? 1 : outputs;
    return { ...rest, outputs, bases: { none: 0, one, all: outputs }[bases] } as Traits;
  });

describe('random ensembles are answered as by ONNX Runtime', () => {
  it('labels and values', { timeout: 300_000 }, async () => {
    let [compared, equal] = [0, 0];
    await fc.assert(
      fc.asyncProperty(traits, fc.integer({ min: 1, max: 200 }), seed, async (wanted, rows, matrixSeed) => {
        const ensemble = randomEnsemble(wanted);
        let compiled;
        try {
          compiled = compileForest(ensemble, wanted.features);
        } catch (error) {
          expect(error).toBeInstanceOf(EnsembleRefused);
          fc.pre(false);
          return;
        }
        const reference = await openReference(ensemble, wanted.features);
        const forest = createForest(compiled, 200);
        const matrix = randomMatrix(matrixSeed, rows, wanted.features);
        forest.input.set(matrix);
        const width = wanted.outputs + Number(wanted.kind === 'classifier');
        const answers = new Float64Array(rows * width);
        forest.score(rows, answers);
        const expected = await reference(matrix, rows);
        expect(answers.length).toBe(expected.length);
        for (let at = 0; at < expected.length; at++) {
          const [got, want] = [answers[at] as number, expected[at] as number];
          compared++;
          if (Object.is(got, want)) equal++;
          else if (!(Math.abs(got - want) <= 1e-6 * Math.max(1, Math.abs(want))))
            throw new Error(`row ${Math.floor(at / width)} answer ${at % width}: ${got} instead of ${want}`);
        }
      }),
      {
        numRuns: Number(process.env['RUNS'] ?? 300),
        ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}),
      },
    );
    console.log(compared, equal);
  });
});
