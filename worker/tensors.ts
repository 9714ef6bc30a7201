import { TaskFault } from './fault.ts';
import type { ColumnFeed, OutputFeed, TextCell } from './protocol.ts';
import { TEXT_CELL, answerWidth, graphLabel } from './protocol.ts';

/** Type and dimensions of a graph's input or output, as the session reports them. */
export interface TensorInfo {
  readonly name: string;
  readonly type: string;
  readonly rank: number;
}

/** The elements of a tensor and their dimensions. */
export interface TensorValue {
  readonly type: string;
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[];
  readonly dims: readonly number[];
}

/** What a session returns for one output. */
export interface OutputValue {
  readonly data: ArrayLike<number | bigint | string>;
}

/** Fills the tensors of one batch: `cells` is [rows, columns]. */
export type MakeFeeds = (
  cells: Float64Array,
  texts: readonly TextCell[],
  rows: number,
) => Record<string, TensorValue>;

/** Writes the answers of one batch: `answers` is [rows, answerWidth]. */
export type ReadAnswers = (
  outputs: Readonly<Record<string, OutputValue>>,
  answers: Float64Array,
  rows: number,
) => void;

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
  <T extends Float32Array | Float64Array | Int32Array | Uint8Array>(allocate: (length: number) => T): Fill =>
  (columns, cells, width, rows) => {
    const data = allocate(rows * columns.length);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const { index } of columns) data[at++] = cells[row * width + index] as number;
    }
    return data;
  };

const int64: Fill = (columns, cells, width, rows) => {
  const data = new BigInt64Array(rows * columns.length);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const { index } of columns) data[at++] = BigInt(cells[row * width + index] as number);
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
  // No integer columns: a value beyond 32 bits would wrap silently.
  int32: { fill: numeric((n) => new Int32Array(n)), holds: ['boolean'], nan: false },
  int64: { fill: int64, holds: ['integer', 'boolean'], nan: false },
  bool: { fill: numeric((n) => new Uint8Array(n)), holds: ['boolean'], nan: false },
  string: { fill: strings, holds: ['string'], nan: false },
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

/** Prepares the conversion of a graph's outputs to rows of answers. */
export function createAnswerReader(output: OutputFeed): ReadAnswers {
  const width = answerWidth(output);
  if (output.task === 'regression') {
    return (outputs, answers, rows) => {
      const values = outputs[output.value]?.data as ArrayLike<number>;
      if (values.length !== rows) {
        throw new TaskFault(
          'signature_mismatch',
          `output ${output.value} does not hold one value for each row`,
        );
      }
      for (let row = 0; row < rows; row++) answers[row] = values[row] as number;
    };
  }
  const codes = new Map(output.classes.map((name, code) => [graphLabel(name), code]));
  return (outputs, answers, rows) => {
    const labels = outputs[output.label]?.data as ArrayLike<string | bigint | number>;
    const probabilities = outputs[output.probabilities]?.data as ArrayLike<number>;
    const classes = width - 1;
    if (probabilities.length !== rows * classes) {
      throw new TaskFault(
        'signature_mismatch',
        `the graph gives no probability for each of ${classes} classes`,
      );
    }
    for (let row = 0; row < rows; row++) {
      const code = codes.get(String(labels[row]));
      if (code === undefined)
        throw new TaskFault('run_failed', 'the graph gave a label that is none of the classes');
      answers[row * width] = code;
      for (let k = 0; k < classes; k++)
        answers[row * width + 1 + k] = probabilities[row * classes + k] as number;
    }
  };
}

/** Names of the outputs that have to be fetched. */
export function fetchedOutputs(output: OutputFeed): string[] {
  return output.task === 'classification' ? [output.label, output.probabilities] : [output.value];
}
