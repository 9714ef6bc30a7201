import fc from 'fast-check';
import { expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW } from '../../testing/adult.ts';
import type { ProblemBody } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

/** Expects the answer to any cell: a prediction, or an error that names its row and column. */
function expectLocated(status: number, text: string, row: number, column: string): void {
  expect([200, 422]).toContain(status);
  if (status === 200) return;
  const { errors } = JSON.parse(text) as ProblemBody;
  expect(errors).toMatchObject([{ row, column }]);
}

withApp('any JSON value in any cell gives an answer or a located error', async ({ predict }) => {
  const cell = fc.oneof(fc.jsonValue(), fc.double(), fc.string({ unit: 'binary' }), fc.bigInt().map(Number));
  await fc.assert(
    fc.asyncProperty(fc.nat(ADULT_COLUMNS.length - 1), cell, async (at, value) => {
      const row = ADULT_ROW.with(at, value);
      const column = ADULT_COLUMNS[at] as string;
      const split = await predict({ columns: ADULT_COLUMNS, data: [ADULT_ROW, row] });
      expectLocated(split.status, split.text, 1, column);
      const record = Object.fromEntries(ADULT_COLUMNS.map((name, index) => [name, row[index]]));
      const records = await predict([record]);
      expectLocated(records.status, records.text, 0, column);
      expect(records.status).toBe(split.status);
    }),
    { numRuns: 100 },
  );
});

withApp('any text in any cell of a CSV gives an answer or a located error', async ({ predict }) => {
  const quote = (cell: unknown): string => `"${String(cell).replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(fc.nat(ADULT_COLUMNS.length - 1), fc.string({ unit: 'grapheme' }), async (at, text) => {
      const row = ADULT_ROW.with(at, text);
      const body = `${ADULT_COLUMNS.join()}\n${row.map(quote).join()}\n`;
      const { status, text: answer } = await predict(body, '', { 'content-type': 'text/csv' });
      expectLocated(status, answer, 0, ADULT_COLUMNS[at] as string);
    }),
    { numRuns: 100 },
  );
});

withApp('any body gets an answer or a client error', async ({ predict }) => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.constantFrom('application/json', 'text/csv'), async (value, type) => {
      const { status } = await predict(JSON.stringify(value), '?on_error=null&extra=ignore', {
        'content-type': type,
      });
      expect([200, 400, 422]).toContain(status);
    }),
    { numRuns: 200 },
  );
});
