import type { Config } from '../settings/settings.ts';

/** Where spans are sent, and which of them. */
export interface TracingOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sampler: Config['OTEL_TRACES_SAMPLER'];
  readonly ratio: number;
  /** The attributes of the resource: the service, and this process. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

type OtelConfig = Pick<Config, Extract<keyof Config, `OTEL_${string}`>>;

/** The options of tracing; undefined without an endpoint, which means off. */
export function tracingOptions(config: OtelConfig, version: string, pid: number): TracingOptions | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: complete, OTEL_EXPORTER_OTLP_ENDPOINT: base } = config;
  const url = complete ?? (base && tracesAt(base));
  if (!url) return undefined;
  const attributes = config.OTEL_RESOURCE_ATTRIBUTES;
  return {
    url: url.href,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
    attributes: {
      'service.version': version,
      ...attributes,
      'service.name': config.OTEL_SERVICE_NAME ?? (attributes['service.name'] || 'servemodel'),
      'process.pid': pid,
    },
  };
}

function tracesAt(endpoint: URL): URL {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url;
}
