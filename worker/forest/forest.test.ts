import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileForest } from './compileForest.ts';
import type { Mode, TreeEnsemble } from './ensemble.ts';
import { EnsembleRefused, MODES } from './ensemble.ts';
import { createForest } from './forest.ts';
import { expectAnswers } from './testing/compare.ts';
import type { Traits } from './testing/random.ts';
import { randomEnsemble, randomMatrix } from './testing/random.ts';
import { openReference } from './testing/reference.ts';

const MAX_ROWS = 150;
const BRANCHES: readonly Mode[] = MODES.filter((mode) => mode !== 'LEAF');

const anySeed = fc.nat(2 ** 31 - 1);

/** All properties of an ensemble, in combinations that ONNX Runtime accepts. */
const anyTraits: fc.Arbitrary<Traits> = fc
  .record({
    seed: anySeed,
    kind: fc.constantFrom<TreeEnsemble['kind'][]>('classifier', 'regressor'),
    outputs: fc.integer({ min: 1, max: 12 }),
    trees: fc.integer({ min: 1, max: 20 }),
    features: fc.integer({ min: 1, max: 6 }),
    modes: fc.oneof(
      fc.constantFrom(...BRANCHES).map((mode) => [mode]),
      fc.uniqueArray(fc.constantFrom(...BRANCHES), { minLength: 2 }),
    ),
    missingTrue: fc.constantFrom(0, 0.5, 1),
    leaves: fc.constantFrom<Traits['leaves'][]>('first', 'inTurn', 'any'),
    bases: fc.constantFrom('none', 'one', 'all'),
    negative: fc.boolean(),
    postTransform: fc.constantFrom<Traits['postTransform'][]>('NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO'),
    aggregate: fc.constantFrom<Traits['aggregate'][]>('SUM', 'AVERAGE', 'MIN', 'MAX'),
  })
  .map(({ bases, ...traits }) => {
    const outputs = traits.kind === 'classifier' ? Math.max(2, traits.outputs) : traits.outputs;
    const one = traits.kind === 'classifier' && outputs === 2 ? 1 : outputs;
    return { ...traits, outputs, bases: bases === 'none' ? 0 : bases === 'one' ? one : outputs };
  });

/** Our answers and ONNX Runtime's. */
async function answerTwice(
  ensemble: TreeEnsemble,
  features: number,
  matrix: Float32Array,
): Promise<Float64Array[]> {
  const rows = matrix.length / features;
  const forest = createForest(compileForest(ensemble, features), MAX_ROWS);
  const reference = await openReference(ensemble, features);
  const answers = new Float64Array(rows * (ensemble.outputs + Number(ensemble.kind === 'classifier')));
  forest.input.set(matrix);
  forest.score(rows, answers);
  return [answers, await reference(matrix, rows)];
}

/** One base value where ONNX Runtime would leave a probability unset. */
const isUndefined = ({ kind, outputs, baseValues, weightOutputs }: TreeEnsemble): boolean =>
  kind === 'classifier' && outputs === 2 && baseValues.length === 1 && new Set(weightOutputs).size === 2;

describe('a forest', () => {
  it('answers as ONNX Runtime does, whatever the ensemble is like', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTraits,
        anySeed,
        fc.integer({ min: 1, max: MAX_ROWS }),
        async (traits, seed, rows) => {
          const ensemble = randomEnsemble(traits);
          const { features, kind, outputs, postTransform } = traits;
          if (isUndefined(ensemble)) {
            expect(() => compileForest(ensemble, features)).toThrow(EnsembleRefused);
            return;
          }
          const [answers, wanted] = await answerTwice(ensemble, features, randomMatrix(seed, rows, features));
          const classifier = kind === 'classifier';
          const width = outputs + Number(classifier);
          // Without an exponential there are only comparisons and sums in a fixed order: equal bit by bit.
          expectAnswers(answers as Float64Array, wanted as Float64Array, {
            width,
            classifier,
            exactly: postTransform === 'NONE',
          });
        },
      ),
      { numRuns: 400 },
    );
  });

  it('answers each row alone as among others', () => {
    fc.assert(
      fc.property(anyTraits, anySeed, (traits, seed) => {
        const ensemble = randomEnsemble(traits);
        fc.pre(!isUndefined(ensemble));
        const { features, kind, outputs } = traits;
        const width = outputs + Number(kind === 'classifier');
        const forest = createForest(compileForest(ensemble, features), MAX_ROWS);
        const matrix = randomMatrix(seed, MAX_ROWS, features);
        const together = new Float64Array(MAX_ROWS * width);
        forest.input.set(matrix);
        forest.score(MAX_ROWS, together);
        for (let row = 0; row < MAX_ROWS; row++) {
          const alone = new Float64Array(width);
          forest.input.set(matrix.subarray(row * features, (row + 1) * features));
          forest.score(1, alone);
          expect(alone).toEqual(together.slice(row * width, (row + 1) * width));
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['a few trees', { trees: 20, features: 6 }, { absolute: true, shift: 16 }],
    ['more nodes than 16 bits count', { trees: 5000, features: 6 }, { absolute: true, shift: 20 }],
    ['too many columns beside their nodes', { trees: 1500, features: 20_000 }, { absolute: false }],
  ])('answers as ONNX Runtime does with %s', async (_, size, form) => {
    const ensemble = randomEnsemble({
      seed: 1,
      kind: 'regressor',
      outputs: 3,
      modes: BRANCHES,
      missingTrue: 0.5,
      leaves: 'inTurn',
      bases: 0,
      negative: true,
      postTransform: 'NONE',
      aggregate: 'SUM',
      ...size,
    });
    expect(compileForest(ensemble, size.features)).toMatchObject(form);
    // Eight rows together, and one by itself.
    const matrix = randomMatrix(2, 9, size.features);
    const [answers, wanted] = await answerTwice(ensemble, size.features, matrix);
    expect(answers).toEqual(wanted);
  });

  it('can be sent to a thread without a copy', () => {
    const compiled = compileForest(
      randomEnsemble(fc.sample(anyTraits, { numRuns: 1, seed: 1 })[0] as Traits),
      6,
    );
    const { nodes, roots, targets, lists, columns } = compiled;
    for (const { buffer } of [nodes, roots, targets, lists, columns])
      expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    const sent = structuredClone(compiled);
    sent.nodes[0] = 12345;
    expect(compiled.nodes[0]).toBe(12345);
  });

  it('refuses more rows than it has room for', () => {
    const ensemble = randomEnsemble(fc.sample(anyTraits, { numRuns: 1, seed: 1 })[0] as Traits);
    const forest = createForest(compileForest(ensemble, 6), 3);
    for (const rows of [4, -1, NaN])
      expect(() => forest.score(rows, new Float64Array(60))).toThrow(RangeError);
  });
});
