import type { Label } from '../../../worker/protocol.ts';

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

export function list(answers: Float64Array, width: number, element: (at: number) => string): string {
  let text = '';
  for (let at = 0; at < answers.length; at += width) text += (at === 0 ? '' : ',') + element(at);
  return `[${text}]`;
}

function bytesElement(text: string): Buffer {
  const element = Buffer.from(`\0\0\0\0${text}`);
  element.writeUInt32LE(element.length - 4);
  return element;
}

export function int64Element(value: number): Buffer {
  const element = Buffer.alloc(8);
  element.writeBigInt64LE(BigInt(value));
  return element;
}

/**
 * A predicted class: integers or booleans where all classes are (the schema has no other number), else text.
 *
 * @param width of a row of answers, in which the label stands at `offset`
 */
export function labelTensor(
  name: string,
  classes: readonly Label[],
  width: number,
  offset: number,
): OutputTensor {
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
