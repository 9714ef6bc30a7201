import { expect, it } from 'vitest';
import type { FromProcess } from '../messages.ts';
import { createAskPrimary } from './askPrimary.ts';

it('a question is answered by its number', async () => {
  const asked: FromProcess[] = [];
  const questions = createAskPrimary((message) => Promise.resolve(void asked.push(message)));
  const [one, other] = [questions.sums('a'), questions.drift('b/1')];
  questions.receive({ type: 'drift', question: 1, report: undefined });
  questions.receive({ type: 'sums', question: 0, metrics: [] });
  expect(await Promise.all([one, other])).toEqual([[], undefined]);
  expect(asked).toEqual([
    { type: 'sums', question: 0, prefix: 'a' },
    { type: 'drift', question: 1, key: 'b/1' },
  ]);
});

it('what a frozen primary does not answer is not ready, rather than failed', async () => {
  const questions = createAskPrimary(() => Promise.resolve(), 1);
  for (const answer of [questions.sums('a'), questions.drift('b/1')])
    await expect(answer).rejects.toMatchObject({ code: 'not_ready', status: 503 });
});
