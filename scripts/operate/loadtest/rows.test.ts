import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { UsageError } from '../../cli/faults.ts';
import { prepareRequests } from './requests.ts';
import { readRows, typeCells } from './rows.ts';

const file = (path: string): { kind: 'file'; path: string } => ({ kind: 'file', path });

describe('rows', () => {
  it('reads the Adult test split with its labels, spaces kept', () => {
    const rows = readRows({ source: { kind: 'adult' }, model: 'adult', expect: { kind: 'adult' } });
    expect(rows.data).toHaveLength(16_281);
    expect(rows.columns).toHaveLength(14);
    expect(rows.data[0]?.slice(0, 3)).toEqual([25, ' Private', 226_802]);
    expect(rows.expected?.[0]).toBe(' <=50K');
  });

  it('reads the golden rows of the version that the repository pins, not of a higher one', () => {
    const { expected } = readRows({ source: { kind: 'golden' }, model: 'adult', expect: { kind: 'golden' } });
    const json = readFileSync(fromHome('models/adult/1/golden.json'), 'utf8');
    expect(expected).toEqual((JSON.parse(json) as { predictions: string[] }).predictions);
  });

  it('reads golden rows with their predictions', () => {
    const rows = readRows({ source: { kind: 'golden' }, model: 'adult', expect: { kind: 'golden' } });
    expect(rows.expected).toHaveLength(rows.data.length);
  });

  it('reads any CSV file, packed or not, with quotes and a BOM', async () => {
    await withTemporaryFolder((folder) => {
      const text = '\ufeffsize,city\r\n1.5,"Paris, ""old"""\r\n,Rome\r\n';
      writeFileSync(join(folder, 'a.csv'), text);
      writeFileSync(join(folder, 'a.csv.gz'), gzipSync(text));
      for (const name of ['a.csv', 'a.csv.gz']) {
        const rows = readRows({ source: file(join(folder, name)), model: 'adult', expect: undefined });
        expect(rows).toMatchObject({
          columns: ['size', 'city'],
          data: [
            [1.5, 'Paris, "old"'],
            [null, 'Rome'],
          ],
        });
      }
      return Promise.resolve();
    });
  });

  it('goes by the signature where there is one: a number may be a category', () => {
    const cells = typeCells(
      ['zip', 'age', 'ok'],
      [['01234', '', 'true']],
      new Map([
        ['zip', 'string'],
        ['ok', 'boolean'],
      ]),
    );
    expect(cells).toEqual([['01234', '', true]]);
  });

  it('names the file that is missing, empty, or has another number of labels', async () => {
    await withTemporaryFolder((folder) => {
      const path = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const read = (rows: string, labels?: string) => () =>
        readRows({
          source: file(rows),
          model: 'adult',
          expect: labels === undefined ? undefined : file(labels),
        });
      expect(read(join(folder, 'none.csv'))).toThrow(UsageError);
      expect(read(path('empty.csv', 'a,b\n'))).toThrow('no rows');
      expect(read(path('two.csv', 'a\n1\n2\n'), path('one.csv', 'label\nx\n'))).toThrow(
        '1 labels for 2 rows',
      );
      expect(read(path('two.csv', 'a\n1\n2\n'), path('other.csv', 'a,b\n1,2\n'))).toThrow('"label"');
      return Promise.resolve();
    });
  });

  it('fills requests, and wraps around at the end of the data', () => {
    const rows = { name: 'r', columns: ['é'], data: [[1], [2], [3]], expected: ['a', 'b', 'c'] };
    const target = { url: new URL('http://h/p?x=1'), headers: { 'x-key': 'k' }, rowsPerRequest: 2 };
    const requests = prepareRequests(rows, target);
    expect(requests.map(({ expected }) => expected)).toEqual([
      ['a', 'b'],
      ['c', 'a'],
    ]);
    const [head, body] = (requests[1]?.bytes.toString() ?? '').split('\r\n\r\n');
    expect(body).toBe('{"columns":["é"],"data":[[3],[1]]}');
    expect(head).toMatch(/^POST \/p\?x=1 HTTP\/1\.1\r\nhost: h\r\n/);
    expect(head).toContain('x-key: k');
    expect(head).toContain(`content-length: ${Buffer.byteLength(body ?? '')}`);
  });
});
