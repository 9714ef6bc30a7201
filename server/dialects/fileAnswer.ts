import { answerWidth } from '../../worker/protocol.ts';
import { classesAsJson } from '../model/labels.ts';
import { addedTitles, explainedTitles, labelTexts } from './addedColumns.ts';
import type { Model } from '../model/model.ts';
import type { Spool } from '../platform/spool.ts';
import { pieces } from '../platform/spool.ts';
import type { CsvForm } from './forms/csv.ts';
import { createFormReader } from './forms/csv.ts';
import type { CellError } from '../errors/problem.ts';
import type { Warning } from '../model/rows.ts';
import { createUtf8Decoder } from './forms/utf8.ts';
import { writeNumber } from './forms/numbers.ts';
import { createSeveralText } from './forms/severalText.ts';

/** Rows of answers that are read from disk at a time. */
const BLOCK_ROWS = 4096;

/** What an answer to a file has beside the predictions. */
export interface FileNotes {
  readonly warnings: readonly Warning[];
  readonly warningsTotal: number;
  /** Of rows that were left out. */
  readonly errors: readonly CellError[];
  readonly errorsTotal: number;
}

/** The answers of a file in blocks: [at most BLOCK_ROWS, width]. A block is valid until the next one. */
async function* blocks(answers: Spool, width: number): AsyncGenerator<Float64Array> {
  const block = new Float64Array(BLOCK_ROWS * width);
  const bytes = new Uint8Array(block.buffer);
  for (let position = 0; position < answers.bytes;) {
    const read = await answers.read(bytes, position);
    if (read === 0) return;
    position += read;
    yield block.subarray(0, read / 8);
  }
}

/** One entry a row, separated by commas, in blocks. */
async function* joined(
  answers: Spool,
  width: number,
  write: (block: Float64Array, at: number) => string,
): AsyncGenerator<string> {
  let comma = '';
  for await (const block of blocks(answers, width)) {
    const entries: string[] = [];
    for (let at = 0; at < block.length; at += width) entries.push(write(block, at));
    yield comma + entries.join();
    comma = ',';
  }
}

/** Writes the answer to a file as JSON, in the form of POST /predict. */
export async function* writeFileJson(
  { output }: Pick<Model, 'output'>,
  answers: Spool,
  { warnings, warningsTotal, errors, errorsTotal }: FileNotes,
  probabilities: boolean,
): AsyncGenerator<string> {
  const width = answerWidth(output);
  const classes = output.task === 'classification' ? classesAsJson(output) : undefined;
  const several = output.task === 'several' ? createSeveralText(output) : undefined;
  yield '{"predictions":[';
  yield* joined(answers, width, (block, at) => {
    if (several) return isRefused(block, at, width) ? 'null' : several.prediction(block, at);
    const answer = block[at] as number;
    return classes ? (classes[answer] ?? 'null') : writeNumber(answer);
  });
  yield ']';
  const scores = several?.scores;
  if (scores && (probabilities || scores.name !== 'probabilities')) {
    yield `,"${scores.name}":[`;
    yield* joined(answers, width, (block, at) =>
      isRefused(block, at, width) ? 'null' : scores.write(block, at),
    );
    yield ']';
  }
  if (classes && probabilities) {
    yield ',"probabilities":[';
    yield* joined(answers, width, (block, at) =>
      Number.isNaN(block[at])
        ? 'null'
        : `[${Array.from(block.subarray(at + 1, at + width), writeNumber).join()}]`,
    );
    yield `],"classes":[${classes.join()}]`;
  }
  if (warningsTotal > 0) yield `,"warnings":${JSON.stringify(warnings)},"warningsTotal":${warningsTotal}`;
  if (errorsTotal > 0) yield `,"errors":${JSON.stringify(errors)},"errorsTotal":${errorsTotal}`;
  yield '}';
}

/** A row that was left out. */
const isRefused = (block: Float64Array, at: number, width: number): boolean =>
  block.subarray(at, at + width).every(Number.isNaN);

interface CellTexts {
  readonly quote: (text: string) => string;
  readonly number: (value: number | undefined) => string;
}

/** How the added cells are written: as those of the file. */
function cellTexts({ delimiter = ',', decimal = '.' }: CsvForm): CellTexts {
  const quote = (text: string): string =>
    /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
  const plain = (value: number | undefined): string => (Number.isFinite(value) ? String(value) : '');
  return { quote, number: decimal === '.' ? plain : (value) => quote(plain(value).replace('.', decimal)) };
}

/** Cells that an answer adds to those of its predictions. */
export interface AddedCells {
  readonly probabilities: boolean;
  /** Contributions and their base, which the spool then has. */
  readonly explained: boolean;
}

/**
 * Writes the uploaded CSV with the predictions as more columns, empty for refused rows. The text of the file is kept
 * character for character, a line `sep=;` too; the added cells have its delimiter and decimal sign.
 */
export async function* writeFileCsv(
  { output, signature }: Pick<Model, 'output' | 'signature'>,
  file: Spool,
  answers: Spool,
  form: CsvForm,
  { probabilities, explained }: AddedCells,
): AsyncGenerator<string> {
  const { header = true, delimiter = ',' } = form;
  const { quote, number: writeCell } = cellTexts(form);
  const names = explained ? explainedTitles(signature.inputs) : [];
  const answered = answerWidth(output);
  const width = answered + names.length;
  const own = addedTitles(output, probabilities).map(quote);
  const titles = [...own, ...names.map(quote)];
  // The first of them stand for labels.
  const labels = labelTexts(output).map((names) => names?.map(quote));
  const cellsOf = (block: Float64Array, at: number): string => {
    let text = '';
    for (let k = 0; k < titles.length; k++) {
      // Contributions come behind the whole answer, of which not all may be wanted.
      const number = block[at + (k < own.length ? k : answered + k - own.length)] as number;
      const classes = labels[k];
      text += (k === 0 ? '' : delimiter) + (classes ? (classes[number] ?? '') : writeCell(number));
    }
    return text;
  };
  const rows = blocks(answers, width);
  let block: Float64Array = new Float64Array(0);
  let at = 0;
  const nextCells = async (): Promise<string> => {
    if (at >= block.length) {
      block = ((await rows.next()).value as Float64Array | undefined) ?? block;
      at = 0;
    }
    at += width;
    return cellsOf(block, at - width);
  };

  let records: string[] = [];
  let lineEnd = '\n';
  let titled = !header;
  let separatorLine = '';
  const reader = createFormReader(
    signature.inputs,
    form,
    (_, __, text) => records.push(text),
    (text) => (separatorLine = text),
  );
  const write = async (): Promise<string> => {
    let text = separatorLine;
    separatorLine = '';
    for (const record of records) {
      const line = record.replace(/\r?\n$/, '');
      lineEnd = record.slice(line.length) || lineEnd;
      text += line + delimiter + (titled ? await nextCells() : titles.join(delimiter)) + lineEnd;
      titled = true;
    }
    records = [];
    return text;
  };
  const decode = createUtf8Decoder();
  for await (const bytes of pieces(file)) {
    reader.write(decode(bytes));
    yield await write();
  }
  reader.end();
  yield await write();
}
