import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { renderTable } from '../../cli/table.ts';
import { judgeAll } from './catalogue.ts';
import { drawChart } from './chart.ts';
import { comparisonTable, readResults } from './compare.ts';
import { createProgress } from './progress.ts';
import { renderReport, writeFiles } from './report.ts';
import { cellsTable } from './parts/rounds.ts';
import { cell, resultsOf, sample } from './testing/results.ts';
import { number } from './text.ts';

const rates = (...values: number[]) =>
  values.map((requestsPerSecond, k) => sample(k + 1, { requestsPerSecond }));

describe('a table', () => {
  it('lines up names to the left and numbers to the right', () => {
    const rows = [
      ['echo', '1'],
      ['a', '100'],
    ];
    expect(renderTable(['name', 'n'], rows, 1)).toBe('name    n\n----  ---\necho    1\na     100');
  });

  it('shows the median with its spread, and values of a row', () => {
    const lines = cellsTable([cell('server', 16, rates(100, 300), 10)]).split('\n');
    expect(lines[2]?.split(/ {2,}/)).toEqual([
      '10',
      '16',
      'server',
      '200 (100-300)',
      '50.0',
      '0.100',
      '0.400',
      '2,000',
      '5.00',
    ]);
  });

  it('keeps three digits', () => {
    expect([12_345.6, 123.4, 12.34, 1.234, 0.1234, 0, -1.5].map(number)).toEqual([
      '12,346',
      '123',
      '12.3',
      '1.23',
      '0.123',
      '0.000',
      '-1.50',
    ]);
  });
});

it('reports everything that was measured, and warns of a noisy machine', () => {
  const results = resultsOf([cell('server', 64, rates(1)), cell('echo', 64, rates(2))], {
    neighbour: [{ connections: 64, aloneMs: [1], besideMs: [3] }],
    noise: { othersShare: 0.4, stolenShare: 0 },
  });
  const report = renderReport(results, judgeAll(results));
  expect(report).toContain('other programs used 40 % of the CPUs');
  expect(report).toContain('TOO MUCH');
  expect(report).toMatch(/^fail +0\.500 +>= 0\.7 +the same, requests\/s$/m);
  expect(report).toMatch(/^pass +3\.00 +<= 5 +single row/m);
  expect(report).toMatch(/^not measured +<= 240 MB .*\[needs --parts memory\]$/m);
});

describe('a comparison', () => {
  it('gives per cent, in brackets where the rounds overlap', () => {
    const before = resultsOf([cell('echo', 1, rates(100, 110)), cell('gone', 1, rates(1))]);
    const now = resultsOf([cell('echo', 1, rates(200, 220)), cell('new', 1, rates(1))]);
    const [, , line, ...others] = comparisonTable(before, now).split('\n');
    expect(line?.split(/ {2,}/)).toEqual(['1', '1', 'echo', '+100.0 %', '(+0.0 %)', '(+0.0 %)', '(+0.0 %)']);
    expect(others).toEqual([]);
    expect(comparisonTable(now, before)).toContain('−50.0 %');
  });

  it('takes the files that a run writes, and refuses others', async () => {
    await withTemporaryFolder(async (folder) => {
      const results = resultsOf([cell('echo', 1, rates(1))]);
      const [json, svg] = await writeFiles(join(folder, 'made/run.json'), results, judgeAll(results));
      expect(await readResults(json as string)).toMatchObject(results);
      expect(await readFile(svg as string, 'utf8')).toBe(drawChart(results));

      const wrong = join(folder, 'wrong.json');
      await writeFile(wrong, '{"schema":0,"cells":[]}');
      await expect(readResults(wrong)).rejects.toThrow('is no result of this version of the bench');
      await writeFile(wrong, 'no JSON');
      await expect(readResults(wrong)).rejects.toThrow('is no result of this version of the bench');
      await expect(readResults(join(folder, 'none.json'))).rejects.toThrow('cannot be read (ENOENT)');
    });
  });
});

it('draws a self-contained picture', () => {
  const svg = drawChart(
    resultsOf([
      cell('server', 64, rates(1, 3)),
      cell('echo', 64, rates(5)),
      cell('server', 4, rates(1), 1000),
    ]),
  );
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^]*<\/svg>\n$/);
  expect(svg).toContain('server, 1 row, 64 connections: 2.00 (1.00 to 3.00)');
  expect(svg).toContain('1,000 rows, 4 connections');
  expect(svg).toContain('A &#60;fast&#62; &#34;CPU&#34;');
  expect(svg).not.toMatch(/NaN|Infinity|undefined|<script|href/);
});

it('shows how far it is and how long it may take', () => {
  let now = 0;
  const lines: string[] = [];
  const progress = createProgress({
    steps: 10,
    terminal: false,
    now: () => now,
    write: (text) => lines.push(text),
  });
  progress.say('first');
  progress.step('a');
  now += 20_000;
  progress.step('b');
  expect(lines).toEqual(['first\n', '[ 1/10] a\n', '[ 2/10] b, about 3 min left\n']);
});
