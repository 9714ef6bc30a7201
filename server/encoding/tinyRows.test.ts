import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LISTED, Problem } from '../errors/problem.ts';
import type { Input } from '../model/signature.ts';
import type { Encoder } from '../model/rows.ts';
import { createEncoder, createFeatureEncoder } from './encoder.ts';

const inputs: Input[] = [
  { name: 'age', onnx: 'age', type: 'integer', nullable: true },
  { name: '__proto__', onnx: 'p', type: 'number', nullable: false },
  { name: 'job', onnx: 'job', type: 'string', nullable: false, categories: ['Sales'] },
];
const NAMES = inputs.map(({ name }) => name);
const encoder = createEncoder({ inputs });

function problemOf(encode: () => unknown): Problem {
  try {
    encode();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the rows were taken');
}

/** Counts the faults of each row alone: the expected result of counting in bulk. */
function faultsOf(row: unknown, byName: boolean): number {
  try {
    encoder.encode(NAMES, [row], {}, { byName });
    return 0;
  } catch (error) {
    return (error as Problem).extensions.errorsTotal ?? NaN;
  }
}

/** As JSON.parse makes it, with `__proto__` as an ordinary name. */
const record = fc
  .array(fc.tuple(fc.constantFrom(...NAMES, 'toString', 'x'), fc.constantFrom(1, 0.5, 'Sales', null, [])))
  .map((members) => members.map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join())
  .map((members) => JSON.parse(`{${members}}`) as unknown);
const row = fc.oneof(
  { weight: 4, arbitrary: record },
  fc.array(fc.constantFrom(1, 'Sales', null), { maxLength: 4 }),
  fc.constantFrom<unknown>(null, 1, '', [1, 1, 'Sales'], [null, 0.5, 'Sales']),
);

describe('faults beyond the listed ones', () => {
  it.each([true, false])('are counted as if each row came alone, by name: %s', (byName) => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (data) => {
        const expected = data.map((one) => faultsOf(one, byName));
        const total = expected.reduce((sum, faults) => sum + faults, 0);
        const bad = expected.flatMap((faults, at) => (faults > 0 ? [at] : []));
        const skipped = encoder.encode(NAMES, data, { skipBadRows: true }, { byName });
        expect(skipped.refused?.rows ?? []).toEqual(bad);
        expect(skipped.refused?.errorsTotal ?? 0).toBe(total);
        expect(skipped.rows).toBe(data.length - bad.length);
        const good = data.filter((_, at) => expected[at] === 0);
        expect([...skipped.cells]).toEqual([...encoder.encode(NAMES, good, {}, { byName }).cells]);
        if (total === 0) return;
        const { extensions } = problemOf(() => encoder.encode(NAMES, data, {}, { byName }));
        expect(extensions.errorsTotal).toBe(total);
        expect(extensions.errors).toHaveLength(Math.min(total, MAX_LISTED));
        expect(extensions.errors).toEqual(skipped.refused?.errors);
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

describe('a model with very many features', () => {
  const FEATURES = 100_000;
  const wide: Encoder = createFeatureEncoder(
    { inputs: [inputs[2] as Input] },
    [{ kind: 'text', write: () => true }],
    FEATURES,
  );

  it('refuses rows that would take gigabytes, and bad ones as always', () => {
    const many = Array.from({ length: 10_000 }, () => ['Sales']);
    expect(problemOf(() => wide.encode(['job'], many)).code).toBe('body_too_large');
    expect(problemOf(() => wide.encode(['job'], [...many, []])).extensions.errorsTotal).toBe(1);
    expect(
      problemOf(() =>
        wide.encode(
          ['job'],
          many.map(() => []),
        ),
      ).extensions.errorsTotal,
    ).toBe(10_000);
    expect(wide.encode(['job'], many.slice(0, 5)).rows).toBe(5);
  });
});
