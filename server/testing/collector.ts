import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './freePort.ts';
import { goProgramMissing } from './goPrograms.ts';
import { eventually, withDeadline } from './withDeadline.ts';

const PROGRAM = 'otelcol';

/** Why there is no collector to test against; undefined if there is. */
export const collectorMissing: string | undefined = goProgramMissing(PROGRAM);

/** A test's title, with the reason if it is skipped. */
export const needsCollector = (title: string): string =>
  collectorMissing === undefined ? title : `${title} (${collectorMissing})`;

/** A span as the collector wrote it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of the process that made it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface Collector {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT is set to. */
  readonly endpoint: string;
  /** Everything that it has received so far. */
  spans(): CollectedSpan[];
  /** Waits for a span. */
  span(what: string, matches: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
  stop(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Line {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

interface RawSpan extends Pick<CollectedSpan, 'traceId' | 'spanId' | 'name' | 'kind'> {
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
}

const toRecord = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const readLine = (line: string): CollectedSpan[] =>
  (JSON.parse(line) as Line).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, status, ...span }) => ({
        parentSpanId: '',
        traceState: '',
        ...span,
        start: BigInt(startTimeUnixNano),
        end: BigInt(endTimeUnixNano),
        status: status.code ?? 0,
        attributes: toRecord(attributes),
        resource: toRecord(resource.attributes),
      })),
    ),
  );

/** Starts a real OpenTelemetry Collector that receives OTLP over HTTP and writes it to a file. */
export async function startCollector(): Promise<Collector> {
  const folder = mkdtempSync(join(tmpdir(), 'collector-'));
  const file = join(folder, 'spans.jsonl');
  const config = join(folder, 'config.yaml');
  const port = await freePort();
  writeFileSync(
    config,
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { file: { path: file, flush_interval: '50ms' } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
      },
    }),
  );
  const child = spawn(PROGRAM, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const spans = (): CollectedSpan[] =>
    existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).flatMap(readLine) : [];
  const stop = async (): Promise<void> => {
    child.kill();
    await withDeadline('the end of the collector', exited, 10_000);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually('a collector that is ready', () => said.includes('Everything is ready'), 20_000);
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}: ${said.slice(-1000)}`, { cause: error });
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    span: (what, matches) => eventually(what, () => spans().find(matches), 15_000),
    stop,
  };
}
