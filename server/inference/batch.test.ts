import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TextCell } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS } from '../../worker/protocol.ts';
import { makeJob } from '../testing/job.ts';
import { tinyModel, tinyRows } from '../testing/tinyModel.ts';
import type { Batch } from './batch.ts';
import { takeBatch } from './batch.ts';
import type { Job } from './job.ts';
import { createLinkedList } from './linkedList.ts';

const MODELS = [tinyModel('a'), tinyModel('b')] as const;
/** A row's value holds its job and its place in it. */
const valueOf = (job: number, row: number): number => job * 100_000 + row;

interface Wish {
  readonly rows: number;
  readonly model?: 0 | 1;
  readonly alone?: boolean;
  readonly textRows?: readonly number[];
}

function line(wishes: readonly Wish[], most = MAX_BATCH_ROWS) {
  const waiting = createLinkedList<Job>((job) => job.waiting);
  const jobs = wishes.map(({ rows, model = 0, alone = false, textRows = [] }, number) => {
    const texts = textRows.map((row): TextCell => ({ row, column: 0, text: String(valueOf(number, row)) }));
    const values = Array.from({ length: rows }, (_, row) => valueOf(number, row));
    return makeJob(MODELS[model], tinyRows(values, texts), { alone });
  });
  for (const job of jobs) waiting.push(job);
  const cells = new Float64Array(most);
  const take = (limit?: number): Batch & { readonly values: readonly number[] } => {
    const batch = takeBatch(waiting, () => ({ cells: cells.fill(NaN), rows: most }), limit);
    return { ...batch, values: [...cells.subarray(0, batch.rows)] };
  };
  return { jobs, take, isEmpty: () => waiting.first === undefined };
}

const wish: fc.Arbitrary<Wish> = fc
  .record({ rows: fc.integer({ min: 1, max: 600 }), model: fc.constantFrom(0, 1), alone: fc.boolean() })
  .chain((rest) =>
    fc.record({
      rows: fc.constant(rest.rows),
      model: fc.constant(rest.model),
      alone: fc.constant(rest.alone),
      textRows: fc
        .uniqueArray(fc.nat(rest.rows - 1), { maxLength: 20 })
        .map((rows) => rows.sort((a, b) => a - b)),
    }),
  );

describe('takeBatch', () => {
  it('sends every row of every job exactly once, in order, with its texts, in batches of one model', () => {
    const wishes = fc.array(wish, { minLength: 1, maxLength: 8 });
    const limits = fc.array(fc.integer({ min: 1, max: MAX_BATCH_ROWS }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(wishes, limits, fc.integer({ min: 4, max: 1024 }), (all, caps, most) => {
        const { jobs, take, isEmpty } = line(all, most);
        const sent = jobs.map((): number[] => []);
        const texts = jobs.map((): string[] => []);
        for (let turn = 0; !isEmpty(); turn++) {
          const limit = caps[turn % caps.length] as number;
          const batch = take(limit);
          expect(batch.rows).toBeGreaterThan(0);
          expect(batch.rows).toBeLessThanOrEqual(Math.min(limit, most));
          let at = 0;
          for (const chunk of batch.chunks) {
            const number = jobs.indexOf(chunk.job);
            expect(chunk.job.model).toBe(batch.model);
            expect(chunk.job.alone && new Set(batch.chunks.map(({ job }) => job)).size > 1).toBe(false);
            expect(chunk.at).toBe(at);
            expect(chunk.from).toBe(sent[number]?.length);
            sent[number]?.push(...batch.values.slice(at, at + chunk.rows));
            at += chunk.rows;
          }
          expect(at).toBe(batch.rows);
          for (const { row, text } of batch.texts) {
            expect(text).toBe(String(batch.values[row]));
            texts[Math.floor(Number(text) / 100_000)]?.push(text);
          }
        }
        jobs.forEach((job, number) => {
          expect(sent[number]).toEqual([...job.rows.cells]);
          expect(texts[number]).toEqual(job.rows.texts.map(({ text }) => text));
        });
      }),
    );
  });

  it('takes all waiting rows, up to the largest batch', () => {
    const { take, isEmpty } = line(Array.from({ length: 10 }, () => ({ rows: 3 })));
    expect(take().rows).toBe(30);
    expect(isEmpty()).toBe(true);
    expect(line([{ rows: 1000 }]).take().rows).toBe(MAX_BATCH_ROWS);
    expect(line([{ rows: 1000 }], 1024).take().rows).toBe(1000);
  });

  it('puts a single row into the first batch of a large request before it', () => {
    const { jobs, take } = line([{ rows: 10_000 }, { rows: 1 }]);
    expect(take().chunks.map(({ job }) => job)).toContain(jobs[1]);
  });

  it('interleaves the chunks of large requests', () => {
    const { jobs, take } = line([{ rows: 600 }, { rows: 600 }, { rows: 600 }]);
    const order = [...take().chunks, ...take().chunks].map(({ job }) => jobs.indexOf(job));
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
  });

  it('leaves the rows of another model in the queue', () => {
    const { jobs, take } = line([{ rows: 1 }, { rows: 1, model: 1 }, { rows: 1 }]);
    expect(take().chunks.map(({ job }) => job)).toEqual([jobs[0]]);
    expect(take().model).toBe(MODELS[1]);
  });

  it('notes the attempt of each chunk', () => {
    const { jobs, take } = line([{ rows: 300 }]);
    const [first] = take().chunks;
    (jobs[0] as Job).attempt++;
    const [second] = take().chunks;
    expect([first?.attempt, second?.attempt]).toEqual([0, 1]);
  });
});
