import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';

/** Receives reports of spans that no collector got. */
export interface Losses {
  dropped(spans: number): void;
  /** The collector refuses spans. Reported once, until it accepts some again. */
  failing(reason: string): void;
  recovered(): void;
}

interface Counted {
  readonly processor: SpanProcessor;
  /** Counts the waiting spans as dropped. */
  giveUp(): void;
}

const SUCCESS = 0;

/**
 * A bounded processor that counts its losses: the SDK's own drops spans silently.
 *
 * @param limit spans that may wait
 * @param create makes the SDK's processor, which may hold as many
 */
export function countLosses(
  losses: Losses,
  exporter: SpanExporter,
  limit: number,
  create: (exporter: SpanExporter) => SpanProcessor,
): Counted {
  /** Spans that wait, and spans that are being sent. */
  let waiting = 0;
  let sending = 0;
  let failing = false;

  const sent = (error: Error | undefined, spans: number): void => {
    sending -= spans;
    if (error) losses.dropped(spans);
    if (error && !failing) losses.failing(error.message);
    if (!error && failing) losses.recovered();
    failing = error !== undefined;
  };
  const counting: SpanExporter = {
    export: (spans, done) => {
      waiting -= spans.length;
      sending += spans.length;
      exporter.export(spans, (result) => {
        const error = result.error ?? new Error('the collector refused them');
        sent(result.code === (SUCCESS as typeof result.code) ? undefined : error, spans.length);
        // Success for the SDK: failed spans are lost in any case, and were reported above.
        done({ code: SUCCESS });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
  const inner = create(counting);
  const onEnd = (span: ReadableSpan): void => {
    if (waiting >= limit) {
      losses.dropped(1);
      return;
    }
    waiting++;
    inner.onEnd(span);
  };
  return {
    processor: {
      onStart: () => undefined,
      onEnd,
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    },
    giveUp: () => {
      const lost = waiting + sending;
      if (lost > 0) losses.dropped(lost);
      waiting = sending = 0;
    },
  };
}
