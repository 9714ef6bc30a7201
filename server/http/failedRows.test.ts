import { describe, expect, it } from 'vitest';
import type { CellError } from '../errors/problem.ts';
import type { Answered } from '../prediction/onAnswered.ts';
import type { Reply, Served, VersionFiles } from '../testing/servedModels.ts';
import { withServed } from '../testing/servedModels.ts';
import * as graphs from '../testing/smallGraphs.ts';

const bare = (onnx: Uint8Array): VersionFiles => ({ 'model.onnx': onnx });
/** With a row that the graph takes: the made-up one of zeros and empty texts fails. */
const withExamples = (
  onnx: Uint8Array,
  examples: Readonly<Record<string, string | number>>,
): VersionFiles => ({
  'model.onnx': onnx,
  'model.json': JSON.stringify({
    task: 'regression',
    inputs: Object.entries(examples).map(([name, example]) => {
      const type = typeof example === 'string' ? 'string' : 'integer';
      return { name, onnx: name, type, nullable: false, example };
    }),
    outputs: { value: 'y' },
  }),
});
const PARSED = { parsed: withExamples(graphs.parsed(), { t: '1' }) };
const DIVIDED = { divided: withExamples(graphs.divided(), { a: 1, b: 1 }) };
const LOOKUP = { lookup: bare(graphs.lookup()) };
const CSV = { 'content-type': 'text/csv' };

interface Body {
  readonly predictions: readonly (number | null)[];
  readonly code?: string;
  readonly errors?: readonly CellError[];
  readonly errorsTotal?: number;
  readonly error?: string;
}
const bodyOf = ({ text }: Reply): Body => JSON.parse(text) as Body;
const table = (data: readonly unknown[]): object => ({ columns: ['k'], data: data.map((cell) => [cell]) });

/** Expects 422 that names exactly these rows. */
function expectRows(reply: Reply, rows: readonly number[]): void {
  expect(reply.status).toBe(422);
  const { code, errors = [], errorsTotal } = bodyOf(reply);
  expect(code).toBe('invalid_rows');
  expect(errors.map(({ row }) => row)).toEqual(rows);
  expect(errorsTotal).toBe(rows.length);
  for (const { message } of errors)
    expect(message).toBe("the model can't compute an answer from these values");
}

