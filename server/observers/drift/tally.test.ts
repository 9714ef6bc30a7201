import { expect, it } from 'vitest';
import type { Table } from '../../model/rows.ts';
import { createEncoder } from '../../encoding/encoder.ts';
import type { Model } from '../../model/model.ts';
import type { Input, Signature } from '../../model/signature.ts';
import { outputFeed } from '../../model/signature.ts';
import { tinyModel, tinyRows } from '../../testing/tinyModel.ts';
import { HEAD } from './profile.ts';
import { reportDrift } from './report.ts';
import { MANY_ROWS } from './sampler.ts';
import { createTally } from './tally.ts';

const INPUTS: readonly Input[] = [
  {
    name: 'age',
    onnx: 'age',
    type: 'integer',
    nullable: true,
    distribution: { rows: 100, edges: [10, 20], shares: [0.5, 0.25, 0.15], missing: 0.1 },
  },
  {
    name: 'city',
    onnx: 'city',
    type: 'string',
    nullable: false,
    categories: ['Oslo', 'Rome', 'Bern', 'Faro'],
    distribution: { rows: 1000, shares: [0.6, 0.385, 0.006, 0.004], other: 0.005 },
  },
  {
    name: 'member',
    onnx: 'member',
    type: 'boolean',
    nullable: false,
    distribution: { rows: 100, shares: [0.7, 0.3] },
  },
  { name: 'size', onnx: 'size', type: 'number', nullable: false },
  { name: 'note', onnx: 'note', type: 'string', nullable: false },
  { name: 'kind', onnx: 'kind', type: 'string', nullable: false, categories: ['a', 'b'] },
];
const NAMES = INPUTS.map(({ name }) => name);

const classifier: Model = {
  ...tinyModel(),
  signature: {
    task: 'classification',
    inputs: INPUTS,
    outputs: {
      label: 'l',
      probabilities: 'p',
      classes: ['no', 'yes'],
      distribution: { rows: 100, shares: [0.9, 0.1] },
    },
  },
  encoder: createEncoder({ inputs: INPUTS }),
  output: { task: 'classification', label: 'l', probabilities: 'p', classes: ['no', 'yes'] },
};

/** The counts by field after some tables, whose answers are all "yes". */
function countsOf(model: Model, ...tables: readonly (Table & { readonly skipBadRows?: boolean })[]) {
  const tally = createTally(model);
  for (const table of tables) {
    const { skipBadRows = false } = table;
    const rows = model.encoder.encode(table.columns, table.data, { skipBadRows, ignoreExtra: true }, table);
    tally.take(
      table,
      rows,
      Float64Array.from({ length: rows.rows * 3 }, (_, at) => (at % 3 === 0 ? 1 : 0.5)),
    );
  }
  const { columns, predictions } = tally.profile;
  const fields = [...columns, ...(predictions ? [predictions] : [])];
  return {
    rows: tally.counts[HEAD.rows],
    ...Object.fromEntries(
      fields.map(({ name, start, bins }) => [
        name,
        Object.fromEntries(bins.map((bin, at) => [bin, tally.counts[start + at]])),
      ]),
    ),
  };
}

const EXPECTED = {
  rows: 4,
  age: { '≤ 10': 1, '10 – 20': 1, '> 20': 1, missing: 1 },
  city: { Oslo: 1, Rome: 0, '2 rare ones': 2, unknown: 1 },
  member: { false: 3, true: 1 },
  size: { present: 4 },
  note: { present: 4 },
  kind: { known: 3, unknown: 1 },
  predictions: { no: 0, yes: 4 },
};
const ROWS: readonly (readonly unknown[])[] = [
  [10, 'Oslo', true, 1.5, 'x', 'a'],
  [11, 'Bern', false, -2, '', 'b'],
  [1e9, 'Faro', false, 0, 'y', 'a'],
  [null, 'Paris', false, 0, 'z', 'c'],
];

it('puts every cell into its bin', () => {
  expect(countsOf(classifier, { columns: NAMES, data: ROWS })).toEqual(EXPECTED);
});

