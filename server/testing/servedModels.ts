import { pino } from 'pino';
import { createApp } from '../http/app.ts';
import { createInline } from '../inference/inline.ts';
import type { QueueRecorder } from '../inference/queue.ts';
import { createQueue } from '../inference/queue.ts';
import { createLoader } from '../loading/loader.ts';
import { createLoadingThread } from '../loading/loadingThread.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import { createRegistry } from '../metrics/registry.ts';
import type { Model } from '../model/model.ts';
import { createCatalogue } from '../model/catalogue.ts';
import type { OnAnswered } from '../prediction/onAnswered.ts';
import { listFolder } from '../repository/folder.ts';
import { APP_CONFIG, appDeps } from './appDeps.ts';
import { builtThread } from './builtThread.ts';
import { createStrictPool } from './strictPool.ts';
import { withTemporaryFolder } from './temporaryFolder.ts';
import { putVersion } from './tinyRepository.ts';

/** Files of a version, by name. */
export type VersionFiles = Readonly<Record<string, string | Uint8Array>>;

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** An app whose models are opened as a server process opens them, in real threads. */
export interface Served {
  readonly models: readonly Model[];
  model(name: string): Model;
  get(path: string): Promise<Reply>;
  /** A text is sent as it is, anything else as JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  metrics(): Promise<string>;
  /** Batches that failed as a whole. */
  readonly faults: readonly string[];
  /** Messages of errors in the log. */
  readonly errors: readonly string[];
}

export interface ServedOptions {
  readonly threads?: number;
  readonly deadlineMs?: number;
  /** Opened on trust, as by a process that leaves the comparison to another one. */
  readonly trusted?: boolean;
  readonly onAnswered?: readonly OnAnswered[];
}

/** Opens version 1 of each model, by name, and serves them. @throws {ModelRefused} */
export function withServed(
  files: Readonly<Record<string, VersionFiles>>,
  run: (served: Served) => Promise<void>,
  { threads = 1, deadlineMs = 20_000, trusted = false, onAnswered = [] }: ServedOptions = {},
): Promise<void> {
  return withTemporaryFolder(async (folder) => {
    for (const [name, version] of Object.entries(files)) putVersion(folder, `${name}/1`, version);
    const thread = createLoadingThread({ entry: builtThread('server/loading/thread'), timeoutMs: 20_000 });
    const pool = createStrictPool(threads, 20_000);
    const registry = createRegistry('server');
    const recorder = createInferenceRecorder(registry, () => 0);
    const faults: string[] = [];
    const errors: string[] = [];
    const fault: QueueRecorder['fault'] = (_, { detail }) => void faults.push(detail);
    const { batch, queued } = recorder;
    const queue = createQueue({
      pool,
      deadlineMs,
      maxQueuedRows: 200_000,
      recorder: { batch, queued, running: () => {}, fault },
    });
    const inline = createInline(queue, recorder);
    try {
      const loader = createLoader({
        thread,
        pool,
        inline,
        recorder,
        compile: true,
        maxModelBytes: 2 ** 30,
      });
      const { candidates } = await listFolder(folder);
      const models: Model[] = [];
      for (const candidate of candidates)
        models.push((await loader.open(candidate, { beside: false, trusted })).model);
      const [first, ...others] = models as [Model, ...Model[]];
      const log = pino({ level: 'error' }, { write: (line) => errors.push(line) });
      const app = createApp(
        appDeps([first, ...others], {
          registry,
          config: { ...APP_CONFIG, DEADLINE_MS: deadlineMs, MAX_BODY_BYTES: 2 ** 24 },
          catalogue: createCatalogue(models, first),
          inference: inline,
          recorder,
          onAnswered,
          log,
        }),
      );
      const ask = async (path: string, init: RequestInit): Promise<Reply> => {
        const response = await app.request(path, init, {});
        return { status: response.status, text: await response.text(), headers: response.headers };
      };
      await run({
        models,
        model: (name) => models.find((model) => model.name === name) as Model,
        get: (path) => ask(path, {}),
        post: (path, body, headers = {}) =>
          ask(path, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers },
            body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
          }),
        metrics: () => registry.metrics(),
        faults,
        errors,
      });
    } finally {
      await Promise.all([queue.close(), thread.close()]);
    }
  });
}
