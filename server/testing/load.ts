import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { eventually, withDeadline } from './withDeadline.ts';
import type { AdultRow } from './adultRows.ts';
import { answerOf, bodyOf } from './adultRows.ts';

/** How the answers of a part of a load came. */
export interface Lap {
  /** Right answers. */
  readonly right: number;
  readonly p99Ms: number;
  /** The longest time between two right answers. */
  readonly longestGapMs: number;
}

/** A request and its only right answer, for any version or by the id in `x-model`. */
export interface Case {
  readonly body: string;
  readonly answer: string | Readonly<Record<string, string>>;
}

export interface LoadOptions {
  readonly port: number;
  /** Clients; each has one request under way at any time. */
  readonly connections: number;
  /** The requests, taken in turn. */
  readonly cases: readonly Case[];
  /** The load ends after this many requests in total; without it, at `stop`. */
  readonly requests?: number;
  /** The load ends after this time in any case. */
  readonly maxMs?: number;
  /** A refused connection ends its client without a failure: the server is being stopped. */
  readonly untilRefused?: boolean;
  /** Prefix of each request's id, to find the requests of this load in the log. */
  readonly idPrefix?: string;
}

export interface LoadReport {
  /** Answers with status 200 and the right body. */
  readonly right: number;
  /** Right answers by version, where the cases distinguish versions. */
  readonly byModel: Readonly<Record<string, number>>;
  /** Answers with status 200 and another body, another x-request-id, or more than one. */
  readonly wrong: readonly string[];
  /** All other answers, as `ID: STATUS CODE`. A list: `toMatchObject` takes an empty object for any object. */
  readonly errors: readonly string[];
  /** Requests that got no answer, with the reason. */
  readonly failures: readonly string[];
  /** Requests on an idle connection that the server closed at that moment; sent once more, as RFC 9110 9.2.2 has it. */
  readonly resent: number;
  /** Clients that ended because the server takes no more connections. */
  readonly refused: number;
  readonly seconds: number;
  /** The longest time between two right answers. */
  readonly longestGapMs: number;
}

export interface Load {
  /** Right answers so far. */
  readonly right: number;
  /** All other answers so far, and requests that got none. */
  readonly failed: number;
  /** Waits for this many more right answers. */
  more(count: number, ms?: number): Promise<void>;
  /** Begins a part of the load. @returns the part that ends */
  lap(): Lap;
  /** Lets requests under way finish, then reports. */
  stop(): Promise<LoadReport>;
  /** The report, once all requests are answered. */
  readonly done: Promise<LoadReport>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly ids: readonly string[];
  readonly model: string;
}

type Failed = NodeJS.ErrnoException & { readonly reused: boolean; readonly answering: boolean };

const ANSWER_MS = 20_000;

/** Sends one request. Rejects with the error, and whether the answer had begun. */
function send(agent: Agent, port: number, body: string, id: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answering = false;
    const sent = request({
      agent,
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/predict',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-request-id': id,
      },
    });
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(Object.assign(error, { reused: sent.reusedSocket, answering }));
    sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    sent.on('error', failed);
    sent.on('response', (response: IncomingMessage) => {
      answering = true;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          ids: response.headersDistinct['x-request-id'] ?? [],
          model: String(response.headers['x-model']),
        }),
      );
    });
    sent.end(body);
  });
}

const isReset = ({ code }: NodeJS.ErrnoException): boolean => code === 'ECONNRESET' || code === 'EPIPE';

