import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/**
 * Families that are left out: gauges with a counter's name (`_total`), lists of all handles, which take longer with more
 * connections, and a lag that is 292 years when nothing was measured.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_eventloop_lag_min_seconds',
];

/** Families where prom-client's aggregation would hide the process that lags most, and the newest start. */
const MERGED_BY_MAX = [
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_p90_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'process_start_time_seconds',
];

/**
 * A registry with Node's own families: CPU, memory, event loop lag, heap, garbage collection. Their label `role` keeps
 * the primary, which idles, apart from the server processes, whose values are summed.
 */
export function createRegistry(role: 'primary' | 'server'): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, labels: { role } });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  for (const name of MERGED_BY_MAX) {
    const metric = registry.getSingleMetric(name) as unknown as { aggregator: string };
    metric.aggregator = 'max';
  }
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
