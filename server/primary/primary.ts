import cluster from 'node:cluster';
import { once } from 'node:events';
import type { Logger } from 'pino';
import { createKeyring } from '../access/keyring.ts';
import { KeysUnreadable } from '../access/keys.ts';
import { createAdminServer } from './adminServer.ts';
import type { Config } from '../settings/settings.ts';
import { registerDriftMetrics } from '../observers/drift/metrics.ts';
import { createDriftWindows } from '../observers/drift/windows.ts';
import type { Silence } from './heartbeat.ts';
import { createHeartbeat } from './heartbeat.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import { createAggregator } from './metrics/aggregate.ts';
import { createClusterRecorder } from './metrics/clusterMetrics.ts';
import { createLoadMonitor } from './metrics/loadMonitor.ts';
import { createNginxReader } from './nginx/counts.ts';
import { createRegistry, recordAppInfo } from '../metrics/registry.ts';
import { createScraper } from './metrics/scraper.ts';
import { createMetricsServer } from './metrics/metricsServer.ts';
import type { VersionState } from '../model/catalogue.ts';
import type { Source } from '../repository/source.ts';
import { createSource } from '../repository/openSource.ts';
import { wishesOf } from '../rollout/wishes.ts';
import type { Watch } from '../repository/watch.ts';
import { watchSource } from '../repository/watch.ts';
import { createProcesses } from './processes.ts';
import { readRuntimeVersion, readVersion } from '../platform/install.ts';
import { watchProxy } from './nginx/frozenWorkers.ts';
import { createRollout } from '../rollout/rollout.ts';
import { tell } from './slots.ts';

/** A turn of a process's event loop is never shorter than what nginx waits for its answers. */
const LEAST_STUCK_MS = 10_000;

export interface PrimaryOptions {
  readonly config: Config;
  readonly runtime: string;
  /** Where nginx tells its counts, if it stands in front. */
  readonly nginx?: string;
  readonly log: Logger;
  /** Ends the server. */
  readonly exit: (code: number) => void;
}

/** The process that keeps the others: it forks and replaces them, and does no request work itself. */
export interface Primary {
  /** Resolves once every process has been ready. */
  start(): Promise<void>;
  /** Replaces the processes one by one; each is ready before its predecessor leaves. */
  reload(): Promise<void>;
  /** Lets the processes answer "not ready" while they go on predicting. */
  lame(): void;
  /** Drains all processes, then ends the server. */
  stop(code: number): Promise<void>;
}

