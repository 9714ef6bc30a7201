import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createGate } from '../access/gate.ts';
import type { AppDeps } from '../http/app.ts';
import { createApp } from '../http/app.ts';
import { listen } from '../http/listen.ts';
import { createAuthorizer } from '../http/middleware/authorize.ts';
import type { Inference } from '../inference/port.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import { loadAdult } from './adult.ts';
import { appDeps } from './appDeps.ts';
import { createFakeInference } from './fakeInference.ts';
import { openRaw } from './rawExchange.ts';
import { withTemporaryFolder } from './temporaryFolder.ts';
import { withDeadline } from './withDeadline.ts';

/** The key that the lanes accept, where they need one. */
export const KEY = 'k'.repeat(32);

const adult = loadAdult();

export interface Lane {
  readonly socket: string;
  /** The requests that the app answered. */
  readonly passedOn: string[];
  readonly inference: ReturnType<typeof createFakeInference>;
  readonly errors: readonly string[];
  readonly close: () => Promise<void>;
  metrics(): Promise<string>;
}

export interface Changes extends Partial<Pick<AppDeps, 'config' | 'onAnswered'>> {
  readonly models?: readonly [Model, ...Model[]];
  readonly behaviour?: Inference['predict'];
  /** Whether its queue is late: always, or when it is first asked. */
  readonly late?: boolean | 'once';
  readonly keys?: boolean;
}

/** Listens with the express lane, or without it. */
async function startLane(socket: string, express: boolean, changes: Changes): Promise<Lane> {
  const { models, behaviour, late = false, keys = false, ...others } = changes;
  const registry = new Registry();
  const inference = createFakeInference();
  if (behaviour) inference.behaviour = behaviour;
  let asked = 0;
  Object.defineProperty(inference, 'late', {
    get: () => late === true || (late === 'once' && asked++ === 0),
  });
  const gate = createGate();
  gate.replace([{ client: 'shop', digest: createHash('sha256').update(KEY).digest('hex') }]);
  const errors: string[] = [];
  const app = createApp(
    appDeps(models ?? [await adult], {
      registry,
      inference,
      recorder: createInferenceRecorder(registry, () => 0),
      log: pino(
        { level: 'error' },
        { write: (line) => errors.push((JSON.parse(line) as Error & { msg: string }).msg) },
      ),
      authorize: keys ? createAuthorizer(gate, registry, undefined) : undefined,
      ...others,
    }),
  );
  const passedOn: string[] = [];
  const { expressLane } = app;
  const listener = await listen(
    Object.assign(app, {
      expressLane:
        express && expressLane
          ? (...[ofApp]: Parameters<typeof expressLane>) =>
              expressLane((incoming, outgoing) => {
                passedOn.push(incoming.url ?? '');
                ofApp(incoming, outgoing);
              })
          : undefined,
    }),
    { socket },
  );
  return {
    socket,
    passedOn,
    inference,
    errors,
    metrics: () => registry.metrics(),
    close: () => withDeadline('the end of the listener', listener.close()),
  };
}

/** Runs with the same app behind the express lane, and alone. */
export function withLanes(
  changes: Changes,
  run: (express: Lane, long: Lane) => Promise<void>,
): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    const express = await startLane(join(folder, 'express.sock'), true, changes);
    const long = await startLane(join(folder, 'long.sock'), false, changes);
    try {
      await run(express, long);
    } finally {
      await Promise.all([express.close(), long.close()]);
    }
  });
}

export interface Request {
  readonly method?: string;
  readonly path?: string;
  /** A header that is undefined is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

export function toBytes({ method = 'POST', path = '/predict', headers = {}, body }: Request): string {
  const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
  const all = {
    host: 'localhost',
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'x-request-id': 'the-id',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`;
}

/** What was answered, without what differs from run to run. */
export function withoutTimes(answer: string): { readonly head: readonly string[]; readonly body: string } {
  const at = answer.indexOf('\r\n\r\n');
  const [status = '', ...lines] = answer.slice(0, at).split('\r\n');
  const head = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]*): (.*)$/.exec(line) ?? [];
    const same = name.toLowerCase() === 'date' ? 'now' : value.replaceAll(/dur=\d+\.\d{3}/g, 'dur=');
    return `${name.toLowerCase()}: ${same}`;
  });
  // The order of headers of different names has no meaning.
  return { head: [status, ...head.sort()], body: answer.slice(at + 4) };
}

/** Counters without times: what both lanes have to count alike. */
export const counts = (metrics: string): string[] =>
  metrics
    .split('\n')
    .filter((line) => /^[a-z_]+(\{.*\})? \d+$/.test(line) && !/seconds_(bucket|sum)/.test(line));

export async function exchange({ socket }: Lane, request: Request): Promise<ReturnType<typeof withoutTimes>> {
  const connection = await openRaw(socket);
  connection.write(toBytes(request));
  return withoutTimes(await connection.closed());
}
