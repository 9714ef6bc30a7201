import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';

/** Records events of the primary. */
export interface ClusterRecorder {
  /** Sets where the gauges read their values. */
  attach(state: ClusterState): void;
  restarted(): void;
  /** A process was killed because it did not respond. */
  killedUnresponsive(): void;
  stale(): void;
  /** A version of a model was refused. */
  loadFailed(model: string): void;
}

/** Where the gauges read their values. */
export interface ClusterState {
  /** Processes that are ready. */
  readonly processes: () => number;
  /** Names of the models that the repository holds. */
  readonly models: () => readonly string[];
  /** Whether the server answers that it is ready. */
  readonly ready: () => boolean;
}

/** The families of the primary. */
export function createClusterRecorder(registry: Registry): ClusterRecorder {
  let state: ClusterState = { processes: () => 0, models: () => [], ready: () => false };
  const registers = [registry];
  new Gauge({
    name: 'server_processes',
    help: 'Server processes that are ready.',
    registers,
    collect() {
      this.set(state.processes());
    },
  });
  new Gauge({
    name: 'server_ready',
    help: 'Whether the server is ready: 1 while the models of a process answer their golden rows.',
    registers,
    collect() {
      this.set(Number(state.ready()));
    },
  });
  const restarts = new Counter({
    name: 'server_process_restarts_total',
    help: 'Server processes that died and were replaced.',
    registers,
  });
  const silences = new Counter({
    name: 'server_process_silences_total',
    help: 'Server processes that were killed because they had been silent.',
    registers,
  });
  const stale = new Counter({
    name: 'metrics_stale_processes_total',
    help: 'Processes that were too slow for a scrape, which took their last counts instead.',
    registers,
  });
  const loadFailures = new Counter({
    name: 'model_load_failures_total',
    help: 'Versions that could not be read, opened or verified.',
    labelNames: ['model'],
    registers,
    // The first increase is visible only if the series exists before.
    collect() {
      for (const model of state.models()) this.inc({ model }, 0);
    },
  });
  return {
    attach: (next) => {
      state = next;
    },
    loadFailed: (model) => loadFailures.inc({ model }),
    killedUnresponsive: () => silences.inc(),
    restarted: () => restarts.inc(),
    stale: () => stale.inc(),
  };
}
