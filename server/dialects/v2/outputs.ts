import type { OutputFeed } from '../../../worker/protocol.ts';
import type { Classification } from '../../model/labels.ts';
import { classTexts } from '../../model/labels.ts';
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

function numberElement(value: number, float: boolean): Buffer {
  const element = Buffer.alloc(8);
  if (float) element.writeDoubleLE(value);
  else element.writeBigInt64LE(BigInt(value));
  return element;
}

/** The predicted class: numbers or booleans where all classes are, else text. */
function labelTensor(output: Classification): OutputTensor {
  const { label: name, classes, floatClasses = false } = output;
  const width = 1 + classes.length;
  const all = (type: 'number' | 'boolean'): boolean => classes.every((label) => typeof label === type);
  const datatype = all('number') ? (floatClasses ? 'FP64' : 'INT64') : all('boolean') ? 'BOOL' : 'BYTES';
  const texts = classTexts(output);
  const json = datatype === 'BYTES' ? texts.map((text) => JSON.stringify(text)) : texts;
  const binary = classes.map((label, at) => {
    if (datatype === 'BYTES') return bytesElement(texts[at] as string);
    return datatype === 'BOOL' ? Buffer.of(Number(label)) : numberElement(Number(label), floatClasses);
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
    : [labelTensor(output), probabilitiesTensor(output.probabilities, output.classes.length)];
