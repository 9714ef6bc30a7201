import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { createCounter } from '../metrics/families.ts';
import type { TracingOptions } from './options.ts';
import type { Tracing } from './tracing.ts';

/** Starts tracing if it is on; otherwise it loads nothing. */
export async function openTracing(
  settings: TracingOptions | undefined,
  registry: Registry,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!settings) return undefined;
  const dropped = createCounter(registry, {
    name: 'trace_spans_dropped_total',
    help: 'Spans that no collector got.',
  })({});
  const { startTracing } = await import('./startTracing.ts');
  return startTracing(settings, {
    dropped: (spans) => dropped.add(spans),
    failing: (reason) => log.warn({ reason }, 'the collector takes no traces: they are dropped'),
    recovered: () => log.info('the collector takes traces again'),
  });
}
