import type { CellResult, NeighbourResult, Results, Sample } from './results.ts';
import type { Verdict } from './bounds/bound.ts';
import { slowdowns } from './bounds/fastPath.ts';
import type { Spread } from './statistics.ts';
import { spread } from './statistics.ts';
import { number } from './text.ts';

/** Lines up columns: the first ones, so many, to the left, all others to the right. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  leftColumns: number,
): string {
  const widths = header.map((title, k) =>
    Math.max(title.length, ...rows.map((row) => (row[k] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, k) =>
        k < leftColumns ? (cells[k] ?? '').padEnd(width) : (cells[k] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** `median (min-max)`; the median alone where there is nothing to spread. */
export const spreadText = ({ median, min, max }: Spread): string =>
  min === max ? number(median) : `${number(median)} (${number(min)}-${number(max)})`;

const count = (value: number): string => value.toLocaleString('en-US');

const column = (cell: CellResult, value: (sample: Sample) => number): string =>
  spreadText(spread(cell.samples.map(value)));

/** The columns that the table and a comparison share: a title, and how a sample's value is read. */
export const MEASURES = [
  ['requests/s', (sample: Sample) => sample.requestsPerSecond],
  ['CPU µs/request', (sample: Sample) => sample.cpuMicroseconds],
  ['p50 ms', (sample: Sample) => sample.latencyMs.p50],
  ['p99 ms', (sample: Sample) => sample.latencyMs.p99],
] as const;

/** Every cell and subject, with medians over the rounds. */
export function cellsTable({ cells }: Results): string {
  const header = [
    'rows',
    'connections',
    'subject',
    ...MEASURES.map(([title]) => title),
    'rows/s',
    'CPU µs/row',
  ];
  const rows = cells.map((cell) => [
    count(cell.rows),
    count(cell.connections),
    cell.subject,
    ...MEASURES.map(([, value]) => column(cell, value)),
    number(spread(cell.samples.map((sample) => sample.requestsPerSecond * cell.rows)).median),
    number(spread(cell.samples.map((sample) => sample.cpuMicroseconds / cell.rows)).median),
  ]);
  return renderTable(header, rows, 3);
}

/** What the neighbour does to single rows. */
export function neighbourTable(neighbour: readonly NeighbourResult[]): string {
  const rows = neighbour.map((result) => [
    count(result.connections),
    spreadText(spread(result.aloneMs)),
    spreadText(spread(result.besideMs)),
    spreadText(spread(slowdowns(result))),
  ]);
  return renderTable(['connections', 'p99 ms alone', 'p99 ms beside 10,000-row bodies', 'times'], rows, 1);
}

const SIGNS = { 'at most': '<=', 'at least': '>=' } as const;

/** Each bound with its verdict. */
export function boundsTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ verdict, measured, unit, what, needs, holds, limit }) => [
    verdict,
    measured ? `${spreadText(measured)} ${unit}`.trimEnd() : '',
    `${SIGNS[holds]} ${limit} ${unit}`.trimEnd(),
    measured ? what : `${what} [needs ${needs}]`,
  ]);
  return renderTable(['', 'measured', 'bound', 'what'], rows, 4);
}
