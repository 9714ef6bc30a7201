import cluster from 'node:cluster';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Keyring } from '../access/keyring.ts';
import { createKeyring } from '../access/keyring.ts';
import type { ToProcess } from '../messages.ts';
import { recordAppInfo } from '../metrics/registry.ts';
import { onnxRuntimeVersion, softwareVersion } from '../platform/install.ts';
import { shutdown } from '../platform/shutdown.ts';
import { lazySource } from '../repository/openSource.ts';
import type { Source } from '../repository/source.ts';
import type { Watch } from '../repository/watch.ts';
import { watchSource } from '../repository/watch.ts';
import type { Rollout } from '../rollout/rollout.ts';
import { createRollout } from '../rollout/rollout.ts';
import { wishesOf } from '../rollout/wishes.ts';
import type { Config } from '../settings/settings.ts';
import type { AdminOptions } from './adminServer.ts';
import { createAdminServer } from './adminServer.ts';
import type { FirstChildren } from './firstChildren.ts';
import { createDispatch } from './dispatch.ts';
import type { Unresponsive } from './heartbeat.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createMetricsServer } from './metrics/metricsServer.ts';
import { createServerMetrics } from './metrics/serverMetrics.ts';
import { createModelOrders } from './modelOrders.ts';
import { killFrozenWorkers } from './nginx/frozenWorkers.ts';
import { drainMs } from './processes.ts';
import { createReload } from './reload.ts';
import { sendTo } from './slots.ts';

/** nginx waits for at least this long for an answer, so one turn of an event loop may take as long. */
const LEAST_STUCK_MS = 10_000;

/** Time that each step of the end may take beside the draining of the processes. */
const STEP_MS = 1000;

export interface PrimaryOptions {
  readonly config: Config;
  readonly runtime: string;
  /** The socket on which nginx reports its counts, if it stands in front. */
  readonly nginx?: string;
  readonly children: FirstChildren;
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
  /** Has the processes report "not ready" while they go on predicting. */
  lameDuck(): void;
  /** Drains all processes, then ends the server. */
  stop(code: number): Promise<void>;
}

function killUnresponsive(id: number, silence: Unresponsive, silentMs: number, log: Logger): void {
  const child = cluster.workers?.[id]?.process;
  log.error(
    { process: child?.pid, silence, silentMs: Math.round(silentMs) },
    'a server process is silent and is killed',
  );
  child?.kill('SIGKILL');
}

/** Brings changes of the repository to the processes, if settings ask for polls. */
function watchRepository(
  { MODEL_POLL_MS }: Config,
  source: Source,
  rollout: Rollout,
  log: Logger,
): Watch | undefined {
  if (MODEL_POLL_MS === 0) return undefined;
  return watchSource({
    source,
    pollMs: MODEL_POLL_MS,
    applied: () => rollout.listing,
    onChange: async (listing) => void (await rollout.refresh(listing)),
    onError: (error) =>
      log.error(
        { reason: (error as Error).message },
        'cannot read the repository; keeping the current models',
      ),
  });
}

/** What `POST /reload` does: reads keys and models again, and tries refused versions. */
const refreshBy =
  (keyring: Pick<Keyring, 'reread'>, rollout: Rollout): AdminOptions['refresh'] =>
  async () => {
    keyring.reread();
    if (!(await rollout.retry())) throw new Error('cannot read the repository');
    return rollout.versions;
  };

