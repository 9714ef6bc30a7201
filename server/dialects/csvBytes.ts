import { isUtf8 } from 'node:buffer';
import { ReceivedTable } from '../encoding/bytes/receivedTable.ts';
import { withWarnings } from '../encoding/warnings.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows, LinesRead, ReadLines, Table } from '../model/rows.ts';
import type { CsvForm, CsvPosition, CsvTable } from './forms/csv.ts';
import { EXPLAIN, createCsvTable } from './forms/csv.ts';
import { MAX_RECORD } from './forms/csvReader.ts';
import { createUtf8Decoder } from './forms/utf8.ts';

// The header is read as text; the lines behind it go from their bytes to the matrix where the encoder takes them.

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** Lines before the first record: empty ones, `sep=;`, line ends within names. More of them are read as text. */
const MOST_HEAD_LINES = 8;

/** Bytes that are read as text at once: they block the event loop for one or two milliseconds. */
const TEXT_BYTES = 64 * 1024;
/** Bytes that are read at once otherwise: they take less time. */
const LINES_BYTES = 4 * TEXT_BYTES;

/** Rows of a CSV. */
export interface CsvPiece {
  readonly table: Table;
  /** Where they were read straight into the matrix. */
  readonly encoded?: EncodedRows;
}

type Target = Pick<Model, 'encoder' | 'signature'>;

/** Rows of a CSV. */
class LinesTable extends ReceivedTable {
  readonly explain;
  readonly before?: number;
  readonly headerAbsent?: boolean;
  readonly #position: CsvPosition;
  readonly #csv: CsvTable;
  #lines: readonly number[] | undefined;

  /** @param position of the block */
  constructor(
    csv: CsvTable,
    position: CsvPosition,
    block: Buffer,
    starts: Uint32Array,
    headerAbsent = false,
  ) {
    const { columns, decimal } = position.form;
    super(columns, block, starts);
    this.explain = EXPLAIN[decimal];
    if (position.row > 0) this.before = position.row;
    if (headerAbsent) this.headerAbsent = true;
    this.#position = position;
    this.#csv = csv;
  }

  get lines(): readonly number[] {
    return (this.#lines ??= this.#findLines());
  }

  protected readRow(text: string): unknown {
    return this.#csv.readRow(text);
  }

  #findLines(): number[] {
    const { body, starts } = this;
    let { line } = this.#position;
    let at = 0;
    return Array.from({ length: starts.length - 1 }, (_, row) => {
      for (let end = body.indexOf(NEWLINE, at); end !== -1 && end < (starts[row] as number); line++) {
        at = end + 1;
        end = body.indexOf(NEWLINE, at);
      }
      return line;
    });
  }
}

/**
 * Reads a whole CSV from its bytes.
 *
 * @returns undefined for a body that the long way must read: it alone says what is wrong
 */
export function readCsvBytes(
  body: Buffer,
  { encoder, signature }: Target,
  form: CsvForm = {},
): CsvPiece | undefined {
  if (encoder.planLines === undefined || !isUtf8(body)) return undefined;
  // The long way refuses such a last line.
  if (body.length - body.lastIndexOf(NEWLINE) > MAX_RECORD) return undefined;
  const csv = createCsvTable(signature.inputs, form);
  let start = body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  for (let line = 1; line <= MOST_HEAD_LINES; line++) {
    const end = body.indexOf(NEWLINE, start) + 1;
    if (end === 0) return undefined;
    try {
      csv.write(body.toString('utf8', start, end));
    } catch {
      return undefined;
    }
    const position = csv.position();
    if (position === undefined) {
      start = end;
      continue;
    }
    const { data = [], lines, warnings, headerAbsent } = csv.take() ?? {};
    const isRow = data.length > 0;
    if (isRow && lines?.[0] !== line) return undefined;
    const block = body.subarray(isRow ? start : end);
    const read = encoder.planLines(position.form)?.(block, 0);
    if (read === undefined) return undefined;
    const at = { ...position, row: 0, line: isRow ? line : line + 1 };
    return {
      table: new LinesTable(csv, at, block, read.starts, headerAbsent),
      encoded: warnings === undefined ? read.encoded : withWarnings(read.encoded, warnings),
    };
  }
  return undefined;
}

