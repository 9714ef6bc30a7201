import type { FromProcess, ToProcess } from './messages.ts';
import type { MetricObject } from './metrics/aggregate.ts';
import { within } from './within.ts';

/** The primary asks every process in its turn, and gives each a second. */
const ANSWER_MS = 3000;

/** Asks for the sums over all processes of the metrics whose names begin so. */
export type AskSums = (prefix: string) => Promise<readonly MetricObject[]>;

/** Asks the primary for what only all processes together know. */
export interface Questions {
  readonly sums: AskSums;
  receive(message: ToProcess): void;
}

export function createQuestions(tell: (message: FromProcess) => Promise<void>): Questions {
  const waiting = new Map<number, (metrics: readonly MetricObject[]) => void>();
  let asked = 0;
  return {
    sums: async (prefix) => {
      const question = asked++;
      const answer = new Promise<readonly MetricObject[]>((resolve) => waiting.set(question, resolve));
      void tell({ type: 'sums', question, prefix });
      try {
        return await within(answer, ANSWER_MS, 'the answer of the primary');
      } finally {
        waiting.delete(question);
      }
    },
    receive: (message) => {
      if (message.type === 'sums') waiting.get(message.question)?.(message.metrics);
    },
  };
}
