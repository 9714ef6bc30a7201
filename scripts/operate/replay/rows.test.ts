import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
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

it('leaves columns out, and keeps numbers as text where told', async () => {
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
