import { TaskFault } from './fault.ts';
import { toHalf } from './onnx/half.ts';
import type { ColumnFeed, TextCell } from './protocol.ts';
import { TEXT_CELL } from './protocol.ts';

/** Type and dimensions of a graph's input or output, as the session reports them. */
export interface TensorInfo {
  readonly name: string;
  readonly type: string;
  readonly rank: number;
  /** The first dimension, where the graph fixes it. */
  readonly fixedRows?: number;
}

type Numbers =
  Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/** The elements of a tensor and their dimensions. */
export interface TensorValue {
  readonly type: string;
  readonly data: Numbers | BigInt64Array | BigUint64Array | string[];
  readonly dims: readonly number[];
}

/** Fills the tensors of one batch: `cells` is [rows, columns]. */
export type MakeFeeds = (
  cells: Float64Array,
  texts: readonly TextCell[],
  rows: number,
) => Record<string, TensorValue>;

interface Column extends ColumnFeed {
  /** Position in a row of cells. */
  readonly index: number;
}

type Fill = (
  columns: readonly Column[],
  cells: Float64Array,
  width: number,
  rows: number,
) => TensorValue['data'];

/** A column-by-column copy of cells into the elements of a numeric tensor. */
const numeric =
  <T extends Numbers>(allocate: (length: number) => T): Fill =>
  (columns, cells, width, rows) => {
    const data = allocate(rows * columns.length);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const { index } of columns) data[at++] = cells[row * width + index] as number;
    }
    return data;
  };

const bigint =
  (allocate: (length: number) => BigInt64Array | BigUint64Array): Fill =>
  (columns, cells, width, rows) => {
    const data = allocate(rows * columns.length);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const { index } of columns) data[at++] = BigInt(cells[row * width + index] as number);
    }
    return data;
  };

/** As their bits: Node has no Float16Array before version 24. */
const halves: Fill = (columns, cells, width, rows) => {
  const data = new Uint16Array(rows * columns.length);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const { index } of columns) data[at++] = toHalf(cells[row * width + index] as number);
  }
  return data;
};

const strings: Fill = (columns, cells, width, rows) => {
  const data = new Array<string>(rows * columns.length);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const { index, categories } of columns) {
      const code = cells[row * width + index] as number;
      data[at++] = code === TEXT_CELL ? '' : (categories[code] as string);
    }
  }
  return data;
};

/**
 * onnxruntime-node cuts a string at U+0000: it would read "Private" where "Private\0…" was sent. With the replacement
 * character the text stays unknown.
 */
const withoutNul = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text);

/** How each element type is filled, and which column types it can hold without changing a value. */
const FILLS: Readonly<Record<string, { fill: Fill; holds: readonly ColumnFeed['type'][]; nan: boolean }>> = {
  float32: { fill: numeric((n) => new Float32Array(n)), holds: ['number', 'integer', 'boolean'], nan: true },
  float64: { fill: numeric((n) => new Float64Array(n)), holds: ['number', 'integer', 'boolean'], nan: true },
  float16: { fill: halves, holds: ['number', 'integer', 'boolean'], nan: true },
  // The encoder refuses integers that such a tensor would wrap.
  int8: { fill: numeric((n) => new Int8Array(n)), holds: ['integer', 'boolean'], nan: false },
  int16: { fill: numeric((n) => new Int16Array(n)), holds: ['integer', 'boolean'], nan: false },
  int32: { fill: numeric((n) => new Int32Array(n)), holds: ['integer', 'boolean'], nan: false },
  int64: { fill: bigint((n) => new BigInt64Array(n)), holds: ['integer', 'boolean'], nan: false },
  uint8: { fill: numeric((n) => new Uint8Array(n)), holds: ['integer', 'boolean'], nan: false },
  uint16: { fill: numeric((n) => new Uint16Array(n)), holds: ['integer', 'boolean'], nan: false },
  uint32: { fill: numeric((n) => new Uint32Array(n)), holds: ['integer', 'boolean'], nan: false },
  uint64: { fill: bigint((n) => new BigUint64Array(n)), holds: ['integer', 'boolean'], nan: false },
  bool: { fill: numeric((n) => new Uint8Array(n)), holds: ['boolean'], nan: false },
  // By the text for null, which is among the categories.
  string: { fill: strings, holds: ['string'], nan: true },
};

function checkColumn(column: Column, type: string): void {
  const element = FILLS[type];
  if (!element)
    throw new TaskFault(
      'signature_mismatch',
      `input ${column.onnx} has type ${type}, which no column can feed`,
    );
  if (!element.holds.includes(column.type)) {
    throw new TaskFault(
      'signature_mismatch',
      `input ${column.onnx} has type ${type}, its column is of type ${column.type}`,
    );
  }
  if (column.nullable && !element.nan) {
    throw new TaskFault(
      'signature_mismatch',
      `input ${column.onnx} has type ${type}, which cannot hold a missing value`,
    );
  }
}

/**
 * Prepares the conversion of cells to tensors.
 *
 * @throws {TaskFault} signature_mismatch when columns and graph inputs do not fit each other
 */
export function createFeedMaker(columns: readonly ColumnFeed[], inputs: readonly TensorInfo[]): MakeFeeds {
  const width = columns.length;
  const byInput = new Map(inputs.map((input) => [input.name, [] as Column[]]));
  columns.forEach((column, index) => {
    const feeds = byInput.get(column.onnx);
    if (!feeds) throw new TaskFault('signature_mismatch', `the graph has no input ${column.onnx}`);
    feeds.push({ ...column, index });
  });
  const plan = inputs.map(({ name, type, rank }) => {
    const feeds = byInput.get(name) ?? [];
    if (feeds.length === 0) throw new TaskFault('signature_mismatch', `no column feeds the input ${name}`);
    for (const column of feeds) checkColumn(column, type);
    if (rank === 1 && feeds.length > 1) {
      throw new TaskFault(
        'signature_mismatch',
        `input ${name} has one dimension, but ${feeds.length} columns feed it`,
      );
    }
    const { fill } = FILLS[type] as (typeof FILLS)[string];
    return { name, type, rank, feeds, fill };
  });
  /** Tensor and position within its row for a text of each column. */
  const places = columns.map((column, index) => {
    const feeds = byInput.get(column.onnx) ?? [];
    return {
      onnx: column.onnx,
      stride: feeds.length,
      offset: feeds.findIndex((feed) => feed.index === index),
    };
  });

  return (cells, texts, rows) => {
    const tensors: Record<string, TensorValue> = {};
    for (const { name, type, rank, feeds, fill } of plan) {
      const dims = rank === 1 ? [rows] : [rows, feeds.length];
      tensors[name] = { type, data: fill(feeds, cells, width, rows), dims };
    }
    for (const { row, column, text } of texts) {
      const { onnx, stride, offset } = places[column] as (typeof places)[number];
      (tensors[onnx] as { data: string[] }).data[row * stride + offset] = withoutNul(text);
    }
    return tensors;
  };
}
