import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Input } from '../model/signature.ts';
import { createEncoder } from './encoder.ts';

const inputs: Input[] = [
  { name: 'age', onnx: 'age', type: 'integer', nullable: true },
  { name: 'job', onnx: 'job', type: 'string', nullable: false, categories: [' Sales', 'Farming'] },
  { name: 'rate', onnx: 'rate', type: 'number', nullable: false },
  { name: 'note', onnx: 'note', type: 'string', nullable: false },
];
const NAMES = inputs.map(({ name }) => name);
const GOOD = [39, ' Sales', 0.5, 'free text'];
const encoder = createEncoder({ inputs });

function problemOf(data: readonly (readonly unknown[])[], columns: readonly string[] = NAMES): Problem {
  try {
    encoder.encode(columns, data);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the rows were taken');
}

describe('the encoder', () => {
  it('writes rows one after the other, categories as codes and other texts beside them', () => {
    const { rows, cells, texts } = encoder.encode(NAMES, [GOOD, [null, 'Farming', -1, '']]);
    expect(rows).toBe(2);
    expect([...cells]).toEqual([39, 0, 0.5, -1, NaN, 1, -1, -1]);
    expect(texts).toEqual([
      { row: 0, column: 3, text: 'free text' },
      { row: 1, column: 3, text: '' },
    ]);
  });

  it('gives the same matrix for any order of the columns', () => {
    const expected = encoder.encode(NAMES, [GOOD]);
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        const columns = order.map((at) => NAMES[at] as string);
        expect(encoder.encode(columns, [order.map((at) => GOOD[at])])).toEqual(expected);
      }),
    );
  });

  it('takes no rows', () => {
    expect(encoder.encode(NAMES, [])).toMatchObject({ rows: 0, texts: [], warnings: [], warningsTotal: 0 });
  });

  it('skips the cells of ignored columns, whatever they hold', () => {
    const { cells } = encoder.encode(['x', ...NAMES], [[{ any: 'thing' }, ...GOOD]], { ignoreExtra: true });
    expect([...cells]).toEqual([39, 0, 0.5, -1]);
  });

  it('names every bad cell by its row and column', () => {
    const { code, extensions } = problemOf([GOOD, ['39', 'Sales', true, 4], GOOD, [39, null, 0.5, '']]);
    expect(code).toBe('invalid_rows');
    expect(extensions).toEqual({
      errors: [
        { row: 1, column: 'age', message: 'expected an integer, found a string' },
        { row: 1, column: 'rate', message: 'expected a number, found a boolean' },
        { row: 1, column: 'note', message: 'expected a string, found a number' },
        {
          row: 3,
          column: 'job',
          message: 'expected a string, found null (this column takes no missing value)',
        },
      ],
      errorsTotal: 4,
    });
  });

  it('names a row that is too short or too long', () => {
    expect(problemOf([GOOD, [39], [...GOOD, 1], []]).extensions).toEqual({
      errors: [
        { row: 1, message: 'expected 4 cells, found 1' },
        { row: 2, message: 'expected 4 cells, found 5' },
        { row: 3, message: 'expected 4 cells, found 0' },
      ],
      errorsTotal: 3,
    });
  });

  it('lists the first 20 faults and counts the rest', () => {
    const { errors, errorsTotal } = problemOf(
      Array.from({ length: 50 }, () => ['x', 'y', 'z', 1]),
    ).extensions;
    expect(errors).toHaveLength(20);
    expect(errors?.at(-1)).toMatchObject({ row: 6, column: 'rate' });
    expect(errorsTotal).toBe(150);
  });

  it('warns of an unknown category, and finds the one that was meant', () => {
    const jobs = ['Sales', ' Farming ', 'Mining', 'sales', ' Sales'];
    const { warnings, warningsTotal } = encoder.encode(
      NAMES,
      jobs.map((job) => [39, job, 0.5, 'free']),
    );
    const warning = { column: 'job', code: 'unknown_category' };
    expect(warnings).toEqual([
      { ...warning, row: 0, message: 'unknown category: did you mean " Sales"?' },
      { ...warning, row: 1, message: 'unknown category: did you mean "Farming"?' },
      { ...warning, row: 2, message: 'unknown category' },
      { ...warning, row: 3, message: 'unknown category' },
    ]);
    expect(warningsTotal).toBe(4);
  });

  it('lists the first 20 warnings and counts the rest', () => {
    const { warnings, warningsTotal } = encoder.encode(
      NAMES,
      Array.from({ length: 30 }, () => [39, 'Mining', 0.5, 'free']),
    );
    expect([warnings.length, warnings.at(-1)?.row, warningsTotal]).toEqual([20, 19, 30]);
  });

  it("never repeats a cell's value, in no message", () => {
    const MARK = 'zq81';
    const NUMBER = 918273645.25;
    const marked = fc.oneof(
      fc.constantFrom(NUMBER, -NUMBER, NUMBER * 1e40, NUMBER * 4, [NUMBER], { [MARK]: NUMBER }),
      fc.string().map((text) => `${text}${MARK}`),
      fc.string().map((text) => [{ [`${text}${MARK}`]: MARK }]),
    );
    fc.assert(
      fc.property(fc.array(fc.array(marked, { maxLength: 5 }), { minLength: 1, maxLength: 5 }), (data) => {
        let said: unknown;
        try {
          said = encoder.encode(NAMES, data).warnings;
        } catch (error) {
          said = [(error as Problem).message, (error as Problem).extensions];
        }
        expect(JSON.stringify(said)).not.toMatch(/zq81|918273645|367309458/);
      }),
    );
  });
});
