import { expect, it } from 'vitest';
import { redact } from './redact.ts';

it.each([
  ['redis://user:p@ss@host:6379/0', 'redis://***@host:6379/0'],
  ['https://:pw@host', 'https://***@host'],
  ['GET http://host/a?b=secret failed', 'GET http://host/a?*** failed'],
  ['Authorization: Bearer abc.def-123', 'Authorization: Bearer ***'],
  ['bearer abcdefgh, Basic dXNlcjpwYXNz', 'bearer ***, Basic ***'],
  ['mail to a@b and a ratio of 1:2', 'mail to a@b and a ratio of 1:2'],
])('%s', (text, expected) => {
  const line = redact(JSON.stringify({ err: { message: text } }));
  expect(JSON.parse(line)).toEqual({ err: { message: expected } });
});

it('members that are called like a secret, at any depth; the line stays JSON', () => {
  const headers = { authorization: 'a "quoted" one', 'x-api-key': 'k', 'Set-Cookie': 'c', accept: '*/*' };
  const line = redact(JSON.stringify({ err: { headers, REDIS_PASSWORD: '\\' }, requestId: 'r' }));
  expect(JSON.parse(line)).toEqual({
    err: {
      headers: { authorization: '***', 'x-api-key': '***', 'Set-Cookie': '***', accept: '*/*' },
      REDIS_PASSWORD: '***',
    },
    requestId: 'r',
  });
});
