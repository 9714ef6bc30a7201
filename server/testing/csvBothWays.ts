import { isDeepStrictEqual } from 'node:util';
import type { CsvForm } from '../dialects/forms/csv.ts';
import { createCsvTable, readCsv } from '../dialects/forms/csv.ts';
import type { CsvPiece } from '../dialects/csvBytes.ts';
import { createCsvPieces, readCsvBytes } from '../dialects/csvBytes.ts';
import { createUtf8Decoder } from '../dialects/forms/utf8.ts';
import { withWarnings } from '../encoding/warnings.ts';
import type { ErrorCode } from '../errors/problem.ts';
import { Problem } from '../errors/problem.ts';
import { toText } from '../http/body.ts';
import type { EncodeOptions, EncodedRows, Encoder, Table } from '../model/rows.ts';
import { rowOf } from '../model/rows.ts';
import type { Signature } from '../model/signature.ts';

function expectSame(what: string, one: unknown, other: unknown): void {
  if (!isDeepStrictEqual(one, other))
    throw new Error(
      `from the bytes there is another ${what}: ${JSON.stringify([one, other]).slice(0, 2000)}`,
    );
}

/** What a table holds, as plain values. */
const plain = ({ columns, data, lines, before, headerAbsent }: Table): unknown => ({
  columns,
  data,
  lines,
  before,
  headerAbsent,
});

const encodeTable = (encoder: Encoder, table: Table, options: EncodeOptions): EncodedRows => {
  const rows = encoder.encode(table.columns, table.data, options, table);
  return table.warnings ? withWarnings(rows, table.warnings) : rows;
};

/**
 * Reads a whole CSV from its bytes, and then the long way if it was taken: both must give the same.
 *
 * @throws {Error} where the two differ, and what the long way throws
 */
export function readCsvBothWays(
  encoder: Encoder,
  signature: Signature,
  body: Buffer,
  form: CsvForm,
): CsvPiece | undefined {
  const fast = readCsvBytes(body, { encoder, signature }, form);
  if (fast?.encoded === undefined) return undefined;
  const table = readCsv(toText(body), signature.inputs, form);
  const { cells, ...notes } = fast.encoded;
  const { cells: expected, ...others } = encodeTable(encoder, table, {
    ignoreExtra: form.ignoreExtra === true,
  });
  expectSame('matrix', cells, expected);
  expectSame('note', notes, others);
  expectSame('row', rowOf(fast.table, table.data.length - 1), table.data.at(-1));
  expectSame('table', plain(fast.table), plain(table));
  expectSame('explanation', fast.table.explain, table.explain);
  return fast;
}

interface Outcome {
  /** All that pieces say, or the error that ended them. */
  readonly said: unknown;
  readonly code?: ErrorCode;
  readonly rows: number;
  /** Of them those that were read from their bytes. */
  readonly taken: number;
}

function outcomeOf(encoder: Encoder, pieces: Iterable<CsvPiece>, options: EncodeOptions): Outcome {
  const columns = new Set<string>();
  const cells: number[] = [];
  const data: unknown[] = [];
  const lines: number[] = [];
  const notes: unknown[] = [];
  let rows = 0;
  let kept = 0;
  let taken = 0;
  let total = 0;
  try {
    for (const { table, encoded } of pieces) {
      expectSame('number of rows before', table.before ?? 0, rows);
      columns.add(JSON.stringify(table.columns));
      for (const row of table.data) data.push(row);
      for (const line of table.lines ?? []) lines.push(line);
      const before = rows;
      const inFile = <T extends { readonly row: number }>(found: readonly T[] = []): T[] =>
        found.map((note) => ({ ...note, row: note.row + before }));
      const read = encoded ?? encodeTable(encoder, table, options);
      for (const cell of read.cells) cells.push(cell);
      for (const text of read.texts) notes.push({ ...text, row: text.row + kept });
      notes.push(...inFile(read.warnings), ...inFile(read.refused?.errors));
      rows += table.data.length;
      kept += read.rows;
      taken += encoded?.rows ?? 0;
      total += read.warningsTotal + (read.refused?.errorsTotal ?? 0);
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { said: [error.code, error.message, error.extensions], code: error.code, rows, taken };
  }
  const sorted = notes.map((note) => JSON.stringify(note)).sort();
  return {
    said: { columns: [...columns], cells, data, lines, notes: sorted, total },
    rows,
    taken,
  };
}

function* longWay(signature: Signature, form: CsvForm, parts: readonly Buffer[]): Generator<CsvPiece, void> {
  const decode = createUtf8Decoder();
  const csv = createCsvTable(signature.inputs, form);
  for (const part of parts) {
    csv.write(decode(part));
    const table = csv.take();
    if (table) yield { table };
  }
  csv.write(decode());
  csv.end();
  const table = csv.take();
  if (table) yield { table };
}

/**
 * Reads a CSV piece by piece with its bytes and the long way: both must say the same, errors too. Of two
 * errors in a file, which one is said depends on where the text is cut.
 *
 * @param bytes of a piece
 */
export function readPiecesBothWays(
  encoder: Encoder,
  signature: Signature,
  body: Buffer,
  form: CsvForm,
  bytes: number,
): Outcome {
  const parts = Array.from({ length: Math.ceil(body.length / bytes) }, (_, at) =>
    body.subarray(at * bytes, (at + 1) * bytes),
  );
  const csv = createCsvPieces({ encoder, signature }, form);
  function* fastWay(): Generator<CsvPiece, void> {
    // The buffer of a piece is used again for the next.
    const buffer = Buffer.alloc(bytes);
    for (const part of parts) {
      part.copy(buffer);
      yield* csv.read(buffer.subarray(0, part.length));
      buffer.fill(0x39);
    }
    yield* csv.end();
  }
  const options = { ignoreExtra: form.ignoreExtra === true, skipBadRows: true };
  const fast = outcomeOf(encoder, fastWay(), options);
  const [whole, cut] = [[body], parts].map((some) =>
    outcomeOf(encoder, longWay(signature, form, some), options),
  ) as [Outcome, Outcome];
  if (fast.code === undefined || whole.code === undefined) expectSame('outcome', fast.said, whole.said);
  else if (fast.code === whole.code && !isDeepStrictEqual(fast.said, cut.said))
    expectSame('error', fast.said, whole.said);
  return fast;
}
