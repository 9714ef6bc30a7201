import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { ErrorCode } from '../errors/problem.ts';
import { LATENCY_BUCKETS, SIZE_BUCKETS } from './buckets.ts';
import type { Histogram } from './families.ts';
import { createCounter, createHistogram, memo } from './families.ts';

/** Methods as labels. Any other is `other`: a caller must not make series. */
export const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'other'];

/** Error codes of shed requests. */
const SHED_CODES = ['overloaded', 'draining'] as const satisfies readonly ErrorCode[];
type ShedCode = (typeof SHED_CODES)[number];
/** `late`, `bodies` (no memory for the body) and `explanations` (too many rows wait for one) are answered `overloaded`, too. */
export const SHED_REASONS = [...SHED_CODES, 'late', 'bodies', 'explanations'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

export const isShed = (code: ErrorCode): code is ShedCode => SHED_CODES.some((shed) => shed === code);

/** Records requests. */
export interface HttpRecorder {
  began(): void;
  ended(method: string, route: string, status: number, seconds: number): void;
  body(bytes: number): void;
  shed(reason: ShedReason): void;
  /** POST requests so far by bucket of latency, those beyond the last bound included. */
  latencies(): number[];
}

/** The HTTP families of one process. */
export function createHttpRecorder(registry: Registry): HttpRecorder {
  const requests = createCounter(registry, { name: 'http_requests_total', help: 'Answered requests.' });
  const duration = createHistogram(
    registry,
    { name: 'http_request_duration_seconds', help: 'Time from the parsed request head to the answer.' },
    LATENCY_BUCKETS,
  );
  const bodyBytes = createHistogram(
    registry,
    { name: 'http_request_body_bytes', help: 'Size of request bodies.' },
    SIZE_BUCKETS,
  )({});
  const shed = createCounter(registry, {
    name: 'requests_shed_total',
    help: 'Requests refused because the server could not take them.',
  });
  // All series exist from the start: a rate needs a value before the first increase.
  for (const reason of SHED_REASONS) shed({ reason });
  const ofPosts: Histogram[] = [];
  let inFlight = 0;
  new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests that are being answered.',
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });
  const seriesOf = memo((route: string) =>
    memo((method: string) =>
      memo((status: number) => {
        const labels = { method, route, status };
        const times = duration(labels);
        if (method === 'POST') ofPosts.push(times);
        return { count: requests(labels), times };
      }),
    ),
  );
  return {
    began: () => {
      inFlight++;
    },
    ended: (method, route, status, seconds) => {
      inFlight--;
      const { count, times } = seriesOf(route)(METHODS.includes(method) ? method : 'other')(status);
      count.add(1);
      times.observe(seconds);
    },
    body: (bytes) => bodyBytes.observe(bytes),
    shed: (reason) => shed({ reason }).add(1),
    latencies: () =>
      Array.from({ length: LATENCY_BUCKETS.length + 1 }, (_, bucket) =>
        ofPosts.reduce((sum, { counts }) => sum + (counts[bucket] as number), 0),
      ),
  };
}
