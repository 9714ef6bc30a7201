import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from '../child.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { Failure, Interrupted } from '../../../cli/faults.ts';
import type { Table } from '../rows.ts';

/** Measured by default: the server, the floor, and a server without batching. */
export const OWN_SUBJECTS = ['echo', 'server', 'direct', 'naive'] as const;
/** Other servers on the same model. */
export const PEERS = ['fastapi', 'mlflow'] as const;

export type SubjectName = (typeof OWN_SUBJECTS)[number] | (typeof PEERS)[number];

export const isSubject = (text: string): text is SubjectName =>
  [...OWN_SUBJECTS, ...PEERS].some((name) => name === text);

/** Server processes of each subject, and inference threads of each process. */
export const PROCESSES = 2;
export const THREADS = 1;

const POLL_MS = 5;
const ANSWER_TIMEOUT_MS = 30_000;

/** A running server that is measured. */
export interface Subject {
  readonly name: SubjectName;
  readonly port: number;
  /** Takes a table by POST. */
  readonly path: string;
  /** The processes that were started; their descendants count, too. */
  readonly pids: readonly number[];
  /** The most connections that it is measured with. */
  readonly maxConnections: number;
  toBody(table: Table): string;
  stop(): Promise<void>;
}

/** What a subject answered to a table. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The body that the product takes. */
export const toNativeBody = ({ columns, data }: Table): string => JSON.stringify({ columns, data });

/**
 * Polls a condition until it holds.
 *
 * @param what completes the message "not within … s: "
 * @throws {Failure} when a child ends meanwhile, or after the timeout
 */
export async function until(
  { signal }: Context,
  what: string,
  check: () => boolean | Promise<boolean>,
  children: readonly Child[],
  timeoutMs: number,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  let over = false;
  const checks = async (): Promise<void> => {
    while (!over && !(await check())) {
      if (signal.aborted) throw new Interrupted();
      if (performance.now() > end) {
        const logs = children.map((child) => child.log().trimEnd()).join('\n');
        throw new Failure(`not within ${timeoutMs / 1000} s: ${what}\n${logs}`.trimEnd());
      }
      await delay(POLL_MS);
    }
  };
  try {
    await Promise.race([checks(), ...children.map(({ failed }) => failed)]);
  } finally {
    // A child's end wins the race, and the checks would go on.
    over = true;
  }
}

/** Whether a path of 127.0.0.1 is answered with 200. */
export async function answers(port: number, path: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${LOOPBACK}:${port}${path}`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(1000),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

/**
 * Sends one table.
 *
 * @throws {Failure} for any answer but a 200
 */
export async function ask(
  { name, port, path, toBody }: Pick<Subject, 'name' | 'port' | 'path' | 'toBody'>,
  table: Table,
): Promise<Answer> {
  const response = await fetch(`http://${LOOPBACK}:${port}${path}`, {
    method: 'POST',
    // Not packed, as wrk takes it: the echo repeats the answer with its headers.
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity' },
    body: toBody(table),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }).catch((error: Error) => {
    throw new Failure(`${name} did not answer: ${error.message}`);
  });
  const body = await response.text();
  if (response.status !== 200) {
    throw new Failure(
      `${name} answered ${table.data.length} rows with ${response.status}: ${body.slice(0, 500)}`,
    );
  }
  return { headers: Object.fromEntries(response.headers), body };
}
