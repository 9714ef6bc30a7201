import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW, adultBody } from '../testing/adult.ts';
import type { ProblemBody } from '../testing/problem.ts';
import { withApp } from '../testing/withApp.ts';

const RUNS = { numRuns: 150 };
const place = fc.record({ row: fc.nat(3), column: fc.nat(ADULT_COLUMNS.length - 1) });

describe('any JSON value in any cell', () => {
  withApp('gives an answer, or an error that names its row and column', async ({ predict }) => {
    await fc.assert(
      fc.asyncProperty(place, fc.jsonValue(), async ({ row, column }, value) => {
        const data = Array.from({ length: 4 }, () => [...ADULT_ROW]);
        (data[row] as unknown[])[column] = value;
        const answer = await predict(adultBody(...data));
        if (answer.status === 200) {
          expect((JSON.parse(answer.text) as { predictions: unknown[] }).predictions).toHaveLength(4);
        } else {
          expect(answer.status).toBe(422);
          const { errors, errorsTotal } = JSON.parse(answer.text) as ProblemBody;
          expect(errors).toMatchObject([{ row, column: ADULT_COLUMNS[column] }]);
          expect(errorsTotal).toBe(1);
        }
      }),
      RUNS,
    );
  });

  withApp('is never repeated in an error', async ({ predict }) => {
    const mark = fc.constantFrom('zq81', 'ÿÿzq81', '<zq81>', '\u0000zq81', '😀zq81');
    const marked = fc.oneof(
      mark,
      fc.constantFrom(918273645.5, -918273645e300),
      mark.map((text) => [text]),
      mark.map((text) => ({ [text]: text })),
    );
    await fc.assert(
      fc.asyncProperty(place, marked, fc.boolean(), async ({ row, column }, value, truncated) => {
        const data = Array.from({ length: 4 }, () => [...ADULT_ROW]);
        (data[row] as unknown[])[column] = value;
        const json = JSON.stringify(adultBody(...data));
        const answer = await predict(truncated ? json.slice(0, -1) : json);
        expect(answer.text).not.toMatch(/zq81|918273645/);
      }),
      RUNS,
    );
  });
});

describe('any body', () => {
  withApp('is answered, and never with a 500 or more than 64 KiB', async ({ predict }) => {
    const value = fc.jsonValue();
    const table = fc.record(
      {
        columns: fc.oneof(value, fc.array(fc.oneof(fc.string(), fc.constantFrom(...ADULT_COLUMNS)))),
        data: value,
        index: value,
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(table, value, fc.string(), fc.uint8Array());
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const answer = await predict(given);
        expect(answer.status).toBeLessThan(500);
        expect(answer.text.length).toBeLessThan(64 * 1024);
        expect(JSON.parse(answer.text)).toBeTypeOf('object');
      }),
      RUNS,
    );
  });

  withApp('never makes an error of 64 KiB', async ({ predict }) => {
    const names = Array.from({ length: 150 }, (_, at) => `${at}`.padEnd(100, '\u0001'));
    for (const body of [
      { columns: [...names, ...names], data: [] },
      { columns: names, data: names.map(() => []) },
      { columns: ADULT_COLUMNS, data: names.slice(0, 20).map(() => names.slice(0, 14)) },
      { columns: ADULT_COLUMNS, data: names },
    ]) {
      const answer = await predict(body);
      expect(answer.status).toBe(422);
      expect(answer.text.length).toBeLessThan(64 * 1024);
    }
  });
});
