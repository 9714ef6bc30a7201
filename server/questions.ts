import type { FromProcess, ToProcess } from './messages.ts';
import type { MetricObject } from './metrics/aggregate.ts';
import { within } from './within.ts';

/** The primary asks every process in its turn, and gives each a second. */
const ANSWER_MS = 3000;

/** Asks the primary for what only all processes together know. */
export interface Questions {
  /** The shadow metrics of all processes. */
  shadow(): Promise<readonly MetricObject[]>;
  receive(message: ToProcess): void;
}

export function createQuestions(tell: (message: FromProcess) => Promise<void>): Questions {
  const waiting = new Map<number, (metrics: readonly MetricObject[]) => void>();
  let asked = 0;
  return {
    shadow: async () => {
      const question = asked++;
      const answer = new Promise<readonly MetricObject[]>((resolve) => waiting.set(question, resolve));
      void tell({ type: 'shadow', question });
      try {
        return await within(answer, ANSWER_MS, 'the answer of the primary');
      } finally {
        waiting.delete(question);
      }
    },
    receive: (message) => {
      if (message.type === 'shadow') waiting.get(message.question)?.(message.metrics);
    },
  };
}
