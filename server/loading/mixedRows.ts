import { exampleRow } from '../model/exampleRow.ts';
import type { EncodedRows, Encoder } from '../model/rows.ts';
import { rowsInOrder } from '../model/rowsInOrder.ts';
import type { Golden, Input, Signature } from '../model/signature.ts';

/** Rows that are made up, and golden rows beside them. */
const MADE_ROWS = 20;
const MAX_GOLDEN = 20;

/** Sizes of numbers: what a batch has in common, such as the scale of a quantised layer, depends on its largest. */
const SIZES = [1, 0.1, 30, 0.001, 1000];

/** Texts of different kinds and lengths: a number where the graph reads texts as numbers, words elsewhere. */
const TEXTS = ['1', 'a', '2.5', 'one two three', '30', 'Größe 学士', '4', 'b'];

function madeCell({ type, categories, range, nullable }: Input, row: number, column: number): unknown {
  if (nullable && (row + column) % 7 === 6) return null;
  const step = row + 3 * column;
  if (type === 'string') {
    // All texts of a row are numbers, or none: the graph may read some columns as numbers.
    if (categories?.length) return categories[step % categories.length];
    return TEXTS[(row + 2 * column) % TEXTS.length];
  }
  if (type === 'boolean') return step % 2 === 0;
  const [min, max] = range ?? [-1, 1];
  const size = SIZES[row % SIZES.length] as number;
  const value = (min + ((max - min) * ((step * 7) % 11)) / 10) * size;
  if (type === 'number') return value;
  // Without a range an integer may be an index: small ones that aren't negative are taken most often.
  return range ? Math.round(value) : size > 1 ? step * size : step % 3;
}

/**
 * Rows that differ in the sizes of their numbers: the golden ones (a sample of many), and made-up ones, which the graph
 * need not take. Always the same rows.
 */
export function mixedRows(
  signature: Pick<Signature, 'inputs'>,
  encoder: Encoder,
  golden: Golden | undefined,
): EncodedRows {
  const { inputs } = signature;
  const names = inputs.map(({ name }) => name);
  const made = Array.from({ length: MADE_ROWS }, (_, row) =>
    inputs.map((input, column) => madeCell(input, row, column)),
  );
  const every = Math.max(1, Math.ceil((golden?.data.length ?? 0) / MAX_GOLDEN));
  const sample = golden && {
    columns: golden.columns,
    data: golden.data.filter((_, row) => row % every === 0),
  };
  const own = sample ? rowsInOrder(sample, names) : [];
  return encoder.encode(names, [...own, exampleRow(signature), ...made], { skipBadRows: true });
}
