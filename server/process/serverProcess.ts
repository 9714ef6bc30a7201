import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createGate } from '../access/gate.ts';
import { needsKeys } from '../access/keys.ts';
import { createApp } from '../http/app.ts';
import type { Address, Listener } from '../http/listen.ts';
import { listen } from '../http/listen.ts';
import { createAuthorizer } from '../http/middleware/authorize.ts';
import type { Loader } from '../loading/loader.ts';
import { createLoader } from '../loading/loader.ts';
import type { LoadingThread } from '../loading/loadingThread.ts';
import { createLoadingThread } from '../loading/loadingThread.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import { createHttpRecorder } from '../metrics/http.ts';
import { createRegistry } from '../metrics/registry.ts';
import { takeSnapshot } from '../metrics/snapshot.ts';
import type { Model } from '../model/model.ts';
import type { LiveCatalogue } from '../model/catalogue.ts';
import { createObservers } from '../observers/observers.ts';
import { onBeat } from '../platform/beat.ts';
import { softwareVersion } from '../platform/install.ts';
import type { Config } from '../settings/settings.ts';
import { openTracing } from '../tracing/openTracing.ts';
import { tracingOptions } from '../tracing/options.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { readAssets } from '../web/assets.ts';
import { createAskPrimary } from './askPrimary.ts';
import { createLifecycle } from './lifecycle.ts';
import { createLoadView } from './loadView.ts';
import { createSelfTest } from './selfTest.ts';
import type { ProcessInference } from './startInference.ts';
import { startInference } from './startInference.ts';
import { createVersions } from './versions.ts';

/** Time that every thread has to open and verify one model. */
const OPEN_TIMEOUT_MS = 60_000;

/** Time to read and compile one version. It holds up nothing, and others come first on a busy machine. */
const LOAD_TIMEOUT_MS = 600_000;

/** Time that a question of the self-test has for a right answer beyond the deadline: it is asked again until then. */
const SELF_TEST_GRACE_MS = 3000;

/** Time that each of the last steps of a shutdown may take, such as ending idle threads. */
const CLOSE_MS = 1000;

export interface ServerProcessOptions {
  readonly config: Config;
  readonly address: Address;
  /** The server's runtime folder. */
  readonly runtime: string;
  /** The entry of an inference thread, and of the thread that loads versions. */
  readonly entry: URL;
  readonly loadingEntry: URL;
  readonly log: Logger;
  /** Resolves once the message is on its way. */
  readonly send: (message: FromProcess) => Promise<void>;
  /** Ends this process. */
  readonly exit: (code: number) => void;
  /** Ends this process at once, when a thread that can't be stopped prevents an orderly end. */
  readonly kill: () => void;
}

/** One of the server's processes: HTTP in front, threads behind, and the replies to the primary. */
export interface ServerProcess {
  receive(message: ToProcess): void;
  drain(): Promise<void>;
}

const startLoader = (config: Config, thread: LoadingThread, inference: ProcessInference): Loader =>
  createLoader({
    thread,
    pool: inference.pool,
    inline: inference.inline,
    recorder: inference.recorder,
    compile: config.ENGINE === 'auto',
    maxModelBytes: config.MAX_MODEL_BYTES,
  });

