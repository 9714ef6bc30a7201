import { expect, it } from 'vitest';
import { readNativeRows } from '../../dialects/native.ts';
import { toText } from '../../http/body.ts';
import { loadAdult } from '../../testing/adult.ts';
import { ADULT_COLUMNS, bodyOf, readAdultRows } from '../../testing/adultRows.ts';
import { fastPathOf } from '../../testing/fastPathOf.ts';
import type { Encoder } from '../../model/rows.ts';

/** Rows a body, and the least gain over JSON.parse and the encoder; on a quiet machine it is twice that. */
const BOUNDS = new Map([
  [1, 2.5],
  [100, 2.5],
  [1_000, 3],
]);
const ROUNDS = 15;
/** Rows that each way reads in a round. */
const ROWS = 20_000;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** CPU time in microseconds. */
function timeOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

it(
  'reading from bytes is faster than JSON.parse and the encoder',
  { retry: 2, timeout: 120_000 },
  async ({ annotate }) => {
    const { fast, signature } = await fastPathOf(await loadAdult());
    const { encode, readBytes } = fast?.encoder as Required<Encoder>;
    const all = readAdultRows();
    const records = (some: typeof all): string =>
      JSON.stringify(
        some.map(({ cells }) => Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]]))),
      );
    for (const [form, write] of [
      ['split', bodyOf],
      ['records', records],
    ] as const)
      for (const [rows, bound] of BOUNDS) {
        const bodies = Array.from({ length: 10 }, (_, at) =>
          Buffer.from(write(all.slice(at * rows, (at + 1) * rows))),
        );
        const times = Math.ceil(ROWS / rows / bodies.length);
        const each = (read: (body: Buffer) => unknown) => (): void => {
          for (let time = 0; time < times; time++) for (const body of bodies) read(body);
        };
        const long = each((body) => {
          const { table } = readNativeRows(toText(body), signature.inputs);
          encode(table.columns, table.data, {}, table);
        });
        const short = each((body) => readBytes(body, 'native'));
        const pairs = Array.from({ length: ROUNDS }, () => [timeOf(long), timeOf(short)] as const);
        const [theirs, ours] = [0, 1].map(
          (which) => median(pairs.map((pair) => pair[which] as number)) / (times * bodies.length),
        ) as [number, number];
        const line = `${form}, ${rows} rows: ${theirs.toFixed(1)} µs a body, from bytes ${ours.toFixed(1)}`;
        await annotate(`${line}: ${(theirs / ours).toFixed(1)} times as fast`);
        expect(theirs / ours, line).toBeGreaterThan(bound);
      }
  },
);
