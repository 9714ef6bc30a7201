import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a fake server process treats a request whose body has arrived. */
export type Behaviour = (answer: ServerResponse, request: Received) => void;

/** Answers 200, echoing the request id as the app does. */
export const answers: Behaviour = (answer, { headers }) => {
  answer.setHeader('x-request-id', headers['x-request-id'] ?? '');
  answer.end('{"predictions":[]}');
};

/** Drops the connection during the request, and lives on. */
export const hangsUp: Behaviour = (answer) => void answer.socket?.destroy();

/** Never answers. */
export const hangs: Behaviour = () => undefined;

export interface Upstream {
  /** The requests so far, in order. */
  readonly received: Received[];
  /** Its behaviour from now on. */
  behaviour: Behaviour;
  /** Number of accepted connections so far. */
  readonly connections: () => number;
  /** Closes idle connections, as a process with a short keep-alive does. */
  readonly closeIdle: () => void;
  /** Its next request kills it. */
  readonly dieOfNext: () => void;
  /** Closes everything at once, as a killed process does. */
  readonly stop: () => Promise<void>;
  /** Listens again after `stop`. */
  readonly restart: () => Promise<void>;
}

/** A fake server process: a tiny HTTP server on a unix socket. */
export async function startUpstream(socket: string, behaviour: Behaviour = answers): Promise<Upstream> {
  let connections = 0;
  const received: Received[] = [];
  const server = createServer({ keepAliveTimeout: 75_000, maxHeaderSize: 128 * 1024 });
  const upstream: Upstream = {
    received,
    behaviour,
    connections: () => connections,
    closeIdle: () => server.closeIdleConnections(),
    dieOfNext: () => {
      upstream.behaviour = () => void upstream.stop();
    },
    stop: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    restart: async () => {
      server.listen(socket);
      await once(server, 'listening');
      // nginx's workers may run as another user.
      await chmod(socket, 0o777);
    },
  };
  server.on('connection', () => (connections += 1));
  server.on('request', (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const arrived = { method, url, headers, body: Buffer.concat(chunks).toString('latin1') };
      received.push(arrived);
      upstream.behaviour(answer, arrived);
    });
  });
  await upstream.restart();
  return upstream;
}