/** Reads a CSV that comes in pieces. */
export interface CsvPieces {
  /** How many bytes to read at once. */
  readonly pieceBytes: number;
  /**
   * @param bytes the next ones; they may be overwritten once all is read
   * @throws {Problem} invalid_csv, invalid_encoding, or invalid_columns for another header
   */
  read(bytes: Uint8Array): Generator<CsvPiece, void>;
  /** @throws {Problem} as `read` */
  end(): Generator<CsvPiece, void>;
}

export function createCsvPieces({ encoder, signature }: Target, form: CsvForm): CsvPieces {
  const decode = createUtf8Decoder();
  const csv = createCsvTable(signature.inputs, form);
  let headLines = encoder.planLines === undefined ? MOST_HEAD_LINES : 0;
  let readLines: ReadLines | undefined;
  /** Of a line that isn't complete. */
  let rest = Buffer.alloc(0);
  /** Whether the text that was read ends with a line. */
  let isComplete = true;

  function* take(): Generator<CsvPiece, void> {
    const table = csv.take();
    if (table) yield { table };
  }
  const write = (bytes: Buffer): void => {
    csv.write(decode(bytes));
    isComplete = bytes.at(-1) === NEWLINE;
  };
  /** Reads until the columns are known. @returns the bytes behind the lines that were read */
  function* readHead(bytes: Buffer): Generator<CsvPiece, Buffer> {
    let from = 0;
    for (; headLines < MOST_HEAD_LINES; headLines++) {
      const end = bytes.indexOf(NEWLINE, from) + 1;
      if (end === 0) break;
      write(bytes.subarray(from, end));
      from = end;
      const position = csv.position();
      if (position === undefined) continue;
      headLines = MOST_HEAD_LINES;
      readLines = encoder.planLines?.(position.form);
      // With the row that the first line may be, and else for the check of the columns.
      if (readLines) yield* take();
    }
    return bytes.subarray(from);
  }
  /** @returns undefined where the text must be read */
  const tryLines = (bytes: Buffer, position: CsvPosition | undefined): LinesRead | undefined => {
    if (readLines === undefined || position === undefined || !isComplete || !isUtf8(bytes)) return undefined;
    return readLines(bytes, position.row);
  };
  /** Reads lines that are complete, or the last one. */
  function* readWhole(lines: Buffer): Generator<CsvPiece, void> {
    const bytes = headLines < MOST_HEAD_LINES ? yield* readHead(lines) : lines;
    const position = csv.position();
    const read = tryLines(bytes, position);
    if (read === undefined || position === undefined) {
      if (bytes.length === 0) yield* take();
      for (let at = 0; at < bytes.length; at += TEXT_BYTES) {
        write(bytes.subarray(at, at + TEXT_BYTES));
        yield* take();
      }
      return;
    }
    decode.skip(bytes.length);
    csv.skip(read.encoded.rows, read.lines);
    yield { table: new LinesTable(csv, position, bytes, read.starts), encoded: read.encoded };
  }
  return {
    pieceBytes: encoder.planLines === undefined ? TEXT_BYTES : LINES_BYTES,
    *read(bytes) {
      const all = Buffer.concat([rest, bytes]);
      const end = all.lastIndexOf(NEWLINE) + 1;
      rest = all.subarray(end);
      yield* readWhole(all.subarray(0, end));
      // A long line is read as text as far as it goes, so that the rest stays small.
      if (end > 0) return;
      write(rest);
      rest = rest.subarray(0, 0);
    },
    *end() {
      yield* readWhole(rest);
      csv.write(decode());
      csv.end();
      yield* take();
    },
  };
}
