import { EventEmitter, once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../errors/problem.ts';
import { ERRORS, Problem, problemBody } from '../errors/problem.ts';
import type { Listener } from './listen.ts';
import { listen } from './listen.ts';
import type { AppEnv } from './context.ts';
import { readText } from './body.ts';
import { createHttpClient } from '../testing/httpClient.ts';
import { openRaw } from '../testing/rawExchange.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';

interface World {
  readonly socket: string;
  readonly listener: Listener;
  /** Emits `request` and `aborted`; an emitted `go` lets /slow answer. */
  readonly events: EventEmitter;
  /** The outcomes of reading the bodies. */
  readonly bodies: string[];
}

async function withListener(run: (world: World) => Promise<void>): Promise<void> {
  const events = new EventEmitter();
  const bodies: string[] = [];
  const app = new Hono<AppEnv>();
  app.get('/', (c) => c.text('here'));
  app.get('/slow', async (c) => {
    c.req.raw.signal.addEventListener('abort', () => events.emit('aborted'));
    const go = once(events, 'go');
    events.emit('request');
    await go;
    return c.text('at last');
  });
  app.post('/', async (c) => {
    events.emit('request');
    bodies.push(await readText(c, 100).catch((error: Problem) => error.code));
    return c.text('read');
  });
  await withTemporaryFolder(async (folder) => {
    const socket = join(folder, 'test.sock');
    const listener = await listen(app, { socket });
    try {
      await run({ socket, listener, events, bodies });
    } finally {
      await withDeadline('the end of the listener', listener.close());
    }
  });
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

function expectRawProblem(answer: string, code: ErrorCode): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const requestId = /^x-request-id: (.*)$/m.exec(head)?.[1]?.trim() ?? '';
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${ERRORS[code].status} `));
  expect(head).toContain('content-type: application/problem+json\r\n');
  expect(head).toContain(`content-length: ${body.length}\r\n`);
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(body).toBe(problemBody(new Problem(code), requestId));
}

describe('a request that the HTTP parser refuses', () => {
  it.each<[string, string, ErrorCode]>([
    ['no HTTP at all', 'hello\r\n\r\n', 'bad_request'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 'bad_request'],
    ['an unknown method', 'FROB / HTTP/1.1\r\nHost: x\r\n\r\n', 'bad_request'],
    ['a malformed request line', 'GET\r\n\r\n', 'bad_request'],
    ['an unknown version', 'GET / HTTP/9.1\r\nHost: x\r\n\r\n', 'bad_request'],
    [
      'a length that is no number',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n',
      'bad_request',
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'bad_request',
    ],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n', 'bad_request'],
    ['a large header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`, 'headers_too_large'],
  ])('is answered as a problem: %s', (_, bytes, code) =>
    withListener(async ({ socket }) => {
      const connection = await openRaw(socket);
      connection.write(bytes);
      expectRawProblem(await connection.closed(), code);
    }),
  );

  it('is answered 408 as a problem if the client is too slow', () =>
    withListener(async ({ socket }) => {
      // Node looks for slow clients every 30 s; the test triggers that check.
      let server: Server | undefined;
      const note = (message: unknown): void => void (server = (message as { server: Server }).server);
      subscribe('http.server.request.start', note);
      const client = createHttpClient(socket);
      await client.request('/');
      client.close();
      unsubscribe('http.server.request.start', note);
      const stream = new PassThrough({ encoding: 'utf8' });
      server?.emit(
        'clientError',
        Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
        stream,
      );
      expectRawProblem(String(stream.read()), 'request_timeout');
    }));
});

