import { TaskFault } from './fault.ts';
import { fromHalf } from './onnx/half.ts';
import type { Label, OutputFeed, SeveralFeed } from './protocol.ts';
import { answerWidth, graphLabel } from './protocol.ts';

/** What a session returns for one output. */
export interface OutputValue {
  readonly type?: string;
  readonly dims?: readonly number[];
  readonly data: ArrayLike<number | bigint | string>;
}

type Outputs = Readonly<Record<string, OutputValue>>;

/** Writes the answers of one batch: `answers` is [rows, answerWidth]. */
export type ReadAnswers = (outputs: Outputs, answers: Float64Array, rows: number) => void;

const mismatch = (detail: string): TaskFault => new TaskFault('signature_mismatch', detail);

/** @throws {TaskFault} run_failed for an integer that a float64 doesn't hold */
function exact(value: bigint, name: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new TaskFault('run_failed', `output ${name} gave an integer beyond 2^53, which JSON can't carry`);
  return number;
}

/** The elements of a numeric output as numbers. */
function numbersOf({ type, data }: OutputValue, name: string): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Float64Array.from({ length: data.length }, (_, at) => exact(data[at] as bigint, name));
  // Node has no Float16Array before version 24.
  if (type === 'float16' && data instanceof Uint16Array) return Float32Array.from(data, fromHalf);
  if (typeof data[0] === 'string') throw mismatch(`output ${name} holds texts, not numbers`);
  return data as ArrayLike<number>;
}

/**
 * The numbers of an output that has `width` of them a row.
 *
 * @throws {TaskFault} signature_mismatch when it has another number of them, or the rows aren't its first dimension
 */
function tableOf(
  outputs: Outputs,
  name: string,
  rows: number,
  width: number,
  what: string,
): ArrayLike<number> {
  const output = outputs[name] as OutputValue;
  requireRows(output, name, rows, width, what);
  return numbersOf(output, name);
}

function requireRows(
  { data, dims = [] }: OutputValue,
  name: string,
  rows: number,
  width: number,
  what: string,
): void {
  const each = data.length / rows;
  if (data.length !== rows * width) {
    const found = Number.isInteger(each)
      ? `${each} a row; say by npm run import or in a model.json what they are`
      : `${data.length} for ${rows} rows`;
    throw mismatch(`output ${name} does not hold ${what}: it has ${found}`);
  }
  // Transposed, it would have the right number of values in a wrong order.
  if (rows > 1 && dims.length > 1 && dims[0] !== rows) {
    throw mismatch(
      `output ${name} has the shape [${dims.join(', ')}] for ${rows} rows: its first dimension has to be the row`,
    );
  }
}

/** Finds a label's index in its classes. @throws {TaskFault} run_failed */
function createCoder(classes: readonly Label[]): (label: unknown) => number {
  const codes = new Map(classes.map((name, code) => [graphLabel(name), code]));
  return (label) => {
    const code = codes.get(String(label));
    if (code === undefined)
      throw new TaskFault('run_failed', 'the graph gave a label that is none of the classes');
    return code;
  };
}

/** An ONNX output and the slots of a row that its columns fill. */
interface Source {
  readonly name: string;
  readonly slots: readonly { readonly at: number; readonly code?: (label: unknown) => number }[];
}

function createSeveralReader({ values, scores }: SeveralFeed, width: number): ReadAnswers {
  const sources: Source[] = [...new Set(values.map(({ onnx }) => onnx))].map((name) => ({
    name,
    slots: values.flatMap(({ onnx, classes }, at) =>
      onnx === name ? [{ at, ...(classes && { code: createCoder(classes) }) }] : [],
    ),
  }));
  return (outputs, answers, rows) => {
    for (const { name, slots } of sources) {
      const output = outputs[name] as OutputValue;
      const count = slots.length;
      requireRows(
        output,
        name,
        rows,
        count,
        count === 1 ? 'one value for each row' : `${count} values for each row`,
      );
      const numbers = slots.every(({ code }) => code) ? undefined : numbersOf(output, name);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < count; column++) {
          const { at, code } = slots[column] as Source['slots'][number];
          const from = row * count + column;
          answers[row * width + at] = code ? code(output.data[from]) : ((numbers ?? [])[from] as number);
        }
      }
    }
    if (!scores) return;
    const { name, onnx, width: count } = scores;
    const table = tableOf(outputs, onnx, rows, count, `${count} ${name} for each row`);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < count; k++)
        answers[row * width + values.length + k] = table[row * count + k] as number;
    }
  };
}

/** Prepares the conversion of a graph's outputs to rows of answers. */
export function createAnswerReader(output: OutputFeed): ReadAnswers {
  const width = answerWidth(output);
  if (output.task === 'several') return createSeveralReader(output, width);
  if (output.task === 'regression') {
    return (outputs, answers, rows) => {
      const values = tableOf(outputs, output.value, rows, 1, 'one value for each row');
      for (let row = 0; row < rows; row++) answers[row] = values[row] as number;
    };
  }
  const codeOf = createCoder(output.classes);
  return (outputs, answers, rows) => {
    const labels = outputs[output.label]?.data as ArrayLike<string | bigint | number>;
    const classes = width - 1;
    const what = `a probability for each of ${classes} classes`;
    const probabilities = tableOf(outputs, output.probabilities, rows, classes, what);
    for (let row = 0; row < rows; row++) {
      answers[row * width] = codeOf(labels[row]);
      for (let k = 0; k < classes; k++)
        answers[row * width + 1 + k] = probabilities[row * classes + k] as number;
    }
  };
}
