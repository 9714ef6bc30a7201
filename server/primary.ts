import cluster from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createKeyring } from './access/keyring.ts';
import { KeysUnreadable } from './access/keys.ts';
import { createAdminServer } from './adminServer.ts';
import type { Config } from './config.ts';
import { registerDriftGauges } from './drift/gauges.ts';
import { createDriftWindows } from './drift/windows.ts';
import type { FromProcess, ToProcess } from './messages.ts';
import { takeInFlight } from './inFlight.ts';
import { createAggregator } from './metrics/aggregate.ts';
import { createClusterRecorder } from './metrics/cluster.ts';
import { createLoadMonitor } from './metrics/load.ts';
import type { VersionState } from './models/catalogue.ts';
import type { Source } from './models/source.ts';
import { createSource, wishesOf } from './models/source.ts';
import type { Watch } from './models/watch.ts';
import { watchSource } from './models/watch.ts';
import { createNginxReader } from './metrics/nginx.ts';
import { createRegistry, recordAppInfo } from './metrics/process.ts';
import { createScraper } from './metrics/scrape.ts';
import { createMetricsServer } from './metricsServer.ts';
import { readRuntimeVersion, readVersion } from './project.ts';
import { createRollout } from './rollout.ts';
import type { Child, Slot } from './slots.ts';
import { StartFailure, startChild, tell } from './slots.ts';