it('finds columns in any order, among others, and by name', () => {
  const turned = { columns: ['extra', ...NAMES].reverse(), data: ROWS.map((row) => [0, ...row].reverse()) };
  const objects = ROWS.map((row) => Object.fromEntries(NAMES.map((name, at) => [name, row[at]])));
  const byName = { columns: NAMES, data: objects, byName: true };
  expect(countsOf(classifier, turned)).toEqual(EXPECTED);
  expect(countsOf(classifier, byName)).toEqual(EXPECTED);
});

it('skips refused rows, and matches the others with their answers', () => {
  const bad = ['old', 'Oslo', true, 1, 'x', 'a'];
  const data = [bad, ...ROWS.slice(0, 2), bad, bad, ...ROWS.slice(2), bad];
  expect(countsOf(classifier, { columns: NAMES, data, skipBadRows: true })).toEqual(EXPECTED);
});

it('samples a bounded number of rows of a large request, which represent all', () => {
  const tally = createTally(classifier);
  const data = Array.from({ length: 10_000 }, (_, row) => [
    row % 2 === 0 ? 5 : 15,
    'Oslo',
    true,
    1,
    'x',
    'a',
  ]);
  const rows = classifier.encoder.encode(NAMES, data);
  tally.take({ columns: NAMES, data }, rows, new Float64Array(30_000));
  const [answered, weights, squares] = tally.counts;
  expect(answered).toBe(10_000);
  expect(Math.abs((weights as number) / 10_000 - 1)).toBeLessThan(0.01);
  expect((weights as number) ** 2 / (squares as number)).toBeLessThan(2 * MANY_ROWS);
});

it('counts values in the bins of the training answers, and none without those', () => {
  const value = { rows: 10, edges: [1, 2], shares: [0.3, 0.3, 0.4] };
  const base = tinyModel();
  const withBins = {
    ...base,
    signature: { ...base.signature, outputs: { value: 'y', distribution: value } },
  };
  const tally = createTally(withBins);
  const table = { columns: ['x'], data: [[1], [2], [3], [4]] };
  tally.take(table, base.encoder.encode(['x'], table.data), Float64Array.of(1, 1.5, 99, NaN));
  const start = tally.profile.predictions?.start as number;
  expect([...tally.counts.slice(start)]).toEqual([1, 1, 1]);
  expect(createTally(base).profile.predictions).toBeUndefined();
});

it('counts each of several values that has classes or training data', () => {
  const signature: Signature = {
    task: 'multioutput-regression',
    inputs: [{ name: 'x', onnx: 'x', type: 'number', nullable: false }],
    outputs: {
      values: [
        { name: 'free', onnx: 'y' },
        { name: 'price', onnx: 'y', distribution: { rows: 5000, edges: [10, 20], shares: [0.5, 0.3, 0.2] } },
        { name: 'kind', onnx: 'k', classes: ['a', 'b'], distribution: { rows: 5000, shares: [0.9, 0.1] } },
      ],
    },
  };
  const model: Model = { ...tinyModel(), signature, output: outputFeed(signature) };
  const tally = createTally(model);
  const rows = tinyRows([1, 2, 3]);
  tally.take({ columns: ['x'], data: [[1], [2], [3]] }, rows, Float64Array.of(7, 15, 1, 7, 99, 1, 7, NaN, 0));
  const { predictions, values = [], verdict } = reportDrift(tally.profile, tally.counts, 1000);
  expect([predictions, verdict]).toEqual([null, 'not_enough_rows']);
  expect(values.map(({ name, bins }) => [name, bins.map(({ bin, observed }) => [bin, observed])])).toEqual([
    [
      'price',
      [
        ['≤ 10', 0],
        ['10 – 20', 0.5],
        ['> 20', 0.5],
      ],
    ],
    [
      'kind',
      [
        ['a', 1 / 3],
        ['b', 2 / 3],
      ],
    ],
  ]);
});
