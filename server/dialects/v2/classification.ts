import { writeNumber } from '../forms/numbers.ts';
import type { OutputTensor } from './outputTensor.ts';
import { bytesElement, list } from './outputTensor.ts';

/** The numbers of an output that has several a row, where they stand in a row of answers, and what each is called. */
export interface Ranked {
  readonly name: string;
  /** Of a row of answers. */
  readonly width: number;
  readonly offset: number;
  readonly columns: number;
  /** One for each number; undefined where they have no names. */
  readonly labels: readonly string[] | undefined;
}

/**
 * Makes the tensor of Triton's classification of an output: the `count` largest numbers of each row, as texts
 * `value:index` or `value:index:label`. Equal numbers come in their order.
 */
export function classificationTensor(ranked: Ranked, count: number): OutputTensor {
  const { name, width, offset, columns, labels } = ranked;
  const most = Math.min(count, columns);
  const indices = Array.from({ length: columns }, (_, index) => index);
  const largest = (answers: Float64Array, at: number): string[] => {
    const value = (index: number): number => answers[at + offset + index] as number;
    return indices
      .toSorted((a, b) => value(b) - value(a))
      .slice(0, most)
      .map((index) => `${writeNumber(value(index))}:${index}${labels ? `:${labels[index]}` : ''}`);
  };
  return {
    name,
    datatype: 'BYTES',
    width: most,
    json: (answers) =>
      list(answers, width, (at) =>
        largest(answers, at)
          .map((text) => JSON.stringify(text))
          .join(),
      ),
    binary: (answers) => {
      const elements: Buffer[] = [];
      for (let at = 0; at < answers.length; at += width)
        for (const text of largest(answers, at)) elements.push(bytesElement(text));
      return Buffer.concat(elements);
    },
  };
}