/** Failed starts in a row, with no process serving, that end the server. */
const MAX_FAILED_STARTS = 5;
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 10_000;
/** Time that a process has to end by itself once it was told to, beside the requests' deadline. */
const EXIT_GRACE_MS = 2000;

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
  const slots: readonly Slot[] = Array.from({ length: config.WEB_CONCURRENCY }, (_, index) => ({
    index,
    child: undefined,
    reloading: false,
  }));
  let serving = false;
  let stopping = false;
  let rolling = false;
  let rollAgain = false;

  /** Processes that were told to end: a reload replaced them, or the server stops. */
  const leaving = new Set<Child>();
  const children = (): Child[] => slots.flatMap(({ child }) => child ?? []);
  const registry = createRegistry('primary');
  const recorder = createClusterRecorder(registry, {
    processes: () => children().length,
    models: () => rollout.versions.map(({ name }) => name),
  });
  const aggregator = createAggregator();
  const scraper = createScraper({
    registry,
    aggregator,
    recorder,
    children,
    look: nginx === undefined ? undefined : createNginxReader(registry, nginx),
  });
  const drift = config.DRIFT_WINDOW_MS > 0 ? createDriftWindows(config.DRIFT_WINDOW_MS) : undefined;
  if (drift) registerDriftGauges(registry, drift.reports);
  const loadMonitor = createLoadMonitor({
    broadcast: (message) => children().forEach((child) => tell(child, message)),
  });
  const keyring = createKeyring(config, (keys) =>
    children().forEach((child) => tell(child, { type: 'keys', keys })),
  );
  const metricsServer = createMetricsServer(scraper.expose, log, keyring.letsScrape);

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
    scraper.receive(id, message);
    rollout.receive(id, message);
    loadMonitor.receive(id, message);
    drift?.receive(id, message);
    if (message.type === 'sums') void answerSums(id, message.question, message.prefix);
    if (message.type === 'drift')
      answer(id, { type: 'drift', question: message.question, report: drift?.report(message.key) });
  };
  const answer = (id: number, message: ToProcess): void => {
    const child = children().find(({ worker }) => worker.id === id);
    if (child) tell(child, message);
  };
  const answerSums = async (id: number, question: number, prefix: string): Promise<void> => {
    const metrics = await scraper.sums(prefix);
    answer(id, { type: 'sums', question, metrics });
  };
  const equip = (child: Child): Promise<void> => {
    tell(child, { type: 'keys', keys: keyring.keys });
    return rollout.equip({
      id: child.worker.id,
      exited: child.exited,
      tell: (message) => tell(child, message),
    });
  };
  const rereadKeys = (): void => {
    try {
      keyring.reread();
    } catch (error) {
      if (!(error instanceof KeysUnreadable)) throw error;
      log.error({ reason: error.message }, 'the keys in force stay');
    }
  };

  const start = async (slot: Slot): Promise<Child> => {
    const child = await startChild(slot, receive, equip);
    slot.child = child;
    if (serving) tell(child, { type: 'serving' });
    void child.exited.then((how) => onExit(slot, child, how));
    return child;
  };

  const onExit = (slot: Slot, child: Child, how: string): void => {
    if (slot.child === child) slot.child = undefined;
    aggregator.retire(child.worker.id);
    drift?.retire(child.worker.id);
    const requestIds = takeInFlight(runtime, child.pid);
    if (child.leaving || stopping) return;
    log.error({ pid: child.pid, slot: slot.index, how, requestIds }, 'a server process died');
    recorder.restarted();
    if (!slot.reloading) void fill(slot);
  };

  /** Starts processes in a slot until one is ready, with back-off. */
  const fill = async (slot: Slot): Promise<void> => {
    for (let failures = 1; !stopping; failures++) {
      try {
        await start(slot);
        return;
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error;
        if (stopping) return;
        const exhausted = failures >= MAX_FAILED_STARTS;
        // A server that serves goes on with what it has; one that never did must say why.
        if (serving ? exhausted && children().length === 0 : exhausted || error.refused)
          return fail(error.message);
        log.error({ slot: slot.index, failures, reason: error.message }, 'a server process did not start');
        await delay(Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures));
      }
    }
  };

  const fail = async (reason: string): Promise<void> => {
    if (stopping) return;
    log.fatal(reason);
    await stop(1);
  };

  /** Ends a process: it drains by itself, and is killed when it doesn't. */
  const dismiss = async (child: Child): Promise<void> => {
    child.leaving = true;
    leaving.add(child);
    tell(child, { type: 'drain' });
    const killer = setTimeout(() => child.worker.process.kill('SIGKILL'), config.DEADLINE_MS + EXIT_GRACE_MS);
    await child.exited;
    clearTimeout(killer);
    leaving.delete(child);
  };

  const roll = async (slot: Slot): Promise<boolean> => {
    const old = slot.child;
    // Without one, the slot is being filled already, from the same files.
    if (!old || stopping) return true;
    slot.reloading = true;
    try {
      await start(slot);
      await dismiss(old);
      return true;
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      log.error(
        { slot: slot.index, reason: error.message },
        'reload stopped: the present processes go on serving',
      );
      return false;
    } finally {
      slot.reloading = false;
      if (!slot.child) void fill(slot);
    }
  };

  const reload = async (): Promise<void> => {
    rollAgain = rolling;
    if (rolling || stopping) return;
    rolling = true;
    log.info('reloading');
    rereadKeys();
    await rollout.retry();
    for (const slot of slots) if (!(await roll(slot))) break;
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
    for (const worker of Object.values(cluster.workers ?? {})) {
      // One that isn't ready has nothing to finish.
      const known = [...children(), ...leaving];
      if (worker && !known.some((child) => child.worker === worker)) worker.process.kill('SIGKILL');
    }
    await Promise.all([...[...leaving].map(({ exited }) => exited), ...children().map(dismiss)]);
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
      await Promise.all(slots.map(fill));
      if (stopping) return;
      serving = true;
      for (const child of children()) tell(child, { type: 'serving' });
      watchRepository();
      if (config.ADMIN_PORT !== 0) {
        adminServer.listen(config.ADMIN_PORT, '127.0.0.1');
        await once(adminServer, 'listening');
      }
    },
    reload,
    lame: () => {
      for (const child of children()) tell(child, { type: 'lame' });
    },
    stop,
  };
}
