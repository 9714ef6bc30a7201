import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';

/** Calls in a closed loop. */
export interface CallOrder {
  /** `grpc` is HTTP/2; `http` is HTTP/1.1, with a call at a time on a connection. */
  readonly protocol: 'grpc' | 'http';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** A JSON file of `CallBody`s, which are sent in turn. */
  readonly bodies: string;
  /** Calls under way at any time. */
  readonly underWay: number;
  /** Kept connections, which take calls in turn. */
  readonly connections: number;
  /** The load ends at whichever comes first. */
  readonly seconds: number;
  readonly calls: number;
}

export interface CallBody {
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body: string;
}

export interface CallOutcome {
  /** Good answers. */
  readonly calls: number;
  readonly seconds: number;
  /** Of the first call that failed, after which the load ends; undefined in a good run. */
  readonly failure: string | undefined;
}

const CALL_MS = 30_000;

/** Headers and bytes of a body. */
interface Prepared {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** Sends a body. Resolves with what was wrong with the answer, or undefined. */
type Call = (body: Prepared) => Promise<string | undefined>;

interface Client {
  readonly call: Call;
  close(): void;
}

function httpClient({ host, port, path, connections }: CallOrder): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const call: Call = ({ headers, bytes }) =>
    new Promise((resolve) => {
      const options = {
        ...{ agent, host, port, path, method: 'POST', timeout: CALL_MS },
        headers: { ...headers, 'content-length': bytes.length },
      };
      const sent = request(options, (answer) => {
        answer.on('end', () =>
          resolve(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`),
        );
        answer.on('error', (error) => resolve(error.message)).resume();
      });
      sent.on('error', (error) => resolve(error.message));
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.end(bytes);
    });
  return { call, close: () => agent.destroy() };
}

function grpcClient({ host, port, path, connections }: CallOrder): Client {
  const sessions = Array.from({ length: connections }, () =>
    // Each call has its own error.
    connect(`http://${host}:${port}`).on('error', () => undefined),
  );
  let at = 0;
  const call: Call = ({ headers, bytes }) =>
    new Promise((resolve) => {
      const session = sessions[at++ % connections] as ClientHttp2Session;
      const stream = session.request({
        ...{ ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc' },
        ...headers,
      });
      let status: unknown;
      let message: unknown;
      const read = (some: Readonly<Record<string, unknown>>): void => {
        status = some['grpc-status'] ?? status;
        message = some['grpc-message'] ?? message;
      };
      stream.on('response', read).on('trailers', read);
      stream.on('error', (error: Error) => resolve(error.message));
      stream.on('close', () =>
        resolve(status === '0' ? undefined : `grpc-status ${String(status)}: ${String(message)}`),
      );
      stream.setTimeout(CALL_MS, () => stream.destroy(new Error('no answer in time')));
      stream.resume();
      stream.end(bytes);
    });
  return { call, close: () => sessions.forEach((session) => session.destroy()) };
}

/** Sends calls until the time or the count is over, or one fails. */
export async function sendCalls(order: CallOrder): Promise<CallOutcome> {
  const bodies = (JSON.parse(readFileSync(order.bodies, 'utf8')) as CallBody[]).map(
    ({ headers, body }): Prepared => ({ headers, bytes: Buffer.from(body, 'base64') }),
  );
  const client = order.protocol === 'grpc' ? grpcClient(order) : httpClient(order);
  const began = performance.now();
  const end = began + order.seconds * 1000;
  let sent = 0;
  let calls = 0;
  let failure: string | undefined;
  const caller = async (): Promise<void> => {
    while (failure === undefined && sent < order.calls && performance.now() < end) {
      const wrong = await client.call(bodies[sent++ % bodies.length] as Prepared);
      if (wrong === undefined) calls++;
      else failure ??= wrong;
    }
  };
  await Promise.all(Array.from({ length: order.underWay }, caller));
  client.close();
  return { calls, seconds: (performance.now() - began) / 1000, failure };
}
