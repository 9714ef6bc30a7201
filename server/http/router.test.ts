import { expect } from 'vitest';
import { expectProblem } from '../testing/problem.ts';
import { withApp, withAppOnSocket } from '../testing/withApp.ts';

const ROUTES = [
  ['/', 'GET, HEAD'],
  ['/stats', 'GET, HEAD'],
  ['/predict', 'GET, HEAD, POST'],
  ['/models', 'GET, HEAD, POST'],
  ['/models/adult', 'GET, HEAD, DELETE'],
  ['/health/live', 'GET, HEAD'],
  ['/health/ready', 'GET, HEAD'],
] as const;

withApp('another method is 405, and Allow has the methods of the path', async ({ request }) => {
  for (const [path, allow] of ROUTES) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'UNLINK']) {
      const answer = await request(path, { method });
      if (allow.split(', ').includes(method)) {
        expect([method, path, answer.status]).not.toContain(405);
      } else {
        expectProblem(answer, 'method_not_allowed');
        expect(answer.headers.get('allow')).toBe(allow);
        expect(answer.text).not.toContain(method);
      }
    }
  }
});

withAppOnSocket('TRACE is 405', async ({ request }) => {
  expectProblem(await request('/', { method: 'TRACE' }), 'method_not_allowed');
});

withApp('an unknown path is 404 with any method, and is not repeated', async ({ request }) => {
  for (const path of [
    '/nope',
    '/predict//',
    '/predict%2F',
    '/predict/%2F',
    '/predict/.%2F',
    '//predict',
    '//predict/',
    '//',
    '///',
    '/models//predict',
    '/Predict',
    '/metrics',
    '/models/adult/x',
    '/%6eope?a=b',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await request(path, { method });
      expectProblem(answer, 'not_found');
      expect(answer.text).not.toMatch(/nope|Predict"|adult/);
    }
  }
});

withApp('HEAD is answered as GET without a body', async ({ request }) => {
  for (const path of [...ROUTES.map(([route]) => route), '/nope']) {
    const [head, get] = [await request(path, { method: 'HEAD' }), await request(path)];
    expect(head.text).toBe('');
    expect(head.status).toBe(get.status);
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
  }
});

withApp('GET / says that the service runs', async ({ request }) => {
  const answer = await request('/');
  expect([answer.status, answer.text]).toEqual([200, 'Service is running']);
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
});
