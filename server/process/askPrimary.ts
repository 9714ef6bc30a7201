import { Problem } from '../errors/problem.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import type { AskSums } from '../metrics/messages.ts';
import type { AskDrift } from '../observers/drift/messages.ts';
import { within } from '../platform/deadline.ts';

/** The primary asks every process in its turn, and gives each a second. */
const ANSWER_MS = 3000;

/** Asks the primary for what only all processes together know. */
export interface Questions {
  readonly sums: AskSums;
  readonly drift: AskDrift;
  receive(message: ToProcess): void;
}

export function createQuestions(
  tell: (message: FromProcess) => Promise<void>,
  answerMs = ANSWER_MS,
): Questions {
  const waiting = new Map<number, (message: ToProcess) => void>();
  let asked = 0;
  const ask = async (put: (question: number) => FromProcess): Promise<ToProcess> => {
    const question = asked++;
    const answer = new Promise<ToProcess>((resolve) => waiting.set(question, resolve));
    void tell(put(question));
    try {
      return await within(answer, answerMs, 'the answer of the primary');
    } catch (cause) {
      throw new Problem('not_ready', {
        detail: 'The figures of all processes cannot be had at the moment.',
        cause,
      });
    } finally {
      waiting.delete(question);
    }
  };
  return {
    sums: async (prefix) => {
      const answer = await ask((question) => ({ type: 'sums', question, prefix }));
      return answer.type === 'sums' ? answer.metrics : [];
    },
    drift: async (key) => {
      const answer = await ask((question) => ({ type: 'drift', question, key }));
      return answer.type === 'drift' ? answer.report : undefined;
    },
    receive: (message) => {
      if (message.type === 'sums' || message.type === 'drift') waiting.get(message.question)?.(message);
    },
  };
}