/** @throws {KeysUnreadable} */
export function createPrimary({ config, runtime, nginx, log, exit }: PrimaryOptions): Primary {
  let serving = false;
  let stopping = false;
  let rolling = false;
  let rollAgain = false;

  const registry = createRegistry('primary');
  const recorder = createClusterRecorder(registry, {
    processes: () => processes.ready.length,
    models: () => rollout.versions.map(({ name }) => name),
    ready: () => serving && processes.ready.some(({ worker }) => heartbeat.isReady(worker.id)),
  });
  const aggregator = createAggregator();
  const scraper = createScraper({
    registry,
    aggregator,
    recorder,
    children: () => processes.ready,
    look: nginx === undefined ? undefined : createNginxReader(registry, nginx),
  });
  const drift = config.DRIFT_WINDOW_MS > 0 ? createDriftWindows(config.DRIFT_WINDOW_MS) : undefined;
  if (drift) registerDriftMetrics(registry, drift.reports);
  const loadMonitor = createLoadMonitor({ broadcast: (message) => processes.broadcast(message) });
  const keyring = createKeyring(config, (keys) => processes.broadcast({ type: 'keys', keys }));
  const metricsServer = createMetricsServer(scraper.expose, log, keyring.mayScrape);

  /** Made when it is first needed: a start that fails earlier asks nobody. */
  let made: Promise<Source> | undefined;
  const openSource = (): Promise<Source> => (made ??= createSource(config, log));
  const source: Source = {
    list: async () => (await openSource()).list(),
    fetch: async (candidate) => (await openSource()).fetch(candidate),
  };
  const rollout = createRollout({
    source,
    wishes: wishesOf(config),
    log,
    onRefused: recorder.loadFailed,
  });
  let watch: Watch | undefined;
  const adminServer = createAdminServer({ versions: () => rollout.versions, refresh: () => refresh(), log });
  const receive = (id: number, message: FromProcess): void => {
    switch (message.type) {
      case 'started':
      case 'ready':
        return; // Awaited where the process is started.
      case 'pong':
        return heartbeat.receive(id, message);
      case 'opened':
      case 'swapped':
        return rollout.receive(id, message);
      case 'metrics':
        return scraper.receive(id, message);
      case 'watch':
      case 'counts':
        return loadMonitor.receive(id, message);
      case 'sums':
        return void answerSums(id, message.question, message.prefix);
      case 'observing':
      case 'observed':
        return drift?.receive(id, message);
      case 'drift':
        return answer(id, { type: 'drift', question: message.question, report: drift?.report(message.key) });
    }
  };
  const answer = (id: number, message: ToProcess): void => {
    const child = processes.ready.find(({ worker }) => worker.id === id);
    if (child) tell(child, message);
  };
  const answerSums = async (id: number, question: number, prefix: string): Promise<void> => {
    const metrics = await scraper.sums(prefix);
    answer(id, { type: 'sums', question, metrics });
  };
  const onSilent = (id: number, silence: Silence, silentMs: number): void => {
    const child = cluster.workers?.[id]?.process;
    log.error(
      { process: child?.pid, silence, silentMs: Math.round(silentMs) },
      'a server process is silent and is killed',
    );
    recorder.silenced();
    child?.kill('SIGKILL');
  };
  const heartbeat = createHeartbeat({
    stuckMs: Math.max(LEAST_STUCK_MS, 2 * config.DEADLINE_MS),
    onSilent,
  });
  const unwatchProxy = watchProxy(runtime, (pid) => {
    log.error({ process: pid }, 'a worker of nginx is stopped and is killed');
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just gone.
    }
  });
  const processes = createProcesses({
    config,
    runtime,
    log,
    heartbeat,
    receive,
    equip: (child) => {
      tell(child, { type: 'keys', keys: keyring.keys });
      return rollout.equip({
        id: child.worker.id,
        exited: child.exited,
        tell: (message) => tell(child, message),
      });
    },
    onReady: (child) => {
      // Others may be in force by now, and it must not let in whoever has lost his.
      tell(child, { type: 'keys', keys: keyring.keys });
      if (serving) tell(child, { type: 'serving' });
    },
    onExit: ({ worker }, lost) => {
      aggregator.retire(worker.id);
      drift?.retire(worker.id);
      if (lost) recorder.restarted();
    },
    fail: (reason) => void fail(reason),
  });

  const fail = async (reason: string): Promise<void> => {
    if (stopping) return;
    log.fatal(reason);
    await stop(1);
  };

  const rereadKeys = (): void => {
    try {
      keyring.reread();
    } catch (error) {
      if (!(error instanceof KeysUnreadable)) throw error;
      log.error({ reason: error.message }, 'the keys in force stay');
    }
  };

  const reload = async (): Promise<void> => {
    rollAgain = rolling;
    if (rolling || stopping) return;
    rolling = true;
    log.info('reloading');
    rereadKeys();
    await rollout.retry();
    await processes.roll();
    rolling = false;
    log.info('reload ended');
    if (rollAgain) await reload();
  };

  /** Whatever was refused is tried again: who asks has perhaps mended it. */
  const refresh = async (): Promise<readonly VersionState[]> => {
    keyring.reread();
    if (!(await rollout.retry())) throw new Error('the repository cannot be read');
    return rollout.versions;
  };

  const watchRepository = (): void => {
    if (config.MODEL_POLL_MS === 0) return;
    watch = watchSource({
      source,
      pollMs: config.MODEL_POLL_MS,
      applied: () => rollout.listing,
      onChange: async (listing) => void (await rollout.refresh(listing)),
      onError: (error) =>
        log.error(
          { reason: (error as Error).message },
          'the repository cannot be read: what is served stays',
        ),
    });
  };

  const stop = async (code: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    watch?.stop();
    drift?.close();
    adminServer.close();
    adminServer.closeAllConnections();
    log.info('draining');
    await processes.drain();
    heartbeat.stop();
    unwatchProxy();
    metricsServer.close();
    metricsServer.closeAllConnections();
    log.info('stopped');
    exit(code);
  };

  return {
    start: async () => {
      metricsServer.listen(config.METRICS_PORT, config.METRICS_HOST);
      await once(metricsServer, 'listening');
      recordAppInfo(registry, readVersion(), readRuntimeVersion());
      await processes.fill();
      if (stopping) return;
      serving = true;
      rollout.begin();
      processes.serve();
      watchRepository();
      if (config.ADMIN_PORT !== 0) {
        adminServer.listen(config.ADMIN_PORT, '127.0.0.1');
        await once(adminServer, 'listening');
      }
    },
    reload,
    lame: () => {
      serving = false;
      processes.broadcast({ type: 'lame' });
    },
    stop,
  };
}
