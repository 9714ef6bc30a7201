import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';

/** Gauges whose names break the naming rules (`_total` is a counter's); what they count isn't acted on. */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** A registry with Node's own families: event loop lag, heap, garbage collection. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  return registry;
}

/** `app_info`: what runs. */
export function recordAppInfo(registry: Registry, version: string, onnxruntime: string): void {
  const info = new Gauge({
    name: 'app_info',
    help: 'Versions of the server and of what it runs on.',
    labelNames: ['version', 'node', 'onnxruntime'],
    registers: [registry],
  });
  info.set({ version, node: process.versions.node, onnxruntime }, 1);
}
