import { expect } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import { ADULT_ROW, adultBody } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

const body = adultBody(ADULT_ROW);

withApp(
  'a 500 hides its cause, and logs it with the request id',
  async ({ predict, inference, takeErrors }) => {
    const thrown = [
      new Error('cannot read /secret/path'),
      new Problem('internal_error', { cause: new Error('cannot read /secret/path') }),
    ];
    for (const error of thrown) {
      inference.behaviour = () => Promise.reject(error);
      const answer = await predict(body, '', { 'x-request-id': 'mine' });
      expectProblem(answer, 'internal_error');
      expect(answer.text).toBe(
        '{"type":"about:blank","title":"Internal Server Error","status":500,' +
          '"detail":"The server failed to answer; the request id finds the cause in its log.",' +
          '"code":"internal_error","requestId":"mine"}',
      );
      expect(takeErrors()).toMatchObject([
        { requestId: 'mine', msg: 'request failed', err: { message: 'cannot read /secret/path' } },
      ]);
    }
  },
);

withApp('an exception before any promise is a 500', async ({ predict, inference, takeErrors }) => {
  inference.behaviour = () => {
    throw new TypeError('undefined is not a function');
  };
  expectProblem(await predict(body), 'internal_error');
  expect(takeErrors()).toHaveLength(1);
});

withApp('errors of clients are not logged', async ({ predict, request, inference }) => {
  expectProblem(await predict('{'), 'invalid_json');
  expectProblem(await request('/nope'), 'not_found');
  inference.behaviour = () => Promise.reject(new Problem('overloaded'));
  expectProblem(await predict(body), 'overloaded');
});
