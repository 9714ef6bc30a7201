import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { Problem, problemBody } from '../errors/problem.ts';
import type { AppEnv } from './context.ts';
import type { ExpressLane, Listen } from './expressLane.ts';

/** Longer than nginx's 60 s: if the server closed a connection first, a POST just sent on it would fail. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** More than the proxy accepts: headers that passed it are never refused here. */
const MAX_HEADER_BYTES = 128 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** The interval at which Node looks for connections beyond their timeouts; its default is 30 s. */
const CHECK_TIMEOUTS_EVERY_MS = 1000;
const CLOSE_IDLE_EVERY_MS = 50;
/** Connections that wait to be accepted: as many as the proxy may open at once. Node's default of 511 overflows. */
const BACKLOG = 4096;

/** Where a server process listens: its own socket behind the proxy, or the public port, shared by all. */
export type Address = { readonly socket: string } | { readonly host: string; readonly port: number };

/** A server that takes requests. */
export interface Listener {
  /** Resolves once all requests that are open now are answered; later ones are not waited for. */
  answered(): Promise<void>;
  /** Stops accepting, and resolves once every request is answered and every connection closed. */
  close(): Promise<void>;
}

/** Answers what Node's parser refuses, which never reaches the app. By default the answer is an empty 400. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'bad_request';
  const problem = new Problem(code);
  const requestId = randomUUID();
  const body = problemBody(problem, requestId);
  socket.end(
    `HTTP/1.1 ${problem.status} Error\r\ncontent-type: application/problem+json\r\nx-request-id: ${requestId}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function listenOn(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const done = (): void => {
      server.off('error', reject);
      resolve();
    };
    if ('port' in address) {
      server.listen({ port: address.port, host: address.host, backlog: BACKLOG }, done);
      return;
    }
    // Bound under a temporary name, then moved over the predecessor's socket: the path never stops answering.
    // Without `exclusive` node:cluster would listen in the primary and hand each connection over.
    const temporary = `${address.socket}.${process.pid}`;
    const options = {
      path: temporary,
      exclusive: true,
      readableAll: true,
      writableAll: true,
      backlog: BACKLOG,
    };
    server.listen(options, () => {
      renameSync(temporary, address.socket);
      done();
    });
  });
}

/** An app, and the express lane that is ahead of it. */
export type App = Hono<AppEnv> & { readonly expressLane?: ExpressLane | undefined };

/** Serves an app. */
export async function listen(app: App, address: Address): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    },
  }) as Server;
  if (app.expressLane) {
    const [ofApp] = server.listeners('request') as [Listen];
    server.off('request', ofApp).on('request', app.expressLane(ofApp));
  }
  let closing = false;
  /** Answers that are not complete, or not yet with the kernel. */
  const open = new Set<ServerResponse>();
  /** One function for all requests: a closure each would be garbage. */
  function forget(this: ServerResponse): void {
    open.delete(this);
  }
  const closeIdle = server.closeIdleConnections.bind(server);
  // Also called by Node's `close`. Node takes a connection for idle once its answer has ended, and would destroy it with what
  // a slow client hasn't read yet.
  server.closeIdleConnections = () => {
    const unsent = [...open].filter(({ finished }) => finished);
    for (const response of unsent) response.finished = false;
    closeIdle();
    for (const response of unsent) response.finished = true;
  };
  server.on('clientError', answerClientError);
  // Ahead of the app: an answer sent while closing is the last one on its connection.
  server.prependListener('request', (_, response) => {
    response.shouldKeepAlive &&= !closing;
    open.add(response);
    response.on('close', forget);
  });
  await listenOn(server, address);

  return {
    answered: async () => {
      const present = [...open].map((response) => new Promise((resolve) => response.once('close', resolve)));
      await Promise.all(present);
    },
    close: () =>
      new Promise((resolve) => {
        closing = true;
        for (const response of open) response.shouldKeepAlive = false;
        const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
        server.close(() => {
          clearInterval(sweep);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