/** @throws {KeysUnreadable} */
export function createPrimary(options: PrimaryOptions): Primary {
  const { config, runtime, nginx, children, log, exit } = options;
  const { processes, verifier } = children;
  let serving = false;
  let stopping = false;
  let watch: Watch | undefined;

  const metrics = createServerMetrics({
    driftWindowMs: config.DRIFT_WINDOW_MS,
    nginx,
    children: () => processes.ready,
    broadcast: processes.broadcast,
  });
  const { registry, recorder, scraper, loadMonitor, drift } = metrics;
  const heartbeat = createHeartbeat({
    stuckMs: Math.max(LEAST_STUCK_MS, 2 * config.DEADLINE_MS),
    onUnresponsive: (id, how, silentMs) => {
      killUnresponsive(id, how, silentMs, log);
      recorder.killedUnresponsive();
    },
  });
  const stopNginxWatch = killFrozenWorkers(runtime, log);
  const keyring = createKeyring(config, (keys) => processes.broadcast({ type: 'keys', keys }));
  const metricsServer = createMetricsServer(scraper.expose, log, keyring.mayScrape);
  const source = lazySource(config, log);
  const { verify } = verifier;
  const wishes = wishesOf(config);
  const rollout = createRollout({ source, wishes, verify, log, onRefused: recorder.loadFailed });
  recorder.attach({
    processes: () => processes.ready.length,
    models: () => rollout.versions.map(({ name }) => name),
    ready: () => serving && processes.ready.some(({ worker }) => heartbeat.isReady(worker.id)),
  });

  const orderModels = createModelOrders(rollout.orders, config.MAX_MODEL_BYTES);
  const adminServer = createAdminServer({
    versions: () => rollout.versions,
    refresh: refreshBy(keyring, rollout),
    orderModels,
    log,
  });
  const stopLooking = (): void => {
    watch?.stop();
    verifier.close();
    drift?.close();
    adminServer.close();
    adminServer.closeAllConnections();
  };
  const closeMetrics = (): void => {
    heartbeat.stop();
    stopNginxWatch();
    metricsServer.close();
    metricsServer.closeAllConnections();
  };
  const stop = async (code: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info('draining');
    await shutdown(
      [
        { name: 'stop looking for models', deadlineMs: STEP_MS, run: stopLooking },
        { name: 'drain the processes', deadlineMs: drainMs(config) + STEP_MS, run: processes.drain },
        { name: 'close the metrics port', deadlineMs: STEP_MS, run: closeMetrics },
      ],
      log,
    );
    log.info('stopped');
    exit(code);
  };

  const parts = { heartbeat, rollout, orderModels, scraper, loadMonitor, drift, log };
  processes.attach({
    receive: createDispatch({ ...parts, answer: processes.sendTo }),
    equip: (child) => {
      const { worker, pid, exited } = child;
      const send = (message: ToProcess): void => sendTo(child, message);
      heartbeat.watch({ id: worker.id, pid, exited });
      send({ type: 'keys', keys: keyring.keys });
      return rollout.equip({ id: worker.id, exited, send });
    },
    onReady: (child) => {
      // The keys may have changed while it started; send them again.
      sendTo(child, { type: 'keys', keys: keyring.keys });
      if (serving) sendTo(child, { type: 'serving' });
    },
    onExit: ({ worker }, lost) => {
      metrics.retire(worker.id);
      if (lost) recorder.restarted();
    },
    fail: (reason) => {
      if (stopping) return;
      log.fatal(reason);
      void stop(1);
    },
  });

  return {
    start: async () => {
      void rollout.prepare();
      metricsServer.listen(config.METRICS_PORT, config.METRICS_HOST);
      await once(metricsServer, 'listening');
      recordAppInfo(registry, softwareVersion(), onnxRuntimeVersion());
      await processes.fill();
      if (stopping) return;
      serving = true;
      rollout.begin();
      processes.serve();
      watch = watchRepository(config, source, rollout, log);
      if (config.ADMIN_PORT !== 0) {
        adminServer.listen(config.ADMIN_PORT, '127.0.0.1');
        await once(adminServer, 'listening');
      }
    },
    reload: createReload({ isStopping: () => stopping, keyring, rollout, processes, log }),
    lameDuck: () => {
      serving = false;
      processes.broadcast({ type: 'lameDuck' });
    },
    stop,
  };
}