/** Starts a server process. It opens the versions that the primary names, and listens once it is sent a set to serve. */
export function startServerProcess(options: ServerProcessOptions): ServerProcess {
  const { config, address, runtime, entry, loadingEntry, log, send, exit, kill } = options;
  const openTimeoutMs = OPEN_TIMEOUT_MS;
  const registry = createRegistry('server');
  const gate = createGate();
  const http = createHttpRecorder(registry);
  const askPrimary = createAskPrimary(send);
  const load = createLoadView(send);
  const lifecycle = createLifecycle({ deadlineMs: config.DEADLINE_MS, log, exit, kill });
  const onLost = lifecycle.giveUp;
  const explain = (model: Model): ReturnType<Loader['explain']> => loader.explain(model);
  const importance = (model: Model): ReturnType<Loader['importance']> => loader.importance(model);
  const inference = startInference({
    ...{ config, runtime, entry, openTimeoutMs, registry, log, onLost },
    ...{ explain, importance },
  });
  const { queue, inline, recorder, busy } = inference;
  const selfTest = createSelfTest({
    inline,
    queue,
    freshMs: config.DEADLINE_MS + SELF_TEST_GRACE_MS,
    onWrong: ({ id }, reason, before) => {
      // A model that never answered rightly would not do so in another process.
      if (before) lifecycle.giveUp(`model ${id}: ${reason}`);
      else log.error({ model: id, reason }, 'a model fails its self-test: this process is not ready');
    },
  });
  lifecycle.attachSelfTest(selfTest);
  onBeat(() => void send({ type: 'alive', ready: lifecycle.serving && !lifecycle.draining }));
  const observers = createObservers({ config, registry, entry, openTimeoutMs, busy, log, send });

  let tracing: Tracing | undefined;
  const startListening = async (catalogue: LiveCatalogue): Promise<Listener> => {
    tracing = await openTracing(tracingOptions(config, softwareVersion(), process.pid), registry, log);
    const grpc = config.GRPC_PORT === 0 ? undefined : await import('../http/grpc/define.ts');
    const { explanations, importanceOf } = inference;
    const own = { config, runtime, catalogue, lifecycle, http, recorder, log, explanations, importanceOf };
    const app = createApp({
      ...own,
      inference: inline,
      tracing,
      load: load.read,
      assets: readAssets(fileURLToPath(new URL('../web', import.meta.url))),
      authorize: needsKeys(config) ? createAuthorizer(gate, registry, config.AIP_HEALTH_ROUTE) : undefined,
      onAnswered: observers.observe,
      askSums: askPrimary.sums,
      grpc: grpc?.createGrpc(registry),
      orderModels: askPrimary.orderModels,
      ...(config.DRIFT_WINDOW_MS > 0 ? { askDrift: askPrimary.drift } : {}),
    });
    const listener = await listen(app, address);
    lifecycle.attachListener(listener);
    // Not awaited: the primary takes `ready` for the reply to its set.
    void send({ type: 'ready' });
    return listener;
  };
  const thread = createLoadingThread({ entry: loadingEntry, timeoutMs: LOAD_TIMEOUT_MS });
  const loader = startLoader(config, thread, inference);
  const versions = createVersions({
    loader,
    lifecycle,
    log,
    send,
    listen: startListening,
    follow: (contents) => {
      selfTest.follow(contents.served);
      observers.follow(contents);
    },
  });

  const sendMetrics = async (prefix: string): Promise<void> =>
    send({ type: 'metrics', prefix, metrics: await takeSnapshot(registry, prefix) });
  const closeObservers = async (): Promise<void> =>
    void (await Promise.all([observers.close(), tracing?.close()]));
  const drain = (): Promise<void> =>
    lifecycle.drain({
      stop: () => {
        inference.stopWatching();
        selfTest.close();
      },
      steps: [
        { name: 'close observers', deadlineMs: CLOSE_MS, run: closeObservers },
        { name: 'stop loading', deadlineMs: CLOSE_MS, run: thread.close },
        { name: 'close threads', deadlineMs: CLOSE_MS, run: () => inline.close() },
      ],
      last: async () => {
        inference.closeNotes();
        // What was counted since the last scrape would be lost.
        await sendMetrics('');
      },
    });
  return {
    drain,
    receive: (message) => {
      switch (message.type) {
        case 'serving':
          return lifecycle.admit(true);
        case 'lameDuck':
          return lifecycle.admit(false);
        case 'drain':
          return void drain();
        case 'keys':
          return gate.replace(message.keys);
        case 'open':
          return void versions.open(message.candidate, message.fastRefused);
        case 'serve':
          return void versions.serve(message.set);
        case 'versions':
          return versions.describe(message.versions);
        case 'metrics':
          return void sendMetrics(message.prefix);
        case 'count':
          return void send({ type: 'counts', counts: http.latencies() });
        case 'load':
          return load.receive(message.load);
        case 'sums':
        case 'drift':
        case 'ordered':
          return askPrimary.receive(message);
      }
    },
  };
}
