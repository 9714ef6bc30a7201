import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createAuthorizer } from '../http/middleware/authorize.ts';
import { createGate } from '../access/gate.ts';
import { needsKeys } from '../access/keys.ts';
import { createApp } from '../http/app.ts';
import { createInline } from '../inference/inline.ts';
import { createQueue } from '../inference/queue.ts';
import type { Config } from '../settings/settings.ts';
import { createInFlightNotes } from '../platform/inFlightNotes.ts';
import type { Address, Listener } from '../http/listen.ts';
import { listen } from '../http/listen.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import type { ServedSet } from '../rollout/messages.ts';
import { createHttpRecorder } from '../metrics/http.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import { createLoadView } from './loadView.ts';
import { createRegistry } from '../metrics/registry.ts';
import { takeSnapshot } from '../metrics/snapshot.ts';
import type { Contents, LiveCatalogue } from '../model/catalogue.ts';
import { createLiveCatalogue } from '../model/catalogue.ts';
import type { Candidate } from '../repository/listing.ts';
import { byNameAndVersion, keyOf } from '../repository/listing.ts';
import { fingerprintOf } from '../repository/folder.ts';
import { createLoader } from '../loading/loader.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { unavailableModel } from './unavailableModel.ts';
import { createObservers } from '../observers/observers.ts';
import { createPool } from '../inference/pool.ts';
import { readVersion } from '../platform/install.ts';
import { createSelfTest } from './selfTest.ts';
import { createQuestions } from './askPrimary.ts';
import { shutdown } from './shutdown.ts';
import { watchHungThreads } from '../inference/hungThread.ts';
import { openTracing } from '../tracing/openTracing.ts';
import { tracingOptions } from '../tracing/options.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { readAssets } from '../web/assets.ts';

/** Time that every thread has to open and verify one model. */
const OPEN_TIMEOUT_MS = 60_000;

/** A right answer to a golden row counts for so long beyond the deadline: two more are due until then. */
const PROOF_MS = 3000;

/** Time that the last step of a shutdown, ending idle threads, may take. */
const CLOSE_POOL_MS = 1000;

export interface ReplicaOptions {
  readonly config: Config;
  readonly address: Address;
  /** The server's private folder. */
  readonly runtime: string;
  /** The thread's entry. */
  readonly entry: URL;
  readonly log: Logger;
  /** Resolves once the message is on its way. */
  readonly tell: (message: FromProcess) => Promise<void>;
  /** Ends this process. */
  readonly exit: (code: number) => void;
  /** Ends this process at once, when a thread that can't be stopped stands in the way of an orderly end. */
  readonly kill: () => void;
}

/** One of the server's processes: HTTP in front, threads behind, and what the primary may ask of it. */
export interface Replica {
  receive(message: ToProcess): void;
  drain(): Promise<void>;
}

/**
 * Starts a server process. The primary tells it which versions to open; once it is told what to serve it listens, and
 * says that it is ready.
 */
