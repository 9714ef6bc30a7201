import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { registerEventLoopLag } from './eventLoopLag.ts';

/**
 * Families that are left out: gauges with a counter's name (`_total`), lists of all handles, which take longer with more
 * connections, and the sampled lag, which eventLoopLag.ts measures instead.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
    (figure) => `nodejs_eventloop_lag_${figure}_seconds`,
  ),
];

/** In milliseconds, the longest that there is: prom-client's sampler would wake the process a hundred times a second. */
const NEVER_SAMPLE_MS = 2 ** 31 - 1;

/** Families where prom-client's aggregation would hide the process that lags most, and the newest start. */
const MERGED_BY_MAX = ['nodejs_eventloop_lag_seconds', 'process_start_time_seconds'];

/**
 * A registry with Node's own families: CPU, memory, event loop lag, heap, garbage collection. Their label `role` keeps
 * the primary, which idles, apart from the server processes, whose values are summed.
 */
export function createRegistry(role: 'primary' | 'server'): Registry {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    labels: { role },
    eventLoopMonitoringPrecision: NEVER_SAMPLE_MS,
  });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  for (const name of MERGED_BY_MAX) {
    const metric = registry.getSingleMetric(name) as unknown as { aggregator: string };
    metric.aggregator = 'max';
  }
  registerEventLoopLag(registry, role);
  return registry;
}

/** `app_info`: the versions of the software. */
export function recordAppInfo(registry: Registry, version: string, onnxruntime: string): void {
  const info = new Gauge({
    name: 'app_info',
    help: 'Versions of the server and of what it runs on.',
    labelNames: ['version', 'node', 'onnxruntime'],
    registers: [registry],
  });
  info.set({ version, node: process.versions.node, onnxruntime }, 1);
}
