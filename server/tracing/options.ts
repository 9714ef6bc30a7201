import type { Config } from '../settings/settings.ts';
import { parsePairs } from '../settings/pairs.ts';

/** Where spans go, and which. */
export interface TracingSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sampler: Config['OTEL_TRACES_SAMPLER'];
  readonly ratio: number;
  /** Of the resource: the service, and this process of it. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

type OtelConfig = Pick<Config, Extract<keyof Config, `OTEL_${string}`>>;

/** The settings of tracing, or undefined where it is off: without an endpoint. */
export function tracingSettings(
  config: OtelConfig,
  version: string,
  pid: number,
): TracingSettings | undefined {
  const url = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || tracesAt(config.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (url === '') return undefined;
  const attributes = parsePairs(config.OTEL_RESOURCE_ATTRIBUTES) ?? {};
  return {
    url,
    headers: parsePairs(config.OTEL_EXPORTER_OTLP_HEADERS) ?? {},
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
    attributes: {
      'service.version': version,
      ...attributes,
      'service.name': config.OTEL_SERVICE_NAME || attributes['service.name'] || 'servemodel',
      'process.pid': pid,
    },
  };
}

function tracesAt(endpoint: string): string {
  if (endpoint === '') return '';
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}
