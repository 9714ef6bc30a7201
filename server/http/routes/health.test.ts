import { expect } from 'vitest';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

withApp('a process is live even if it is not ready', async ({ request, lifecycle }) => {
  for (const [serving, draining] of [
    [false, false],
    [true, false],
    [true, true],
  ] as const) {
    Object.assign(lifecycle, { serving, draining });
    const answer = await request('/health/live');
    expect([answer.status, answer.text]).toEqual([200, '{"status":"live"}']);
  }
});

withApp(
  'the server is ready once all processes have been, until it drains',
  async ({ request, lifecycle }) => {
    lifecycle.serving = false;
    expectProblem(await request('/health/ready'), 'not_ready');
    lifecycle.serving = true;
    const answer = await request('/health/ready');
    expect([answer.status, answer.text]).toEqual([200, '{"status":"ready"}']);
    lifecycle.draining = true;
    expectProblem(await request('/health/ready'), 'draining');
  },
);
