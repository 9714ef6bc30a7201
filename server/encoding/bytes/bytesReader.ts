import { isUtf8 } from 'node:buffer';
import type { TextCell } from '../../../worker/protocol.ts';
import type {
  BytesRead,
  EncodedRows,
  Encoder,
  JsonForm,
  LinesForm,
  LinesRead,
  Table,
} from '../../model/rows.ts';
import type { Input } from '../../model/signature.ts';
import type { CellWriter } from '../cellWriters.ts';
import type { Warn } from '../warnings.ts';
import type { Kernel, Lines } from './kernel.ts';
import { FORMS, PLACE, SHAPE, UNKNOWN_WORDS, releaseKernel, takeKernel } from './kernel.ts';
import type { Plan } from './plan.ts';
import { createPlan } from './plan.ts';
import { JsonTable } from './receivedTable.ts';

/** Runs the writers that the kernel has no code for. */
function writeAside({ aside, features }: Plan, kernel: Kernel, cells: Float32Array, rows: number): void {
  const { doubles } = kernel;
  let at = kernel.asideAt;
  for (let row = 0; row < rows; row++)
    for (const write of aside) write(doubles[at++] as number, cells, row * features);
}

const NO_TEXTS: readonly TextCell[] = [];

/** The texts that are no categories; undefined where one isn't UTF-8. */
function readUnknown(
  { words, unknownAt, unknownCount }: Kernel,
  body: Buffer,
): readonly TextCell[] | undefined {
  if (unknownCount === 0) return NO_TEXTS;
  const texts: TextCell[] = [];
  for (let at = unknownAt; texts.length < unknownCount; at += UNKNOWN_WORDS) {
    const [row, column, from, length] = words.subarray(at, at + UNKNOWN_WORDS) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const bytes = body.subarray(from, from + length);
    if (!isUtf8(bytes)) return undefined;
    texts.push({ row, column, text: bytes.toString('utf8') });
  }
  // They come in the order of the body, whose columns may have another one.
  return texts.sort((one, other) => one.row - other.row || one.column - other.column);
}

function tableOf(kernel: Kernel, { columns }: Plan, body: Buffer, rows: number): Table {
  const { words, shape, startsAt, orderAt } = kernel;
  const names =
    (shape & SHAPE.moved) === 0
      ? columns
      : Array.from(words.subarray(orderAt, orderAt + columns.length), (at) => columns[at] as string);
  const byName = (shape & SHAPE.byName) !== 0;
  const starts =
    rows === 1
      ? [words[startsAt] as number, words[startsAt + 1] as number]
      : words.slice(startsAt, startsAt + rows + 1);
  return new JsonTable(names, body, starts, byName);
}

/** For each cell of a line its column or PLACE; undefined for names that the encoder refuses. */
function orderOf(
  { columns }: Plan,
  { columns: names, isIndexed, ignoreExtra }: LinesForm,
): Uint32Array | undefined {
  const places = new Map(columns.map((name, at) => [name, at]));
  const order: number[] = isIndexed ? [PLACE.index] : [];
  for (const name of names) {
    const place = places.get(name);
    if (place === undefined && !ignoreExtra) return undefined;
    order.push(place ?? PLACE.skipped);
  }
  const found = order.filter((place) => place < columns.length);
  const isComplete = found.length === columns.length && new Set(found).size === columns.length;
  return isComplete ? Uint32Array.from(order) : undefined;
}

/**
 * Reads JSON bodies and lines of CSV straight into matrices, without an object for a row or a string for a cell.
 *
 * @param reserve makes matrices, all of whose cells are written
 */
export function createBytesReader(
  inputs: readonly Input[],
  writers: readonly CellWriter<Float32Array>[],
  features: number,
  reserve: (cells: number) => Float32Array,
  warn: Warn,
): Required<Pick<Encoder, 'readBytes' | 'planLines'>> {
  let made: Plan | undefined;
  let planned = false;
  const planOnce = (): Plan | undefined => {
    if (!planned) {
      made = createPlan(inputs, writers, features);
      planned = true;
    }
    return made;
  };
  /** Takes the rows of the last body out of the kernel's memory. */
  const take = (kernel: Kernel, plan: Plan, body: Buffer, rows: number): EncodedRows | undefined => {
    const texts = readUnknown(kernel, body);
    if (texts === undefined) return undefined;
    const cells = reserve(rows * features);
    cells.set(kernel.floats.subarray(kernel.outAt, kernel.outAt + cells.length));
    if (plan.aside.length > 0) writeAside(plan, kernel, cells, rows);
    const { warnings, warningsTotal } = warn(texts);
    return { rows, cells, texts, warnings, warningsTotal };
  };
  const readBody = (plan: Plan, kernel: Kernel, body: Buffer, form: JsonForm): BytesRead | undefined => {
    const rows = kernel.parse(plan, body, FORMS[form]);
    if (rows < 0) return undefined;
    const encoded = take(kernel, plan, body, rows);
    if (encoded === undefined) return undefined;
    return {
      encoded,
      table: tableOf(kernel, plan, body, rows),
      single: (kernel.shape & SHAPE.alone) !== 0,
    };
  };
  const readBlock = (
    plan: Plan,
    kernel: Kernel,
    block: Buffer,
    written: Lines,
    first: number,
  ): LinesRead | undefined => {
    const rows = kernel.parseLines(plan, block, written, first);
    if (rows < 0) return undefined;
    const encoded = take(kernel, plan, block, rows);
    if (encoded === undefined) return undefined;
    const { words, startsAt } = kernel;
    return { encoded, starts: words.slice(startsAt, startsAt + rows + 1), lines: kernel.lines };
  };
  return {
    readBytes: (body: Buffer, form: JsonForm): BytesRead | undefined => {
      const plan = planOnce();
      if (plan === undefined) return undefined;
      const result = readBody(plan, takeKernel(), body, form);
      releaseKernel();
      return result;
    },
    planLines: (form) => {
      const plan = planOnce();
      if (plan === undefined) return undefined;
      const order = orderOf(plan, form);
      if (order === undefined) return undefined;
      const written = {
        order,
        delimiter: form.delimiter.charCodeAt(0),
        decimal: form.decimal.charCodeAt(0),
      };
      return (lines, first) => {
        const result = readBlock(plan, takeKernel(), lines, written, first);
        releaseKernel();
        return result;
      };
    },
  };
}
