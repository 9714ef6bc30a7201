import type { Socket } from 'node:net';
import type { Client, Request } from 'autocannon';
import type { LoadRequest } from './requests.ts';

/**
 * What this file uses of autocannon's client beyond its public interface, for the reasons at `steer`; nothing else does.
 * autocannon is pinned to one version, and engine.test.ts fails if a new one behaves differently.
 */
interface Internals {
  readonly conn?: Socket;
  readonly parser: { initialize(type: 'RESPONSE'): void };
  getRequestBuffer(): Buffer;
  _connect(): void;
  _destroyConnection(): void;
  _doRequest(): void;
  on(event: 'connError', listener: (error: NodeJS.ErrnoException) => void): void;
}

/** An answer, or why there is none. */
export type Ending =
  | { readonly status: number; readonly body: string }
  /** `timeout`, `closed` (the server ended the connection), or the error code of the socket. */
  | { readonly fault: string };

/** A request that is on its way. Times are `performance.now()` in milliseconds. */
export interface Exchange {
  readonly request: LoadRequest;
  /** When it should have been sent. */
  readonly dueMs: number;
  readonly sentMs: number;
}

export interface Connection {
  readonly exchange: Exchange | undefined;
  /** Only when it has been reported as ready. */
  send(request: LoadRequest, dueMs: number): void;
  /** Gives up the request that is on its way. */
  abandon(fault: string): void;
  /** Never connects again. */
  close(): void;
}

export interface ConnectionEvents {
  /** It is open and has nothing to do. */
  ready(connection: Connection): void;
  /** It was lost while it had nothing to do. */
  lost(connection: Connection): void;
  ended(exchange: Exchange, ending: Ending): void;
  /** A connection could not be opened; it is tried again. */
  refused(fault: string): void;
}

const RECONNECT_MS = 100;

const closesConnection = (headers: Request['headers']): boolean =>
  Object.entries(headers ?? {}).some(
    ([name, value]) => name.toLowerCase() === 'connection' && String(value).toLowerCase() === 'close',
  );

/**
 * Makes one of autocannon's clients send a given request at a given time. Its public API (`setupClient`, events,
 * `requests`, `amount`, `overallRate`) has no schedule of one's own, and no way to learn of a lost request. autocannon 9.0.0
 * - sends a second's share of `overallRate` in one burst and forgets the share of a second in which the server
 *   stalled, then fills its histogram with a made-up latency for each millisecond of every answer, since it hands
 *   1 / rate (seconds, rounded up to 1) to a histogram of milliseconds. Answers of 100 ms each at 50 requests/s are
 *   shown as a median of 52 ms. It has been so since https://github.com/mcollina/autocannon/pull/274;
 * - doesn't count a request whose connection the server ends, takes each later answer on that client for the answer to
 *   the request before, and reads a new connection as the rest of a body that was cut off;
 * - connects again at once and without end to a port that refuses.
 */
export function steer(plain: Client, events: ConnectionEvents): Connection {
  const client = plain as unknown as Internals;
  const connect = client._connect.bind(client);
  const doRequest = client._doRequest.bind(client);
  let exchange: Exchange | undefined;
  let open = false;
  let closing = false;
  let begun = false;
  let done = false;
  let socketFault: string | undefined;

  const end = (ending: Ending): void => {
    if (exchange === undefined) return;
    const ended = exchange;
    exchange = undefined;
    events.ended(ended, ending);
  };

  const openSocket = (): void => {
    if (done) return;
    connect();
    const socket = client.conn;
    const opened = 'encrypted' in (socket ?? {}) ? 'secureConnect' : 'connect';
    socket?.setNoDelay(true).once(opened, () => {
      if (socket !== client.conn || done) return;
      open = true;
      events.ready(connection);
    });
  };

  /** autocannon calls this at the start, after a socket error, and when the server has ended the connection. */
  client._connect = () => {
    const fault = socketFault ?? 'closed';
    const wasOpen = open;
    socketFault = undefined;
    open = closing = false;
    if (!begun) {
      begun = true;
      openSocket();
      return;
    }
    // Also clears the queue of requests, without which every later answer would be taken for an earlier one's.
    client._destroyConnection();
    client.parser.initialize('RESPONSE');
    if (exchange !== undefined) end({ fault });
    else if (wasOpen) events.lost(connection);
    else events.refused(fault);
    if (wasOpen) openSocket();
    else setTimeout(openSocket, RECONNECT_MS).unref();
  };

  /** autocannon calls this when it has connected (not yet open) and after every answer. */
  client._doRequest = () => {
    if (!open || closing) return;
    events.ready(connection);
  };

  client.getRequestBuffer = () => exchange?.request.bytes ?? Buffer.alloc(0);

  client.on('connError', (error) => {
    socketFault = error.code ?? 'socket error';
  });
  // autocannon copies and builds its request list for every client: only the hook is left in it.
  plain.setRequests([
    {
      method: 'POST',
      onResponse: (status, body, _context, headers) => {
        closing = closesConnection(headers);
        end({ status, body });
        // Not from within the parser, which would go on with what is thrown away here.
        if (closing) setImmediate(() => open && client._connect());
      },
    },
  ]);

  const connection: Connection = {
    get exchange() {
      return exchange;
    },
    send(request, dueMs) {
      exchange = { request, dueMs, sentMs: performance.now() };
      doRequest();
    },
    abandon(fault) {
      socketFault = fault;
      client._connect();
    },
    close() {
      done = true;
    },
  };
  return connection;
}
