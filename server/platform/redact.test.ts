import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { redact } from './redact.ts';

/** As the tool api-key makes them. */
const OWN = `sm_${randomBytes(32).toString('base64url')}`;

it.each([
  ['redis://user:p@ss@host:6379/0', 'redis://***@host:6379/0'],
  ['https://:pw@host', 'https://***@host'],
  ['GET http://host/a?b=secret failed', 'GET http://host/a?*** failed'],
  ['Authorization: Bearer abc.def-123', 'Authorization: Bearer ***'],
  ['bearer abcdefgh, Basic dXNlcjpwYXNz', 'bearer ***, Basic ***'],
  ['Cookie: a=b; c=d\nnext line', 'Cookie: ***\nnext line'],
  ['Authorization: Digest username="u", response="r"', 'Authorization: ***'],
  ['the server refused x-api-key: sm_abc', 'the server refused x-api-key: ***'],
  [`who has ${OWN} may pass`, 'who has sm_*** may pass'],
  [`/a?key=${OWN}&b`, '/a?key=sm_***&b'],
  [
    'POST {"user":"u","password":"hun\\"ter","a":1} failed',
    'POST {"user":"u","password":"***","a":1} failed',
  ],
  ['{"password":12345,"a":1}', '{"password":***,"a":1}'],
  ['{"x-api-key":["a","b"],"a":1}', '{"x-api-key":***'],
  ['{"credentials":{"id":{"a":"b"},"c":"d"},"a":1}', '{"credentials":***'],
  ["{ token: 'it\\'s', a: 1 }", "{ token: '***', a: 1 }"],
  ['password=hunter2&a=1, api_key = k', 'password=***&a=1, api_key = ***'],
  // JSON in JSON in JSON.
  [
    JSON.stringify({ body: JSON.stringify({ password: 'hun"ter', a: 1 }) }),
    JSON.stringify({ body: JSON.stringify({ password: '***', a: 1 }) }),
  ],
  [
    'Unexpected token < in JSON; at read (/app/token.js:12:5)',
    'Unexpected token < in JSON; at read (/app/token.js:12:5)',
  ],
  ['wasm_forest_kernel_of_version_2 and sm_ alone', 'wasm_forest_kernel_of_version_2 and sm_ alone'],
  ['mail to a@b and a ratio of 1:2', 'mail to a@b and a ratio of 1:2'],
])('%s', (text, expected) => {
  const line = redact(JSON.stringify({ err: { message: text } }));
  expect(JSON.parse(line)).toEqual({ err: { message: expected } });
});

it('members with the name of a secret, at any depth; the line stays JSON', () => {
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

it('members with the name of a secret and any value, and the end of the line', () => {
  const members = {
    password: 12345,
    'x-api-key': ['a'],
    credentials: { id: 'a' },
    token: null,
    secret: false,
  };
  const line = redact(`${JSON.stringify({ err: members, __proto__: 1, level: 50 })}\n`);
  expect(line).toBe(
    '{"err":{"password":"***","x-api-key":"***","credentials":"***","token":null,"secret":false},"level":50}\n',
  );
});

it('any line takes time in proportion to its length', () => {
  const units = [
    'token',
    'a',
    '://',
    '"',
    '\\',
    '\\"',
    ':',
    ' ',
    'basic ',
    'sm_',
    '?',
    '@',
    '{',
    '[',
    "'",
    'token:',
  ];
  const openings = ['', 'token', 'token:', 'token:"', 'token:\\"', '://', '"password":[', 'cookie:'];
  for (const opening of openings) {
    for (const unit of units) {
      const text = opening + unit.repeat(100_000 / unit.length);
      const begin = performance.now();
      redact(JSON.stringify({ msg: text }));
      redact(text);
      // Some milliseconds if it is linear, else minutes.
      expect(performance.now() - begin, `${opening} and then ${unit}`).toBeLessThan(2000);
    }
  }
});
