import type { Label, OutputFeed } from '../../../worker/protocol.ts';
import { writeNumbers } from '../native.ts';

/** An output of a model as a tensor. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: 'BYTES' | 'INT64' | 'BOOL' | 'FP64' | 'FP32';
  /** The second dimension; undefined for the shape [rows]. */
  readonly width: number | undefined;
  /** Its elements in JSON. */
  json(answers: Float64Array): string;
  /** Its elements in the form of the binary tensor data extension. */
  binary(answers: Float64Array): Buffer;
}

function list(answers: Float64Array, width: number, element: (at: number) => string): string {
  let text = '';
  for (let at = 0; at < answers.length; at += width) text += (at === 0 ? '' : ',') + element(at);
  return `[${text}]`;
}

function bytesElement(text: string): Buffer {
  const element = Buffer.from(`\0\0\0\0${text}`);
  element.writeUInt32LE(element.length - 4);
  return element;
}

function int64Element(value: number): Buffer {
  const element = Buffer.alloc(8);
  element.writeBigInt64LE(BigInt(value));
  return element;
}

/** The predicted class: integers or booleans where all classes are (the schema has no other number), else text. */
function labelTensor(name: string, classes: readonly Label[]): OutputTensor {
  const width = 1 + classes.length;
  const all = (type: 'number' | 'boolean'): boolean => classes.every((label) => typeof label === type);
  const datatype = all('number') ? 'INT64' : all('boolean') ? 'BOOL' : 'BYTES';
  const json = classes.map((label) => JSON.stringify(datatype === 'BYTES' ? String(label) : label));
  const binary = classes.map((label) => {
    if (datatype === 'INT64') return int64Element(label as number);
    return datatype === 'BOOL' ? Buffer.of(Number(label)) : bytesElement(String(label));
  });
  return {
    name,
    datatype,
    width: undefined,
    json: (answers) => list(answers, width, (at) => json[answers[at] as number] as string),
    binary: (answers) => {
      const elements: Buffer[] = [];
      for (let at = 0; at < answers.length; at += width) {
        elements.push(binary[answers[at] as number] as Buffer);
      }
      return Buffer.concat(elements);
    },
  };
}

function probabilitiesTensor(name: string, classes: number): OutputTensor {
  const width = 1 + classes;
  return {
    name,
    datatype: 'FP32',
    width: classes,
    json: (answers) => list(answers, width, (at) => writeNumbers(answers.subarray(at + 1, at + width))),
    binary: (answers) => {
      const bytes = Buffer.alloc((answers.length / width) * classes * 4);
      let offset = 0;
      answers.forEach((value, at) => {
        if (at % width !== 0) offset = bytes.writeFloatLE(value, offset);
      });
      return bytes;
    },
  };
}

function valueTensor(name: string): OutputTensor {
  return {
    name,
    datatype: 'FP64',
    width: undefined,
    json: (answers) => `[${writeNumbers(answers)}]`,
    binary: (answers) => {
      const bytes = Buffer.alloc(answers.length * 8);
      answers.forEach((value, at) => void bytes.writeDoubleLE(value, at * 8));
      return bytes;
    },
  };
}

/** All outputs of a model, by the names of its signature, in the order of an answer to a request that names none. */
export const outputTensors = (output: OutputFeed): readonly OutputTensor[] =>
  output.task === 'regression'
    ? [valueTensor(output.value)]
    : [
        labelTensor(output.label, output.classes),
        probabilitiesTensor(output.probabilities, output.classes.length),
      ];
