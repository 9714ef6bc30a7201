import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createApp } from '../http/app.ts';
import { listen } from '../http/listen.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import { loadAdult } from './adult.ts';
import { appDeps } from './appDeps.ts';
import type { FakeInference } from './fakeInference.ts';
import { createFakeInference } from './fakeInference.ts';
import type { Answer, RequestInit } from './httpClient.ts';
import { createHttpClient } from './httpClient.ts';
import { withTemporaryFolder } from './temporaryFolder.ts';
import { withDeadline } from './withDeadline.ts';

/** An error in the log. */
export interface LoggedError {
  readonly msg: string;
  readonly requestId?: string;
  readonly err?: { readonly message: string };
}

export interface AppUnderTest {
  request(path: string, init?: RequestInit): Promise<Answer>;
  /** POST /predict with a JSON body; a string or bytes are sent as they are. */
  predict(body: unknown, query?: string, headers?: RequestInit['headers']): Promise<Answer>;
  readonly model: Model;
  readonly inference: FakeInference;
  readonly lifecycle: { serving: boolean; draining: boolean };
  /** The exposition text of the app's metrics. */
  metrics(): Promise<string>;
  /** Takes the errors that were logged. A test that leaves one fails. */
  takeErrors(): readonly LoggedError[];
}

/** Read once: nothing changes it. */
const adult = loadAdult();

type Run = (app: AppUnderTest) => Promise<void>;

const toBody = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

/** A fresh app with a fake inference, called in process or over a socket. */
async function runWithApp(overSocket: boolean, run: Run): Promise<void> {
  const errors: LoggedError[] = [];
  const log = pino({ level: 'error' }, { write: (line) => errors.push(JSON.parse(line) as LoggedError) });
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => void unhandled.push(error);
  const registry = new Registry();
  const model = await adult;
  const inference = createFakeInference();
  const lifecycle = { serving: true, draining: false };
  const app = createApp(
    appDeps([model], {
      registry,
      inference,
      lifecycle,
      recorder: createInferenceRecorder(registry, () => inference.queuedRows),
      log,
    }),
  );
  const inProcess = async (
    path: string,
    { method = 'GET', headers = {}, body }: RequestInit = {},
  ): Promise<Answer> => {
    // As bytes: a Request gives a string the content type text/plain.
    const bytes = body === undefined ? undefined : (toBody(body) as Uint8Array<ArrayBuffer>);
    const init = { method, headers: { ...headers }, ...(bytes && { body: bytes }) };
    // Without bindings: there is no socket.
    const response = await app.request(path, init, {});
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const runOn = async (send: typeof inProcess): Promise<void> => {
    const request: typeof inProcess = (path, init) =>
      withDeadline(`the answer to ${init?.method ?? 'GET'} ${path}`, send(path, init));
    await run({
      request,
      predict: (body, query = '', headers = {}) =>
        request(`/predict${query}`, { method: 'POST', headers, body: toBody(body) }),
      model,
      inference,
      lifecycle,
      metrics: () => registry.metrics(),
      takeErrors: () => errors.splice(0),
    });
  };

  process.on('unhandledRejection', onUnhandled);
  try {
    if (!overSocket) await runOn(inProcess);
    else {
      await withTemporaryFolder(async (folder) => {
        const socket = join(folder, 'app.sock');
        const listener = await listen(app, { socket });
        const client = createHttpClient(socket);
        try {
          await runOn(client.request);
        } finally {
          client.close();
          await withDeadline('the end of the listener', listener.close());
        }
      });
    }
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  expect(errors, 'errors that the test did not expect').toEqual([]);
  expect(unhandled, 'unhandled rejections').toEqual([]);
}

/** A test of the app, run in process and over a socket. Fails when it leaves an error in the log. */
export function withApp(title: string, run: Run): void {
  describe(title, () => {
    it('in process', () => runWithApp(false, run));
    it('over a socket', () => runWithApp(true, run));
  });
}

/** As `withApp`, for what only a socket can show. */
export function withAppOnSocket(title: string, run: Run): void {
  it(title, () => runWithApp(true, run));
}
