import type { JsonForm } from '../../../model/rows.ts';
import { CELLS, INPUTS } from './everyColumn.ts';
import { createPick } from './pick.ts';

/** Texts of JSON that each column takes. */
const RIGHT: readonly (readonly string[])[] = [
  ['0', '-0', '7', '-12', '39.0', '3.9e1', '12345678', '123456789', '9007199254740991'],
  ['0', '16777216', '-16777218', '1e5', 'null', '5'],
  ['0.1', '-0.0', '1e-7', '0.30000000000000004', '12345678.12345678', '123456789012345678', 'null', '3'],
  ['0.1', '-0', '5.1', '123456.789012', '2e38', '1e-320', '1234567890123456789012', 'null'],
  ['true', 'false', 'null'],
  ['""', '"red"', '" green"', '"new"', '"the same sixteen, then 1"', '"é€😀"', 'null', '"\u0085"'],
  ['"x"', '"exactly 16 bytes"', '"exactly 15 byte"', '"\u0085"', '"\u2028"'],
  ['"free"', '""', '"in the table only"', '"\ufffd"', '"ä"'],
];
const ANY = Object.values(CELLS).flat();
const NAMES = INPUTS.map(({ name }) => JSON.stringify(name));

type Pick = (count: number) => number;

const listOf = (cells: readonly string[], comma: string): string => `[${cells.join(comma)}]`;

/** @param seed the same one makes the same bodies */
export function createRandomBodies(seed: number): () => { readonly form: JsonForm; readonly body: Buffer } {
  const pick: Pick = createPick(seed);
  const cellOf = (column: number): string => {
    if (pick(80) === 0) return ANY[pick(ANY.length)] as string;
    if (column < 4 && pick(4) === 0)
      return column < 2
        ? String(pick(2 ** 24))
        : String((pick(2 ** 24) + pick(2 ** 24) / 2 ** 24) / 10 ** pick(20));
    const right = RIGHT[column] as readonly string[];
    return right[pick(right.length)] as string;
  };
  const orderOf = (): number[] => {
    const order = NAMES.map((_, at) => at);
    if (pick(3) === 0)
      for (let at = order.length - 1; at > 0; at--) {
        const other = pick(at + 1);
        [order[at], order[other]] = [order[other] as number, order[at] as number];
      }
    const faults = pick(60);
    if (faults === 0) order[pick(8)] = pick(8);
    if (faults === 1) order.pop();
    return order;
  };
  const write = (): { form: JsonForm; text: string } => {
    const [comma, colon] = ([
      [',', ':'],
      [', ', ': '],
      [',\n  ', ' : '],
    ][pick(3)] ?? []) as [string, string];
    const count = 1 + pick(3);
    const each = <T>(make: () => T): T[] => Array.from({ length: count }, make);
    const record = (): string =>
      `{${orderOf()
        .map((at) => `${NAMES[at]}${colon}${cellOf(at)}`)
        .join(comma)}}`;
    const lists = (order: readonly number[]): string =>
      listOf(
        each(() => listOf(order.map(cellOf), comma)),
        comma,
      );
    const split = (): string => {
      const order = orderOf();
      const columns = listOf(
        order.map((at) => NAMES[at] as string),
        comma,
      );
      const index = pick(4) === 0 ? `"index"${colon}[${each(() => '0').join(comma)}]${comma}` : '';
      return `{"columns"${colon}${columns}${comma}${index}"data"${colon}${lists(order)}}`;
    };
    const records = (): string => listOf(each(record), comma);
    switch (pick(8)) {
      case 0:
        return { form: 'native', text: records() };
      case 1:
        return { form: 'native', text: record() };
      case 2:
        return { form: 'instances', text: `{"instances"${colon}${records()}}` };
      case 3:
        return { form: 'instances', text: `{"instances"${colon}${lists(NAMES.map((_, at) => at))}}` };
      case 4:
        return { form: 'mlflow', text: `{"dataframe_split"${colon}${split()}}` };
      case 5:
        return { form: 'mlflow', text: `{"dataframe_records"${colon}${records()}}` };
      default:
        return { form: 'native', text: split() };
    }
  };
  return () => {
    const { form, text } = write();
    const body = Buffer.from(text);
    // One body in four has a changed byte.
    if (pick(4) === 0)
      body[pick(body.length)] = pick(2) === 0 ? pick(256) : '[]{}",:\\ 019-.en'.charCodeAt(pick(17)) || 0;
    return { form, body };
  };
}
