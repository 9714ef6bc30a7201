import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { deadline } from '../../server/platform/deadline.ts';

export interface RawAnswer {
  readonly status: number;
  /** Every value of each header, by its name in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

export interface RawOptions {
  /** The client's address. */
  readonly localAddress?: string;
  /** Sends through TLS; any certificate will do. */
  readonly tls?: boolean;
}

/** Sends raw bytes and reads one answer: for requests that an HTTP client refuses to send. */
export async function rawRequest(
  port: number,
  bytes: string | Buffer,
  options?: RawOptions,
): Promise<RawAnswer> {
  const answer = parseAnswer(await rawExchange(port, bytes, options));
  if (!answer) throw new Error('the connection was closed before a whole answer');
  return answer;
}

/** Sends raw bytes. Resolves with the bytes received until the answer is complete or the connection closes. */
export async function rawExchange(
  port: number,
  bytes: string | Buffer,
  { localAddress, tls = false }: RawOptions = {},
): Promise<Buffer> {
  const to = { port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) };
  const socket = tls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  let received = Buffer.alloc(0);
  const whole = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (parseAnswer(received)) resolve();
    });
  });
  // A refused upload ends in a reset; the bytes before it count.
  socket.on('error', () => undefined);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  try {
    await deadline(Promise.race([whole, closed]), 10_000, 'an answer, or the end of the connection');
  } finally {
    socket.destroy();
  }
  return received;
}

/** The answer; undefined while it is incomplete. Interim answers (100) are skipped. */
function parseAnswer(received: Buffer): RawAnswer | undefined {
  const text = received.toString('latin1').replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    (headers[line.slice(0, colon).toLowerCase()] ??= []).push(line.slice(colon + 1).trim());
  }
  const rest = text.slice(end + 4);
  const body = headers['transfer-encoding']
    ? unchunked(rest)
    : ofLength(rest, Number(headers['content-length'] ?? 0));
  return body === undefined ? undefined : { status: Number(statusLine.split(' ')[1]), headers, body };
}

const ofLength = (rest: string, length: number): string | undefined =>
  rest.length < length ? undefined : rest.slice(0, length);

function unchunked(rest: string): string | undefined {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (size === 0) return body;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
