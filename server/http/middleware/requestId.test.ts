import { expect } from 'vitest';
import { withApp } from '../../testing/withApp.ts';

withApp('a valid request id is kept in every kind of answer', async ({ request }) => {
  for (const id of ['a', 'A-Z_a.z-09', 'x'.repeat(64)]) {
    for (const path of ['/', '/predict', '/nope', '/health/ready']) {
      const answer = await request(path, { headers: { 'x-request-id': id } });
      expect(answer.headers.get('x-request-id')).toBe(id);
    }
  }
});

withApp('an invalid id is replaced by a new one', async ({ request }) => {
  const given = [undefined, '', 'x'.repeat(65), 'a b', 'a/b', '<script>', 'é', '"', 'a,b'];
  const ids = new Set<string>();
  for (const id of given) {
    const answer = await request('/nope', id === undefined ? {} : { headers: { 'x-request-id': id } });
    const replaced = answer.headers.get('x-request-id') ?? '';
    expect(replaced).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(JSON.parse(answer.text)).toMatchObject({ requestId: replaced });
    ids.add(replaced);
  }
  expect(ids.size).toBe(given.length);
});