describe('a client', () => {
  it('may send its header byte by byte', () =>
    withListener(async ({ socket }) => {
      const connection = await openRaw(socket);
      for (const byte of get('/')) {
        connection.write(byte);
        await nextTurn();
      }
      expect(await connection.received('here')).toMatch(/^HTTP\/1.1 200 /);
      connection.socket.destroy();
    }));

  it('that disconnects within its body ends the reading, and affects no other request', () =>
    withListener(async ({ socket, events, bodies }) => {
      const connection = await openRaw(socket);
      const arrived = once(events, 'request');
      connection.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"columns":');
      await withDeadline('the request', arrived);
      connection.socket.destroy();
      expect(await eventually('the reading ends', () => bodies[0])).toBe('bad_request');
      const client = createHttpClient(socket);
      expect((await client.request('/')).text).toBe('here');
      client.close();
    }));

  it('that disconnects aborts its request', () =>
    withListener(async ({ socket, events }) => {
      const connection = await openRaw(socket);
      const arrived = once(events, 'request');
      connection.write(get('/slow'));
      await withDeadline('the request', arrived);
      const aborted = once(events, 'aborted');
      connection.socket.destroy();
      await withDeadline('the abort', aborted);
      events.emit('go');
    }));

  it('that declares too large a body is answered before it sends it', () =>
    withListener(async ({ socket, bodies }) => {
      const connection = await openRaw(socket);
      connection.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n');
      await connection.received('read');
      expect(bodies).toEqual(['body_too_large']);
      connection.socket.destroy();
    }));
});

describe('closing', () => {
  it('answers open requests, each as the last one on its connection', () =>
    withListener(async ({ socket, listener, events }) => {
      const connection = await openRaw(socket);
      const arrived = once(events, 'request');
      connection.write(get('/slow'));
      await withDeadline('the request', arrived);
      const closed = listener.close();
      events.emit('go');
      const answer = await connection.closed();
      expect(answer).toMatch(/^connection: close\r$/im);
      expect(answer).toContain('at last');
      await withDeadline('the end of the listener', closed);
    }));

  it('closes idle connections and accepts no new ones', () =>
    withListener(async ({ socket, listener }) => {
      const idle = await openRaw(socket);
      idle.write(get('/'));
      await idle.received('here');
      await withDeadline('the end of the listener', listener.close());
      await idle.closed();
      await expect(createHttpClient(socket).request('/')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    }));
});

describe('an answer that a client still reads', () => {
  const LARGE = 'x'.repeat(8 * 1024 * 1024);
  /** An app in front of which a lane of its own writes and ends the answer at once. */
  const withAnswerUnread = async (
    run: (listener: Listener, client: Socket, whole: () => Promise<number>) => Promise<void>,
  ): Promise<void> => {
    await withTemporaryFolder(async (folder) => {
      const socket = join(folder, 'test.sock');
      const expressLane = () => (_: IncomingMessage, outgoing: ServerResponse) => void outgoing.end(LARGE);
      const listener = await listen(Object.assign(new Hono<AppEnv>(), { expressLane }), { socket });
      const client = connect(socket);
      try {
        client.write(get('/'));
        // The answer has begun, and fills the buffers of the kernel.
        await once(client, 'readable');
        await run(listener, client, async () => {
          let bytes = 0;
          for await (const chunk of client as AsyncIterable<Buffer>) bytes += chunk.length;
          return bytes;
        });
      } finally {
        client.destroy();
        await withDeadline('the end of the listener', listener.close());
      }
    });
  };

  it('is sent to its end while the server closes', () =>
    withAnswerUnread(async (listener, _, whole) => {
      const closed = listener.close();
      expect(await withDeadline('the whole answer', whole())).toBeGreaterThan(LARGE.length);
      await withDeadline('the end of the listener', closed);
    }));

  it('is not waited for once its client is gone', () =>
    withAnswerUnread(async (listener, client) => {
      const closed = listener.close();
      client.destroy();
      await withDeadline('the end of the listener', closed);
    }));
});

describe('a socket', () => {
  it('replaces its predecessor without a gap', async () => {
    await withTemporaryFolder(async (folder) => {
      const socket = join(folder, 'test.sock');
      const serve = (name: string) =>
        listen(
          new Hono<AppEnv>().get('/', (c) => c.text(name)),
          { socket },
        );
      const old = await serve('old');
      const client = createHttpClient(socket);
      expect((await client.request('/')).text).toBe('old');
      client.close();
      const young = await serve('young');
      const second = createHttpClient(socket);
      expect((await second.request('/')).text).toBe('young');
      await withDeadline('the end of the predecessor', old.close());
      expect((await second.request('/')).text).toBe('young');
      second.close();
      expect(await readdir(folder)).toEqual(['test.sock']);
      await withDeadline('the end', young.close());
    });
  });

  it('that cannot be bound is an error', async () => {
    await withTemporaryFolder(async (folder) => {
      await expect(listen(new Hono(), { socket: join(folder, 'no', 'such.sock') })).rejects.toThrow(
        /EACCES|ENOENT/,
      );
    });
  });
});
