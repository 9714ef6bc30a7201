import { expect } from 'vitest';
import { withApp } from '../../testing/withApp.ts';

const PATHS = ['/ping', '/health', '/v2/health/ready', '/v2/models/adult/ready'];

withApp('the health checks of every protocol are 503 until ready and while draining', async (app) => {
  const answers = () => Promise.all(PATHS.map((path) => app.request(path)));
  expect((await answers()).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  for (const [serving, draining] of [
    [false, false],
    [true, true],
  ] as const) {
    Object.assign(app.lifecycle, { serving, draining });
    for (const answer of await answers()) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
  }
  const [ping, , ready] = await answers();
  expect(JSON.parse(ping?.text ?? '')).toEqual({
    error_code: 'TEMPORARILY_UNAVAILABLE',
    message: 'The server is shutting down.',
  });
  expect(JSON.parse(ready?.text ?? '')).toEqual({ error: 'The server is shutting down.' });
  expect((await app.request('/v2/health/live')).status).toBe(200);
});
