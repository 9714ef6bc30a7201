import { expect, it } from 'vitest';
import type { FromProcess } from '../messages.ts';
import { createAskPrimary } from './askPrimary.ts';

it('an answer belongs to the question of its number', async () => {
  const asked: FromProcess[] = [];
  const askPrimary = createAskPrimary((message) => Promise.resolve(void asked.push(message)));
  const [one, other] = [askPrimary.sums('a'), askPrimary.drift('b/1')];
  askPrimary.receive({ type: 'drift', question: 1, report: undefined });
  askPrimary.receive({ type: 'sums', question: 0, metrics: [] });
  expect(await Promise.all([one, other])).toEqual([[], undefined]);
  expect(asked).toEqual([
    { type: 'sums', question: 0, prefix: 'a' },
    { type: 'drift', question: 1, key: 'b/1' },
  ]);
});

it('without an answer of the primary, clients get not_ready', async () => {
  const askPrimary = createAskPrimary(() => Promise.resolve(), 1);
  for (const answer of [askPrimary.sums('a'), askPrimary.drift('b/1')])
    await expect(answer).rejects.toMatchObject({ code: 'not_ready', status: 503 });
});
