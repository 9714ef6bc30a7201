import { expect, it } from 'vitest';
import { readNativeRows } from '../../dialects/native.ts';
import type { V2Rows } from '../../dialects/v2/bytes.ts';
import { readV2Rows } from '../../dialects/v2/bytes.ts';
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
const ROUNDS = 9;
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
  { retry: 2, timeout: 240_000 },
  async ({ annotate }) => {
    const adult = await fastPathOf(await loadAdult());
    const { signature } = adult;
    const encoder = adult.fast?.encoder as Required<Encoder>;
    const { encode, readBytes } = encoder;
    const without: { -readonly [Name in keyof Encoder]: Encoder[Name] } = { ...encoder };
    delete without.readTensors;
    const all = readAdultRows();
    const records = (some: typeof all): string =>
      JSON.stringify(
        some.map(({ cells }) => Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]]))),
      );
    const columnsOf = (some: typeof all) =>
      signature.inputs.map(({ name, type }, at) => ({
        name,
        shape: [some.length],
        datatype: type === 'string' ? 'BYTES' : 'FP64',
        values: some.map(({ cells }) => cells[at] as string | number),
      }));
    const tensors = (some: typeof all): string =>
      JSON.stringify({
        inputs: columnsOf(some).map(({ values, ...tensor }) => ({ ...tensor, data: values })),
      });
    /** Behind the JSON, whose length is a line of its own. */
    const binary = (some: typeof all): string => {
      const parts = columnsOf(some).map(({ values }) =>
        Buffer.concat(
          values.map((value) => {
            if (typeof value === 'number') return Buffer.from(Float64Array.of(value).buffer);
            return Buffer.concat([
              Buffer.from(Uint32Array.of(Buffer.byteLength(value)).buffer),
              Buffer.from(value),
            ]);
          }),
        ),
      );
      const inputs = columnsOf(some).map(({ name, shape, datatype }, at) => ({
        ...{ name, shape, datatype },
        parameters: { binary_data_size: (parts[at] as Buffer).length },
      }));
      const json = JSON.stringify({ inputs });
      return `${json.length}\n${json}${Buffer.concat(parts).toString('latin1')}`;
    };
    const isTensors = (form: string): boolean => form === 'tensors' || form === 'binary tensors';
    for (const [form, write] of [
      ['split', bodyOf],
      ['records', records],
      ['tensors', tensors],
      ['binary tensors', binary],
    ] as const)
      for (const [rows, bound] of BOUNDS) {
        const bodies = Array.from({ length: 10 }, (_, at) =>
          Buffer.from(
            write(all.slice(at * rows, (at + 1) * rows)),
            form === 'binary tensors' ? 'latin1' : 'utf8',
          ),
        );
        const v2 = (body: Buffer, target: Encoder): V2Rows => {
          const model = { ...adult, encoder: target };
          if (form === 'tensors') return readV2Rows(body, undefined, model, []);
          const end = body.indexOf('\n');
          return readV2Rows(body.subarray(end + 1), Number(body.toString('latin1', 0, end)), model, []);
        };
        const times = Math.ceil(ROWS / rows / bodies.length);
        const each = (read: (body: Buffer) => unknown) => (): void => {
          for (let time = 0; time < times; time++) for (const body of bodies) read(body);
        };
        const long = each((body) => {
          const { table } = isTensors(form)
            ? v2(body, without)
            : readNativeRows(toText(body), signature.inputs);
          encode(table.columns, table.data, {}, table);
        });
        const short = each((body) => {
          const read = isTensors(form) ? v2(body, encoder).encoded : readBytes(body, 'native');
          if (read === undefined) throw new Error(`${form} was not read from its bytes`);
        });
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
