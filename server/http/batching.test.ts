import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allocateMemory } from '../inference/laneMemory.ts';
import { openTask } from '../inference/openTask.ts';
import type { Model } from '../model/model.ts';
import { fromHome } from '../platform/install.ts';
import type { Served, VersionFiles } from '../testing/servedModels.ts';
import { withServed } from '../testing/servedModels.ts';
import * as graphs from '../testing/smallGraphs.ts';

const bare = (onnx: Uint8Array): VersionFiles => ({ 'model.onnx': onnx });
const QUANTISED = bare(readFileSync(fromHome('server/http/fixtures/quantised.onnx')));
const nothing = (): Promise<void> => Promise.resolve();

interface Body {
  readonly predictions: readonly (number | null)[];
}
const predictionsOf = ({ text }: { readonly text: string }): Body['predictions'] =>
  (JSON.parse(text) as Body).predictions;

async function describeModel(served: Served): Promise<Record<string, unknown>> {
  const { text } = await served.get('/models');
  return (JSON.parse(text) as { models: Record<string, unknown>[] }).models[0] as Record<string, unknown>;
}

/** Asks for each row alone, and then for all at once in many requests: every answer must be the one alone. */
async function expectIndependence(
  { post }: Served,
  columns: readonly string[],
  data: readonly (readonly unknown[])[],
): Promise<(number | null)[]> {
  const alone: (number | null)[] = [];
  for (const row of data)
    alone.push(predictionsOf(await post('/predict', { columns, data: [row] }))[0] as number | null);
  const both = await Promise.all([
    post('/predict', { columns, data }),
    post('/predict', { columns, data: data.toReversed() }),
    ...data.map((row) => post('/predict', { columns, data: [row] })),
  ]);
  const [forth, back, ...single] = both.map(predictionsOf);
  expect(forth).toEqual(alone);
  expect(back).toEqual(alone.toReversed());
  expect(single.flat()).toEqual(alone);
  return alone;
}

describe('a graph whose rows depend on one another', () => {
  it('quantised when it runs: each row is run by itself, in every thread', () =>
    withServed(
      { quantised: QUANTISED },
      async (served) => {
        const columns = ['x_0', 'x_1', 'x_2', 'x_3'];
        const data = Array.from({ length: 40 }, (_, row) =>
          [0.3, -0.5, 0.8, 0.1].map((cell) => cell * [1, 100, 0.01, 7][row % 4]! + (row >> 2)),
        );
        const alone = await expectIndependence(served, columns, [[0.3, -0.5, 0.8, 0.1], ...data]);
        expect(alone[0]).toBeCloseTo(2.1071, 4);
        expect(await describeModel(served)).toMatchObject({
          engine: 'onnxruntime',
          batching: 'row',
          batchingReason: expect.stringMatching(/^a row among \d+ gets another answer than alone$/) as string,
        });
        expect(await served.metrics()).toMatch(/model_info\{[^}]*batching="row"[^}]*\} 1/);
      },
      { threads: 2 },
    ));

  it('the mean of the batch: with a free and with a fixed batch size', async () => {
    for (const rows of ['n', 10, 3]) {
      await withServed({ mixing: bare(graphs.mixesRows(rows)) }, async (served) => {
        const alone = await expectIndependence(served, ['x'], [[1], [5], [1000], [-3]]);
        expect(alone).toEqual([1, 1, 1, 1]);
        expect(await describeModel(served)).toMatchObject({ batching: 'row' });
      });
    }
  });

  it('a reshape to one row: rows that succeed alone are answered', () =>
    withServed({ inside: bare(graphs.oneRowInside()) }, async (served) => {
      const { post } = served;
      const reply = await post('/predict', {
        columns: ['x_0', 'x_1', 'x_2'],
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      });
      expect(predictionsOf(reply)).toEqual([6, 15]);
      expect(await describeModel(served)).toMatchObject({
        batching: 'row',
        batchingReason: expect.stringContaining('though each of them succeeds alone') as string,
      });
    }));

  it('a row that fails alone fails among others', () => {
    const signature = {
      task: 'regression',
      inputs: [{ name: 't', onnx: 't', type: 'string', nullable: false, example: 'a b' }],
      outputs: { value: 'y' },
    };
    const files = { ...bare(graphs.evenWords()), 'model.json': JSON.stringify(signature) };
    return withServed({ words: files }, async (served) => {
      expect(await describeModel(served)).toMatchObject({ batching: 'row' });
      const reply = await served.post('/predict?on_error=null', {
        columns: ['t'],
        data: [['a b'], ['a'], ['a b c d'], ['a b c']],
      });
      expect(predictionsOf(reply)).toEqual([2, null, 4, null]);
    });
  });
});

