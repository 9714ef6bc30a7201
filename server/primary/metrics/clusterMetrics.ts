import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';

/** Records what the primary does. */
export interface ClusterRecorder {
  restarted(): void;
  /** A process was killed because it was silent. */
  killedUnresponsive(): void;
  stale(): void;
  /** A version of a model was refused. */
  loadFailed(model: string): void;
}

/** What the primary knows at a moment. */
export interface ClusterState {
  /** Processes that are ready. */
  readonly processes: () => number;
  /** Names of the models that the repository holds. */
  readonly models: () => readonly string[];
  /** Whether the server answers that it is ready. */
  readonly ready: () => boolean;
}

/** The families of the primary. */
export function createClusterRecorder(
  registry: Registry,
  { processes, models, ready }: ClusterState,
): ClusterRecorder {
  const registers = [registry];
  new Gauge({
    name: 'server_processes',
    help: 'Server processes that are ready.',
    registers,
    collect() {
      this.set(processes());
    },
  });
  new Gauge({
    name: 'server_ready',
    help: 'Whether the server is ready: 1 while the models of a process answer their golden rows.',
    registers,
    collect() {
      this.set(Number(ready()));
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
    // What has no series yet can't be seen to grow.
    collect() {
      for (const model of models()) this.inc({ model }, 0);
    },
  });
  return {
    loadFailed: (model) => loadFailures.inc({ model }),
    killedUnresponsive: () => silences.inc(),
    restarted: () => restarts.inc(),
    stale: () => stale.inc(),
  };
}
