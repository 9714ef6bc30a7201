import { parsePairs } from './pairs.ts';
import type { Setting } from './parsers.ts';
import { anyText, httpUrl, oneOf, readBy, share } from './parsers.ts';

const NO_PAIRS: Readonly<Record<string, string>> = {};

const pairs = readBy(parsePairs, 'a list such as name=value,other=value, percent-encoded');

/** Traces; the names are those of OpenTelemetry. */
export const TRACES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: undefined,
    shown: 'off',
    parse: httpUrl,
    meaning: 'OpenTelemetry collector that traces are sent to, by OTLP over HTTP; `/v1/traces` is added.',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    default: undefined,
    shown: 'off',
    parse: httpUrl,
    meaning: 'The same as a complete URL; it takes precedence.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    default: NO_PAIRS,
    shown: 'none',
    parse: pairs,
    meaning: 'Headers that the collector requires, such as `authorization=Bearer%20…`. Never logged.',
  },
  OTEL_SERVICE_NAME: {
    default: undefined,
    shown: '`servemodel`',
    parse: anyText,
    meaning: 'Name of this service in the traces.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    default: NO_PAIRS,
    shown: 'none',
    parse: pairs,
    meaning: 'Attributes of this service in the traces: `deployment.environment.name=production`.',
  },
  OTEL_TRACES_SAMPLER: {
    default: 'parentbased_always_on' as const,
    parse: oneOf(
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
      'always_on',
      'always_off',
      'traceidratio',
    ),
    meaning:
      'Which requests are traced: with `parentbased_…` as the caller decided, else by the rest of the name.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    default: 1,
    parse: share,
    meaning: 'Share of the requests that a `traceidratio` sampler traces.',
  },
} satisfies Record<string, Setting>;
