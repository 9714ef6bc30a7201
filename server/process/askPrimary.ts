import { Problem } from '../errors/problem.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import type { AskSums } from '../metrics/messages.ts';
import type { AskDrift } from '../observers/drift/messages.ts';
import { deadline } from '../platform/deadline.ts';

/** The primary in turn asks every process, and gives each a second. */
const ANSWER_MS = 3000;

type Answer = Extract<ToProcess, { type: 'sums' | 'drift' }>;

/** Asks the primary for figures of all processes together. */
export interface AskPrimary {
  readonly sums: AskSums;
  readonly drift: AskDrift;
  receive(answer: Answer): void;
}

export function createAskPrimary(
  send: (message: FromProcess) => Promise<void>,
  answerMs = ANSWER_MS,
): AskPrimary {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  const ask = async (messageOf: (question: number) => FromProcess): Promise<Answer> => {
    const question = asked++;
    const answer = new Promise<Answer>((resolve) => waiting.set(question, resolve));
    void send(messageOf(question));
    try {
      return await deadline(answer, answerMs, 'the answer of the primary');
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
    receive: (answer) => waiting.get(answer.question)?.(answer),
  };
}