describe('a row on whose values the model fails', () => {
  it('is named, and the request answered 422', () =>
    withServed(LOOKUP, async ({ post, metrics, faults, errors }) => {
      expectRows(await post('/predict', table([0, 9])), [1]);
      expectRows(await post('/predict', table([9])), [0]);
      expectRows(await post('/predict', table([1, 9, 0, -7, 2])), [1, 3]);
      expect(await metrics()).toContain('validation_errors_total{model="lookup",column="",reason="model"} 4');
      expect([faults, errors]).toEqual([[], []]);
    }));

  it('is null with on_error=null, and the others are answered', () =>
    withServed(LOOKUP, async ({ post }) => {
      const reply = await post('/predict?on_error=null', table([0, 9, 2, 'x', 1, 99]));
      expect(reply.status).toBe(200);
      const { predictions, errors = [], errorsTotal } = bodyOf(reply);
      expect(predictions).toEqual([10, null, 12, null, 11, null]);
      expect(errors.map(({ row, column }) => [row, column])).toEqual([
        [1, undefined],
        [3, 'k'],
        [5, undefined],
      ]);
      expect(errorsTotal).toBe(3);
    }));

  it('costs no other request its answer', () =>
    withServed(
      LOOKUP,
      async ({ post }) => {
        const replies = await Promise.all(
          Array.from({ length: 60 }, (_, at) => post('/predict', table([at % 3, at % 5 === 0 ? 9 : 1]))),
        );
        replies.forEach((reply, at) => {
          if (at % 5 === 0) expectRows(reply, [1]);
          else expect(bodyOf(reply).predictions).toEqual([10 + (at % 3), 11]);
        });
      },
      { threads: 2 },
    ));

  it.each([1, 4])('is found where the graph fixes a batch size of %i', (size) =>
    withServed({ lookup: bare(graphs.lookup(size)) }, async ({ post }) => {
      expectRows(await post('/predict', table([0, 9, 1, 2, 0, 9])), [1, 5]);
      expect(bodyOf(await post('/predict?on_error=null', table([0, 9, 1]))).predictions).toEqual([
        10,
        null,
        11,
      ]);
    }),
  );

  it('is found where texts fill up a fixed batch size', () =>
    withServed({ parsed: withExamples(graphs.parsed(4), { t: '1' }) }, async ({ post }) => {
      const data = ['1', '2.5', 'abc', '4', '5', '6'].map((text) => [text]);
      const reply = await post('/predict?on_error=null', { columns: ['t'], data });
      expect(bodyOf(reply).predictions).toEqual([1, 2.5, null, 4, 5, 6]);
    }));

  it('is named in the form of each dialect', () =>
    withServed(LOOKUP, async ({ post }) => {
      const sentence = "The model can't compute an answer from the values of some rows: row 1";
      const records = [{ k: 0 }, { k: 9 }];
      const tensor = { name: 'k', shape: [2], datatype: 'INT64', data: [0, 9] };
      for (const reply of [
        await post('/v1/models/lookup:predict', { instances: records }),
        await post('/v2/models/lookup/infer', { inputs: [tensor] }),
      ]) {
        expect(reply.status).toBe(400);
        expect(bodyOf(reply).error).toContain(sentence);
      }
      const mlflow = await post('/invocations', { dataframe_records: records });
      expect(mlflow.status).toBe(400);
      expect(mlflow.text).toContain('row 1: ');
      expectRows(await post('/predict', records), [1]);
      const csv = await post('/predict', 'k\n0\n9\n', CSV);
      expectRows(csv, [1]);
      expect(bodyOf(csv).errors?.[0]?.line).toBe(3);
    }));

  it('is named by its place in a file, or left out of its answer', () =>
    withServed(LOOKUP, async ({ post }) => {
      const cells = Array.from({ length: 40_000 }, (_, row) => (row === 3 || row === 39_000 ? 9 : row % 3));
      const csv = `k\n${cells.join('\n')}\n`;
      const refused = await post('/predict_file', csv, CSV);
      expect(refused.status).toBe(422);
      expect(bodyOf(refused).errors?.[0]).toMatchObject({ row: 3, line: 5 });
      const skipped = bodyOf(await post('/predict_file?on_error=null', csv, CSV));
      expect(skipped.predictions).toEqual(cells.map((cell) => (cell === 9 ? null : 10 + cell)));
      expect(skipped.errors).toMatchObject([
        { row: 3, line: 5 },
        { row: 39_000, line: 39_002 },
      ]);
      const text = (await post('/predict_file?on_error=null', csv, { ...CSV, accept: 'text/csv' })).text;
      expect(text.split('\n').slice(0, 6)).toEqual(['k,prediction', '0,10', '1,11', '2,12', '9,', '1,11']);
    }));

  it('is absent from what observers get', async () => {
    const seen: Answered[] = [];
    await withServed(
      PARSED,
      async ({ post }) => {
        const data = [['1.5'], ['abc'], [7], ['2'], ['']];
        const reply = await post('/predict?on_error=null', { columns: ['t'], data });
        expect(bodyOf(reply).predictions).toEqual([1.5, null, null, 2, null]);
      },
      { onAnswered: [(answered) => seen.push(answered)] },
    );
    const [{ rows, answers }] = seen as [Answered];
    expect(rows.rows).toBe(2);
    expect([...answers]).toEqual([1.5, 2]);
    expect(rows.texts.map(({ row, text }) => [row, text])).toEqual([
      [0, '1.5'],
      [1, '2'],
    ]);
    expect(rows.refused?.rows).toEqual([1, 2, 4]);
  });

  it('may fail in any operator', async () => {
    await withServed(DIVIDED, async ({ post }) => {
      const reply = await post('/predict?on_error=null', {
        columns: ['a', 'b'],
        data: [
          [6, 3],
          [1, 0],
          [9, 2],
        ],
      });
      expect(bodyOf(reply).predictions).toEqual([2, null, 4]);
    });
    await withServed(PARSED, async ({ post }) => {
      expectRows(await post('/predict', { columns: ['t'], data: [['1'], ['abc'], ['x']] }), [1, 2]);
    });
  });
});

it('without an example that the graph takes, a version is refused with what to do', () =>
  expect(withServed({ parsed: bare(graphs.parsed()) }, () => Promise.resolve())).rejects.toThrow(
    /fails on a made-up row \(.*stod\); give its columns an "example" in model.json/,
  ));

describe('100,000 rows on which the model fails', () => {
  const all = table(Array.from({ length: 100_000 }, () => 9));
  const timed = async (ask: () => Promise<Reply>): Promise<[Reply, number]> => {
    const start = performance.now();
    return [await ask(), performance.now() - start];
  };

  it('are refused by the first of them', () =>
    withServed(LOOKUP, async ({ post }: Served) => {
      const reply = await post('/predict', all);
      expect(reply.status).toBe(422);
      const { errors = [], errorsTotal = 0 } = bodyOf(reply);
      expect(errors.map(({ row }) => row)).toEqual(Array.from({ length: 20 }, (_, row) => row));
      expect(errorsTotal).toBeLessThanOrEqual(256);
    }));

  it('with on_error=null take no longer than a request may', () =>
    withServed(
      LOOKUP,
      async ({ post }) => {
        const [[reply, ms], [other]] = await Promise.all([
          timed(() => post('/predict?on_error=null', all)),
          timed(() => post('/predict', table([1]))),
        ]);
        expect(other.status).toBe(200);
        expect([200, 504]).toContain(reply.status);
        // The deadline, and what is in a thread then.
        expect(ms).toBeLessThan(10_000);
        expect((await post('/predict', table([2]))).status).toBe(200);
      },
      { deadlineMs: 5000 },
    ));
});
