import type { Classification } from '../../model/labels.ts';
import { classTexts } from '../../model/labels.ts';

/** An output of a model as a tensor. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: 'BYTES' | 'INT64' | 'BOOL' | 'FP64' | 'FP32';
  /** The second dimension; undefined for the shape [rows]. */
  readonly width: number | undefined;
  /** Its elements are contributions, [rows, width], where the others' are answers. */
  readonly explains?: true;
  /** Its elements in JSON. */
  json(answers: Float64Array): string;
  /** Its elements in the form of the binary tensor data extension. */
  binary(answers: Float64Array): Buffer;
  /** The tensor of the `count` largest elements of each row; only where a row has several numbers. */
  readonly classification?: (count: number) => OutputTensor;
}

export function list(answers: Float64Array, width: number, element: (at: number) => string): string {
  let text = '';
  for (let at = 0; at < answers.length; at += width) text += (at === 0 ? '' : ',') + element(at);
  return `[${text}]`;
}

export function bytesElement(text: string): Buffer {
  const element = Buffer.from(`\0\0\0\0${text}`);
  element.writeUInt32LE(element.length - 4);
  return element;
}

/** An element of FP64 or INT64. */
export function numberElement(value: number, float: boolean): Buffer {
  const element = Buffer.alloc(8);
  if (float) element.writeDoubleLE(value);
  else element.writeBigInt64LE(BigInt(value));
  return element;
}

/** A label in a row of answers: its width, and where in it the label stands. */
interface Place {
  readonly width: number;
  readonly offset: number;
}

/** A predicted class: numbers or booleans where all classes are, else text. */
export function labelTensor(
  output: Omit<Classification, 'probabilities'>,
  { width, offset }: Place,
): OutputTensor {
  const { label: name, classes, floatClasses = false } = output;
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
    json: (answers) => list(answers, width, (at) => json[answers[at + offset] as number] as string),
    binary: (answers) => {
      const elements: Buffer[] = [];
      for (let at = offset; at < answers.length; at += width) {
        elements.push(binary[answers[at] as number] as Buffer);
      }
      return Buffer.concat(elements);
    },
  };
}
