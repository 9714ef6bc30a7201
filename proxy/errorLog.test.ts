import { describe, expect, it } from 'vitest';
import { readProxyError } from './errorLog.ts';

const AT = '2026/11/21 15:43:00';
const REQUEST = 'server: , request: "POST /predict?age=secret HTTP/1.1"';

describe("a line of nginx's error log", () => {
  it.each([
    [
      `${AT} [error] 7#7: *10 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, ${REQUEST}, upstream: "http://unix:/tmp/servemodel.x/process-0.sock:/predict?age=secret", host: "secret", referrer: "http://x/?secret"`,
      {
        level: 'error',
        message: 'connect() failed (111: Connection refused) while connecting to upstream',
        worker: 7,
        connection: 10,
        client: '127.0.0.1',
        upstream: 'unix:/tmp/servemodel.x/process-0.sock',
      },
    ],
    [
      `${AT} [error] 7#9: *2 client intended to send too large body: 12 bytes, client: ::1, ${REQUEST}, host: "secret"`,
      {
        level: 'info',
        message: 'client intended to send too large body: 12 bytes',
        worker: 7,
        connection: 2,
        client: '::1',
      },
    ],
    [
      `${AT} [error] 7#9: *2 no live upstreams while connecting to upstream, client: unix:, ${REQUEST}, upstream: "http://app/predict?secret"`,
      {
        level: 'error',
        message: 'no live upstreams while connecting to upstream',
        worker: 7,
        connection: 2,
      },
    ],
    [
      `${AT} [alert] 1#1: worker process 5 exited on signal 9`,
      { level: 'error', message: 'worker process 5 exited on signal 9', worker: 1 },
    ],
    [
      `nginx: [emerg] bind() to 0.0.0.0:5000 failed (98: Address already in use)`,
      { level: 'fatal', message: 'bind() to 0.0.0.0:5000 failed (98: Address already in use)' },
    ],
    [`${AT} [warn] 1#1: "/a?secret" is odd`, { level: 'warn', message: '"/a is odd', worker: 1 }],
    ['words of a library\t?secret', { level: 'error', message: 'words of a library ' }],
    [
      `2026/11/21 15:43:00 [error] 7#9: *2 a, request: "GET /\u2028secret HTTP/1.1", host: "x`,
      { level: 'error', message: 'a', worker: 7, connection: 2 },
    ],
    ['x'.repeat(5000), { level: 'error', message: 'x'.repeat(500) }],
  ])('%s', (line, expected) => {
    expect(readProxyError(line)).toEqual(expected);
  });
});
