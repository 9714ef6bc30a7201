import type { Registry } from 'prom-client';
import type { MetricsToProcess } from '../../metrics/messages.ts';
import { createRegistry } from '../../metrics/registry.ts';
import { registerDriftMetrics } from '../../observers/drift/metrics.ts';
import type { DriftWindows } from '../../observers/drift/windows.ts';
import { createDriftWindows } from '../../observers/drift/windows.ts';
import { createNginxReader } from '../nginx/counts.ts';
import type { Child } from '../slots.ts';
import { createAggregator } from './aggregate.ts';
import type { ClusterRecorder } from './clusterMetrics.ts';
import { createClusterRecorder } from './clusterMetrics.ts';
import type { LoadMonitor } from './loadMonitor.ts';
import { createLoadMonitor } from './loadMonitor.ts';
import type { Scraper } from './scraper.ts';
import { createScraper } from './scraper.ts';

export interface ServerMetricsOptions {
  /** 0 where drift isn't measured. */
  readonly driftWindowMs: number;
  /** The socket on which nginx reports its counts, if it stands in front. */
  readonly nginx: string | undefined;
  /** The processes that are ready. */
  readonly children: () => readonly Child[];
  readonly broadcast: (message: MetricsToProcess) => void;
}

/** The figures of the whole server, which the primary keeps. */
export interface ServerMetrics {
  readonly registry: Registry;
  readonly recorder: ClusterRecorder;
  readonly scraper: Scraper;
  readonly loadMonitor: LoadMonitor;
  readonly drift: DriftWindows | undefined;
  /** A process has exited: its counts stay. */
  retire(id: number): void;
}

export function createServerMetrics(options: ServerMetricsOptions): ServerMetrics {
  const { driftWindowMs, nginx, children, broadcast } = options;
  const registry = createRegistry('primary');
  const recorder = createClusterRecorder(registry);
  const aggregator = createAggregator();
  const readOthers = nginx === undefined ? undefined : createNginxReader(registry, nginx);
  const drift = driftWindowMs > 0 ? createDriftWindows(driftWindowMs) : undefined;
  if (drift) registerDriftMetrics(registry, drift.reports);
  return {
    registry,
    recorder,
    scraper: createScraper({ registry, aggregator, recorder, children, readOthers }),
    loadMonitor: createLoadMonitor({ broadcast }),
    drift,
    retire: (id) => {
      aggregator.retire(id);
      drift?.retire(id);
    },
  };
}
