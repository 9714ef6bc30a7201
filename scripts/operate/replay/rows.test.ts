import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Signature } from '../../../server/model/signature.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { makeRows } from './madeUpRows.ts';
import { bodyOf, readRows } from './rows.ts';

const read = (text: string, without: string[] = [], texts: string[] = []) =>
  withTemporaryFolder((folder) => {
    const path = join(folder, 'rows.csv.gz');
    writeFileSync(path, gzipSync(text));
    return Promise.resolve(readRows(path, without, texts));
  });

it('types a column by all of its cells, and lets an empty one be missing', async () => {
  const rows = await read('\ufeffa,b,c,d\n1,true,x,1\n-2.5e3,FALSE,,0x1\n, true,2,\n');
  expect(rows).toEqual({
    columns: ['a', 'b', 'c', 'd'],
    data: [
      [1, true, 'x', '1'],
      [-2500, false, '', '0x1'],
      [null, true, '2', ''],
    ],
  });
});

it('leaves columns out, and keeps numbers as text where asked to', async () => {
  const rows = await read('zip,n,target\n01010,1,5\n', ['target'], ['zip']);
  expect(rows).toEqual({ columns: ['zip', 'n'], data: [['01010', 1]] });
});

it.each([
  ['a,b\n', 'has no rows'],
  ['a,b\n1\n', "can't be read as CSV"],
])('refuses %j', async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

it('gives a row each of three forms', () => {
  const body = (form: 'records' | 'record' | 'split') => bodyOf(['a', 'b'], [1, null], form);
  expect(body('record')).toEqual({ a: 1, b: null });
  expect(body('records')).toEqual([{ a: 1, b: null }]);
  expect(body('split')).toEqual({ columns: ['a', 'b'], data: [[1, null]] });
});

it('makes up rows from categories and ranges, the same for the same seed', () => {
  const { inputs } = JSON.parse(readFileSync(fromHome('models/cost/1/model.json'), 'utf8')) as Signature;
  expect(makeRows(inputs, 2, 0).data).toEqual([
    ['economy', 'abroad', 12.6, 30, 43, 34, 2409, 4, true],
    ['express', 'abroad', 5.7, 110, 38, 44, 2584, 5, false],
  ]);
  const small = { name: 'x', onnx: 'x', type: 'number', nullable: false, range: [0.01, 0.02] } as const;
  const { columns, data } = makeRows([small, { ...small, name: 'same', range: [3, 3] }], 50, 0);
  expect(columns).toEqual(['x', 'same']);
  const drawn = data.map(([x]) => Number(x));
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0.01);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(0.02);
  expect(new Set(drawn).size).toBeGreaterThan(40);
  expect(new Set(data.map(([, same]) => same))).toEqual(new Set([3]));
});

it('makes up the example, or an empty text, where a text has no categories', () => {
  const text = { name: 'x', onnx: 'x', type: 'string', nullable: false } as const;
  expect(makeRows([text, { ...text, example: 'a parcel' }], 1, 0).data).toEqual([['', 'a parcel']]);
});
