import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** A load on schedule. */
export interface Order {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** A file of bodies, one a line; connections send them in turn. */
  readonly bodies: string;
  readonly connections: number;
  /** Requests a second; 0 for a closed loop. */
  readonly rate: number;
  readonly seconds: number;
  /** How long answers are waited for after the last request. */
  readonly graceSeconds: number;
}

/** What became of the requests. Times are in milliseconds from when a request was sent. */
export interface Outcome {
  readonly seconds: number;
  readonly sent: number;
  /** Due while every connection waited for an answer, and never sent. */
  readonly unsent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Sent, and not answered. */
  readonly unanswered: number;
  /** Connections that the server closed. */
  readonly closed: number;
  readonly good: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly others: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** A request that is due for longer is dropped. */
const PATIENCE_MS = 100;
const READ_BUFFER = Buffer.allocUnsafe(64 * 1024);
const LENGTH = /\r\ncontent-length: (\d+)/i;

/** Times in steps of 1 ms up to a minute. */
class Times {
  readonly #counts = new Uint32Array(60_000);
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const step = Math.min(this.#counts.length - 1, Math.floor(ms));
    this.#counts[step] = (this.#counts[step] as number) + 1;
    this.#total++;
    this.#max = Math.max(this.#max, ms);
  }

  #percentile(share: number): number {
    let left = this.#total * share;
    const found = this.#counts.findIndex((count) => (left -= count) <= 0);
    return Math.max(0, found);
  }

  summary(): Outcome['good'] {
    return { p50: this.#percentile(0.5), p99: this.#percentile(0.99), max: this.#max };
  }
}

/** Reads answers as they come; a body may be in many pieces. */
class Client {
  readonly #socket: Socket;
  readonly #request: () => string | Buffer;
  readonly #ended: (client: Client, status: string, ms: number) => void;
  #sentAt = 0;
  #status = '';
  /** The beginning of an answer's head that has arrived without its end. */
  #head = '';
  /** Bytes of the body that are still to come; -1 before the end of the head. */
  #left = -1;
  busy = false;

  constructor(
    { host, port }: Order,
    request: () => string | Buffer,
    on: {
      ready(client: Client): void;
      ended(client: Client, status: string, ms: number): void;
      closed(client: Client): void;
    },
  ) {
    this.#request = request;
    this.#ended = on.ended;
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      // One buffer for all: what is read is looked at in the same turn.
      onread: {
        buffer: READ_BUFFER,
        callback: (bytes) => {
          this.#read(bytes);
          return true;
        },
      },
    });
    this.#socket.on('connect', () => on.ready(this)).on('error', () => undefined);
    this.#socket.on('close', () => on.closed(this));
  }

  send(): void {
    this.busy = true;
    this.#sentAt = performance.now();
    this.#socket.write(this.#request());
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(bytes: number): void {
    if (this.#left < 0) {
      const text = this.#head + READ_BUFFER.toString('latin1', 0, bytes);
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#head = text;
        return;
      }
      this.#head = '';
      this.#status = text.slice(9, 12);
      const length = LENGTH.exec(text)?.[1];
      if (length === undefined) throw new Error(`an answer without a length: ${text.slice(0, end)}`);
      this.#left = Number(length) - (text.length - end - 4);
    } else this.#left -= bytes;
    if (this.#left > 0) return;
    this.#left = -1;
    this.busy = false;
    this.#ended(this, this.#status, performance.now() - this.#sentAt);
  }
}

/**
 * Sends requests on schedule, whatever the answers do. wrk has only a closed loop, in which a slow server is asked less, and
 * its answers' times are those of refusals too.
 */
export function sendCrowd(order: Order): Promise<Outcome> {
  const { rate, seconds } = order;
  const head = `POST ${order.path} HTTP/1.1\r\nhost: ${order.host}\r\ncontent-type: application/json\r\n`;
  const requests = readFileSync(order.bodies, 'utf8')
    .split('\n')
    .filter((body) => body !== '')
    .map((body) => Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
  let at = 0;
  const request = (): Buffer => requests[at++ % requests.length] as Buffer;
  const [good, others] = [new Times(), new Times()];
  const byStatus: Record<string, number> = {};
  let [sent, unsent, closed, due] = [0, 0, 0, 0];
  const free: Client[] = [];
  const clients = new Set<Client>();
  let began = Infinity;
  const isOver = (): boolean => performance.now() - began >= seconds * 1000;
  const send = (client: Client): void => {
    sent++;
    client.send();
  };
  const goOn = (client: Client): void => {
    if (rate === 0 && began !== Infinity && !isOver()) send(client);
    else free.push(client);
  };
  const open = (): void => {
    clients.add(
      new Client(order, request, {
        ready: goOn,
        ended: (client, status, ms) => {
          byStatus[status] = (byStatus[status] ?? 0) + 1;
          (status === '200' ? good : others).add(ms);
          goOn(client);
        },
        closed: (client) => {
          if (!clients.delete(client)) return;
          closed++;
          const index = free.indexOf(client);
          if (index >= 0) free.splice(index, 1);
          open();
        },
      }),
    );
  };
  for (let count = 0; count < order.connections; count++) open();
  return new Promise((resolve) => {
    const finish = (): void => {
      const elapsed = Math.min(performance.now() - began, seconds * 1000) / 1000;
      const answered = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
      const outcome = { seconds: elapsed, sent, unsent, byStatus, unanswered: sent - answered, closed };
      for (const client of clients) {
        clients.delete(client);
        client.end();
      }
      resolve({ ...outcome, good: good.summary(), others: others.summary() });
    };
    const tick = (): void => {
      const now = performance.now();
      if (began === Infinity) {
        if (free.length < order.connections) return void setTimeout(tick, 1);
        began = now;
        if (rate === 0) for (const client of free.splice(0)) send(client);
      }
      const elapsed = Math.min(now - began, seconds * 1000);
      for (const target = (elapsed / 1000) * rate; due < target && free.length > 0; due++)
        send(free.shift() as Client);
      const late = Math.floor(((elapsed - PATIENCE_MS) / 1000) * rate) - due;
      if (late > 0) {
        unsent += late;
        due += late;
      }
      const answered = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
      const graceIsOver = now - began > (seconds + order.graceSeconds) * 1000;
      if (isOver() && (answered === sent || graceIsOver)) finish();
      // Without a pause: a timer is a millisecond late, which makes bursts.
      else setImmediate(tick);
    };
    tick();
  });
}
