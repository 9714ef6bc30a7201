import type { Context, Span, SpanContext } from '@opentelemetry/api';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  createTraceState,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { Sampler } from '@opentelemetry/sdk-trace-base';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { deadline } from '../platform/deadline.ts';
import { createClock } from './clock.ts';
import type { Losses } from './losses.ts';
import { countLosses } from './losses.ts';
import type { TracingOptions } from './options.ts';
import type { TraceContext } from './traceContext.ts';
import type { Phase, Tracing } from './tracing.ts';

/** Spans that may wait for the collector; more are dropped and counted. */
const MAX_WAITING = 4096;
/** Spans that are sent at a time: few, since writing them as JSON blocks the event loop. */
const MAX_BATCH = 128;
const SEND_EVERY_MS = 1000;
const SEND_TIMEOUT_MS = 10_000;
/** Less than the deadline of a step of the shutdown. */
const CLOSE_MS = 800;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function samplerOf(name: TracingOptions['sampler'], ratio: number): Sampler {
  const root = name.endsWith('always_on')
    ? new AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function contextOf(caller: TraceContext | undefined): Context {
  if (!caller) return ROOT_CONTEXT;
  const { traceId, spanId, sampled, state } = caller;
  const context: SpanContext = {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

/** Starts OpenTelemetry. Only this file loads its packages, and it is loaded only where tracing is on. */
export function startTracing(settings: TracingOptions, losses: Losses): Tracing {
  const { url, headers, attributes, sampler, ratio } = settings;
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: SEND_TIMEOUT_MS,
    // The shutdown sends all waiting batches at once.
    concurrencyLimit: MAX_WAITING / MAX_BATCH + 1,
  });
  const counted = countLosses(losses, exporter, MAX_WAITING, (counting) => {
    return new BatchSpanProcessor(counting, {
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: MAX_BATCH,
      scheduledDelayMillis: SEND_EVERY_MS,
      exportTimeoutMillis: SEND_TIMEOUT_MS,
    });
  });
  const provider = new BasicTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ ...attributes })),
    sampler: samplerOf(sampler, ratio),
    spanProcessors: [counted.processor],
  });
  const tracer = provider.getTracer('servemodel');
  const clock = createClock();

  const addPhase = (parent: Context, { name, start, end, model, rows, fault }: Phase): void => {
    const span = tracer.startSpan(name, { startTime: clock(start) }, parent);
    span.setAttribute('servemodel.model', model);
    if (rows !== undefined) span.setAttribute('servemodel.rows', rows);
    if (fault !== undefined) fail(span, fault);
    span.end(clock(end));
  };
  const fail = (span: Span, type: string): void => {
    span.setAttribute('error.type', type);
    span.setStatus({ code: SpanStatusCode.ERROR });
  };

  return {
    begin: (method, route, caller) => {
      const known = METHODS.has(method);
      const span = tracer.startSpan(
        [known ? method : 'HTTP', ...(route === undefined ? [] : [route])].join(' '),
        {
          kind: SpanKind.SERVER,
          startTime: clock(performance.now()),
          attributes: {
            'http.request.method': known ? method : '_OTHER',
            ...(route === undefined ? {} : { 'http.route': route }),
          },
        },
        contextOf(caller),
      );
      const { traceId, spanId, traceFlags } = span.spanContext();
      const parent = trace.setSpan(ROOT_CONTEXT, span);
      return {
        traceId,
        response: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        sampled: span.isRecording(),
        phase: (phase) => addPhase(parent, phase),
        end: (status, requestId) => {
          span.setAttribute('http.response.status_code', status);
          span.setAttribute('http.request.header.x-request-id', [requestId]);
          // A client's error is no failure of the server (semantic conventions for HTTP spans).
          if (status >= 500) fail(span, String(status));
          span.end(clock(performance.now()));
        },
      };
    },
    close: async () => {
      // A collector that doesn't answer must neither delay the shutdown nor make it unclean.
      await deadline(provider.shutdown(), CLOSE_MS, 'the last spans').catch(() => undefined);
      counted.giveUp();
    },
  };
}