export function startReplica(options: ReplicaOptions): Replica {
  const { config, address, runtime, entry, log, tell, exit, kill } = options;
  /** What the primary says: all processes have been ready, and the server isn't ending. */
  let admitted = false;
  const lifecycle = {
    get serving() {
      return admitted && selfTest.passes;
    },
    draining: false,
  };
  let listener: Listener | undefined = undefined;

  /** A thread can't be got back: answer what can be answered, then make room for a fresh process. */
  const giveUp = async (reason: string): Promise<void> => {
    if (lifecycle.draining) return;
    lifecycle.draining = true;
    log.error({ reason }, 'ending this process to be replaced');
    await shutdown([{ name: 'answer', deadlineMs: config.DEADLINE_MS, run: () => listener?.close() }], log);
    kill();
  };
  const pool = createPool({
    threads: config.INFERENCE_THREADS,
    entry,
    openTimeoutMs: OPEN_TIMEOUT_MS,
    onLost: (reason) => void giveUp(reason),
    onReplaced: (thread, reason) =>
      log.error({ thread, reason, requestIds: working.get(thread) }, 'a thread died and is being replaced'),
  });
  const registry = createRegistry('server');
  const gate = createGate();
  const http = createHttpRecorder(registry);
  const recorder = createInferenceRecorder(registry, () => inference.queuedRows);
  const notes = createInFlightNotes(runtime, process.pid);
  /** By thread: the requests that it works on. */
  const working = new Map<number, readonly string[]>();
  const queue = createQueue({
    pool,
    deadlineMs: config.DEADLINE_MS,
    maxQueuedRows: config.MAX_QUEUED_ROWS,
    recorder: {
      batch: recorder.batch,
      queued: recorder.queued,
      running: (thread, requestIds) => {
        working.set(thread, requestIds);
        notes.note(thread, requestIds);
      },
      fault: ({ id }, { code, detail }, requestIds) =>
        log.warn({ model: id, code, detail, requestIds }, 'a batch failed'),
    },
  });
  const inference = createInline(queue, recorder);
  const selfTest = createSelfTest({
    inline: inference,
    queue,
    freshMs: config.DEADLINE_MS + PROOF_MS,
    onWrong: ({ id }, reason, before) => {
      // One that never did would do no better in another process.
      if (before) void giveUp(`model ${id}: ${reason}`);
      else log.error({ model: id, reason }, 'a model fails its proof: this process is not ready');
    },
  });
  const loader = createLoader({
    pool,
    inline: inference,
    recorder,
    compile: config.ENGINE === 'auto',
  });
  const questions = createQuestions(tell);
  const observers = createObservers({
    config,
    registry,
    entry,
    openTimeoutMs: OPEN_TIMEOUT_MS,
    busy: () => inference.queuedRows > 0 || pool.idle().length < pool.lanes.length,
    log,
    send: tell,
  });
  const stopWatching = watchHungThreads(pool, 2 * config.DEADLINE_MS, (thread) => {
    void giveUp(`thread ${thread} has not answered for ${2 * config.DEADLINE_MS} ms`);
  });
  const load = createLoadView(tell);

  /** By key: all that is open, whether it is served yet or not. */
  const models = new Map<string, Model>();
  let tracing: Tracing | undefined;
  let catalogue: LiveCatalogue | undefined;

  const openVersion = async (candidate: Candidate, trusted: boolean): Promise<void> => {
    const key = keyOf(candidate);
    try {
      const content = await fingerprintOf(candidate.folder);
      const { model, seconds } = await loader.open(candidate, { beside: catalogue !== undefined, trusted });
      log.info({ model: model.id, seconds, ...model.engine }, 'model opened');
      models.set(key, model);
      await tell({ type: 'opened', key, path: model.engine.path, content });
    } catch (error) {
      if (!(error instanceof ModelRefused)) throw error;
      await tell({ type: 'opened', key, refusal: error.reason });
    }
  };

  const contentsOf = ({ defaultModel, open, served, versions }: ServedSet): Contents => {
    const find = (key: string): Model => models.get(key) as Model;
    const answering = served.map(find);
    return {
      defaultModel: answering.find(({ name }) => name === defaultModel) ?? unavailableModel(defaultModel),
      models: open.map(find).sort(byNameAndVersion),
      served: answering,
      versions,
    };
  };
  const begin = async (contents: Contents): Promise<void> => {
    catalogue = createLiveCatalogue(contents);
    tracing = await openTracing(tracingOptions(config, readVersion(), process.pid), registry, log);
    const app = createApp({
      config,
      runtime,
      catalogue,
      inference,
      lifecycle,
      http,
      recorder,
      load: load.read,
      assets: readAssets(fileURLToPath(new URL('../web', import.meta.url))),
      log,
      authorize: needsKeys(config) ? createAuthorizer(gate, registry, config.AIP_HEALTH_ROUTE) : undefined,
      onAnswered: observers.observe,
      askSums: questions.sums,
      tracing,
      ...(config.DRIFT_WINDOW_MS > 0 ? { askDrift: questions.drift } : {}),
    });
    listener = await listen(app, address);
    // Not awaited: the answer must find our caller listening already.
    void tell({ type: 'ready' });
  };
  /** Closes what isn't served any more, once the requests that have it are answered. */
  const retire = async (keys: readonly string[]): Promise<void> => {
    const leaving = keys.flatMap((key) => models.get(key) ?? []);
    for (const key of keys) models.delete(key);
    await listener?.answered();
    for (const model of leaving) {
      if (lifecycle.draining) return;
      await loader.close(model);
      log.info({ model: model.id }, 'model closed');
    }
  };
  /** The last one that it was told. */
  let newest: ServedSet | undefined;
  const serve = async (set: ServedSet): Promise<void> => {
    newest = set;
    const contents = contentsOf(set);
    if (catalogue) catalogue.replace(contents);
    else await begin(contents);
    void tell({ type: 'swapped', number: set.number });
    // Told while the first one began: that one is in force, and what only this one has may be closed.
    if (newest !== set) return;
    selfTest.follow(contents.served);
    observers.follow(contents);
    await retire([...models.keys()].filter((key) => !set.open.includes(key)));
  };

  const sendMetrics = async (prefix: string): Promise<void> =>
    tell({ type: 'metrics', prefix, metrics: await takeSnapshot(registry, prefix) });

  const drain = async (): Promise<void> => {
    if (lifecycle.draining) return;
    lifecycle.draining = true;
    stopWatching();
    selfTest.close();
    const clean = await shutdown(
      [
        { name: 'finish requests', deadlineMs: config.DEADLINE_MS + 500, run: () => listener?.close() },
        {
          name: 'close observers',
          deadlineMs: CLOSE_POOL_MS,
          run: async () => void (await Promise.all([observers.close(), tracing?.close()])),
        },
        { name: 'close threads', deadlineMs: CLOSE_POOL_MS, run: () => inference.close() },
      ],
      log,
    );
    notes.close();
    // The last counts, or what was counted since the last scrape would be lost.
    await sendMetrics('');
    // A thread that still runs a model must not be ended from within: that aborts the process, and looks like a crash.
    if (clean) exit(0);
    else kill();
  };
  return {
    drain,
    receive: (message) => {
      if (message.type === 'ping')
        void tell({ type: 'pong', ready: lifecycle.serving && !lifecycle.draining });
      else if (message.type === 'serving') admitted = true;
      else if (message.type === 'lame') admitted = false;
      else if (message.type === 'drain') void drain();
      else if (message.type === 'count') void tell({ type: 'counts', counts: http.latencies() });
      else if (message.type === 'load') load.receive(message.load);
      else if (message.type === 'open') void openVersion(message.candidate, message.trusted);
      else if (message.type === 'serve') void serve(message.set);
      else if (message.type === 'versions') catalogue?.describe(message.versions);
      else if (message.type === 'keys') gate.replace(message.keys);
      else if (message.type === 'sums' || message.type === 'drift') questions.receive(message);
      else void sendMetrics(message.prefix);
    },
  };
}