describe('a graph whose rows are independent', () => {
  it.each<[string, Uint8Array, readonly string[]]>([
    ['of numbers', graphs.total(), ['x_0', 'x_1', 'x_2']],
    ['with answers that are NaN', graphs.root(), ['x']],
    ['that takes few of the made-up values', graphs.lookup(), ['k']],
  ])('%s shares runs', (_, onnx, columns) =>
    withServed({ independent: bare(onnx) }, async (served) => {
      expect(await describeModel(served)).toMatchObject({ batching: 'batch' });
      expect(await served.metrics()).toMatch(/model_info\{[^}]*batching="batch"/);
      await expectIndependence(served, columns, [columns.map(() => 1), columns.map(() => 2)]);
    }),
  );

  it('has runs of one row if model.json demands it', () => {
    const inputs = ['x_0', 'x_1', 'x_2'].map((name) => ({
      name,
      onnx: 'x',
      type: 'number',
      nullable: false,
    }));
    const signature = { task: 'regression', batching: 'row', inputs, outputs: { value: 'y' } };
    const files = { ...bare(graphs.total()), 'model.json': JSON.stringify(signature) };
    return withServed({ demanding: files }, async (served) => {
      const wanted = { batching: 'row', batchingReason: 'model.json demands it', path: 'whole' };
      expect(await describeModel(served)).toMatchObject(wanted);
      expect(JSON.parse((await served.get('/models/demanding')).text)).toMatchObject(wanted);
      await expectIndependence(
        served,
        ['x_0', 'x_1', 'x_2'],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      );
    });
  });
});

const TRANSPOSED: VersionFiles = {
  ...bare(graphs.transposed()),
  'model.json': JSON.stringify({
    task: 'classification',
    inputs: ['a', 'b'].map((name) => ({ name, onnx: 'x', type: 'number', nullable: false })),
    outputs: { label: 'label', probabilities: 'probabilities', classes: [0, 1] },
  }),
};

describe('a graph is refused when it is opened', () => {
  it.each<[string, VersionFiles, RegExp]>([
    [
      'random',
      bare(graphs.random()),
      /random operators, or was exported in training mode \(dropout\).*unstable/,
    ],
    [
      'one value for a batch',
      bare(graphs.onePerBatch()),
      /not hold one value for each row: it has 1 for \d+/,
    ],
    ['transposed probabilities', TRANSPOSED, /its first dimension has to be the row/],
    ['inputs of other batch sizes', bare(graphs.twoSizes(2, 3)), /a takes 2 rows a run and input b takes 3/],
    ['a batch size of 0', bare(graphs.total(0)), /takes 0 rows a run/],
    ['a huge batch size', bare(graphs.total(5000)), /takes 5000 rows a run; .* 1 to 4096/],
  ])('%s', async (_, files, message) => {
    await expect(withServed({ wrong: files }, nothing)).rejects.toThrow(message);
  });
});

const X = ['x_0', 'x_1', 'x_2'];
const rowsOf = (count: number): number[][] => Array.from({ length: count }, (_, row) => [row, 1, 0.5]);
const CSV = { 'content-type': 'text/csv' };

describe('a fixed batch size', () => {
  it.each([1, 10])('of %i: every dialect answers any number of rows', (size) =>
    withServed({ fixed: bare(graphs.total(size)) }, async ({ post, get }) => {
      for (const count of [1, 2, 10, 23, 600]) {
        const data = rowsOf(count);
        const wanted = data.map(([first = 0]) => first + 1.5);
        const records = data.map((row) => Object.fromEntries(X.map((name, at) => [name, row[at]])));
        const csv = `${X.join()}\n${data.map((row) => row.join()).join('\n')}\n`;
        const tensors = X.map((name, at) => ({
          name,
          shape: [count],
          datatype: 'FP32',
          data: data.map((row) => row[at]),
        }));
        const replies = [
          await post('/predict', { columns: X, data }),
          await post('/predict', records),
          await post('/predict', csv, CSV),
          await post('/models/fixed/predict', { columns: X, data }),
          await post('/invocations', { dataframe_split: { columns: X, data } }),
          await post('/invocations', csv, CSV),
          await post('/v1/models/fixed:predict', { instances: records }),
          await post('/predict_file', csv, CSV),
        ];
        for (const reply of replies) {
          expect(reply.status).toBe(200);
          expect(predictionsOf(reply)).toEqual(wanted);
        }
        const v2 = await post('/v2/models/fixed/infer', { inputs: tensors });
        expect((JSON.parse(v2.text) as { outputs: { data: number[] }[] }).outputs[0]?.data).toEqual(wanted);
        const file = await post('/predict_file', csv, { ...CSV, accept: 'text/csv' });
        expect(
          file.text
            .trim()
            .split('\n')
            .slice(1)
            .map((line) => Number(line.split(',')[3])),
        ).toEqual(wanted);
      }
      const one = await get('/predict?x_0=2&x_1=1&x_2=0.5');
      expect(one.text).toContain('3.5');
    }),
  );

  it('pads texts too', () =>
    withServed({ coded: bare(graphs.coded(4)) }, async ({ post }) => {
      const data = ['a', 'b', 'c', 'a', 'c', 'b'].map((text) => [text]);
      expect(predictionsOf(await post('/predict', { columns: ['t'], data }))).toEqual([1, 2, -1, 1, -1, 2]);
      expect(predictionsOf(await post('/predict', { columns: ['t'], data: [['b']] }))).toEqual([2]);
    }));
});

describe('what one thread has found', () => {
  it('is handed to the others, and to one that replaces them', () =>
    withServed({ quantised: QUANTISED }, ({ models }) => {
      const [model] = models as [Model];
      const { batched, mixed } = openTask(model, allocateMemory(model));
      expect(batched).toMatchObject({ decided: true, how: { batching: 'row' } });
      expect(mixed).toBeUndefined();
      return nothing();
    }));

  it('is found again by a process that opens the version on trust, if it is served whole', () =>
    withServed(
      { mixing: bare(graphs.mixesRows(3)) },
      async (served) => expect(await describeModel(served)).toMatchObject({ batching: 'row', path: 'whole' }),
      { trusted: true },
    ));
});