/** Sends requests in a closed loop over kept connections, and checks every answer. */
export function startLoad(options: LoadOptions): Load {
  const { port, connections, cases, requests = Infinity, maxMs = 60_000, untilRefused = false } = options;
  const { idPrefix = 'load' } = options;
  const start = performance.now();
  const wrong: string[] = [];
  const failures: string[] = [];
  const errors: string[] = [];
  const byModel: Record<string, number> = {};
  let right = 0;
  let resent = 0;
  let refused = 0;
  let sent = 0;
  let stopped = false;
  let lastRight = start;
  let longestGapMs = 0;
  /** Milliseconds of each right answer of the lap; none are kept before the first. */
  let lap: { readonly took: number[]; longestGapMs: number } | undefined;

  const check = (
    { status, body, ids, model }: Answer,
    answer: Case['answer'],
    id: string,
    began: number,
  ): void => {
    const versions = typeof answer !== 'string';
    const expected = versions ? answer[model] : answer;
    if (status !== 200)
      errors.push(`${id}: ${status} ${/"code":"(\w+)"/.exec(body)?.[1] ?? body.slice(0, 200)}`);
    else if (body !== expected) wrong.push(`${id}: ${body.slice(0, 200)}`);
    else if (ids.length !== 1 || ids[0] !== id) wrong.push(`${id}: came back as ${ids.join(' and ')}`);
    else {
      right++;
      if (versions) byModel[model] = (byModel[model] ?? 0) + 1;
      const now = performance.now();
      longestGapMs = Math.max(longestGapMs, now - lastRight);
      if (lap) {
        lap.longestGapMs = Math.max(lap.longestGapMs, now - lastRight);
        lap.took.push(now - began);
      }
      lastRight = now;
    }
  };

  /** @returns whether the client may go on */
  const once = async (agent: Agent, { body, answer }: Case, id: string): Promise<boolean> => {
    for (let tries = 1; ; tries++) {
      try {
        const began = performance.now();
        check(await send(agent, port, body, id), answer, id, began);
        return true;
      } catch (error) {
        const failure = error as Failed;
        if (tries === 1 && failure.reused && !failure.answering && isReset(failure)) {
          resent++;
          continue;
        }
        if (untilRefused && !failure.reused && !failure.answering) {
          if (failure.code === 'ECONNREFUSED' || isReset(failure)) {
            refused++;
            return false;
          }
        }
        failures.push(`${id}: ${failure.code ?? ''} ${failure.message}`);
        return true;
      }
    }
  };

  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      while (!stopped && sent < requests && performance.now() - start < maxMs && failures.length < 100) {
        const number = sent++;
        if (!(await once(agent, cases[number % cases.length] as Case, `${idPrefix}-${number}`))) return;
      }
    } finally {
      agent.destroy();
    }
  };

  const done = Promise.all(Array.from({ length: connections }, client)).then((): LoadReport => ({
    right,
    byModel,
    wrong,
    errors,
    failures,
    resent,
    refused,
    seconds: (performance.now() - start) / 1000,
    longestGapMs,
  }));
  return {
    get right() {
      return right;
    },
    get failed() {
      return wrong.length + errors.length + failures.length;
    },
    more: async (count, ms = 10_000) => {
      const target = right + count;
      await eventually(`${count} more right answers`, () => right >= target, ms);
    },
    lap: () => {
      const took = Float64Array.from(lap?.took ?? []).sort();
      const ended = {
        right: took.length,
        p99Ms: took[Math.floor(took.length * 0.99)] ?? 0,
        longestGapMs: lap?.longestGapMs ?? 0,
      };
      lap = { took: [], longestGapMs: 0 };
      return ended;
    },
    stop: () => {
      stopped = true;
      return withDeadline('the end of the load', done, ANSWER_MS + 5000);
    },
    done: withDeadline('the end of the load', done, maxMs + ANSWER_MS + 5000),
  };
}

/** The expected report of a load without any loss. */
export const LOST_NOTHING = { wrong: [], errors: [], failures: [] } as const;

/** Requests of one row each. */
export const singles = (rows: readonly AdultRow[]): Case[] =>
  rows.map((row) => ({ body: bodyOf([row]), answer: answerOf([row]) }));

/** One request of many rows. */
export const together = (rows: readonly AdultRow[]): Case => ({ body: bodyOf(rows), answer: answerOf(rows) });

/** A request with an incomplete body: the server works on it until the test completes it. */
export interface HeldRequest {
  /** Sends the rest, and returns the status and the body of the answer. */
  finish(): Promise<readonly [status: number, body: string]>;
}

/** Sends the beginning of a request, on a connection of its own. */
export function holdRequest(port: number, { body }: Case): HeldRequest {
  const half = Math.floor(body.length / 2);
  const sent = request({
    agent: false,
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/predict',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  const answer = new Promise<readonly [number, string]>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
  });
  // It may fail before it is awaited.
  answer.catch(() => undefined);
  sent.write(body.slice(0, half));
  return {
    finish: () => {
      sent.end(body.slice(half));
      return withDeadline('the answer to a held request', answer, ANSWER_MS);
    },
  };
}
