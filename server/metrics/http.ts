import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import { LATENCY_BUCKETS, SIZE_BUCKETS } from './buckets.ts';

/** Methods that appear as labels; any other is `other`, so that no caller can make series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Records what HTTP does. */
export interface HttpRecorder {
  began(): void;
  ended(method: string, route: string, status: number, seconds: number): void;
  body(bytes: number): void;
  shed(reason: string): void;
}

/** The HTTP families of one process. */
export function createHttpRecorder(registry: Registry): HttpRecorder {
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Answered requests.',
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the parsed request head to the answer.',
    labelNames,
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests that are being answered.',
    registers,
  });
  const bodyBytes = new Histogram({
    name: 'http_request_body_bytes',
    help: 'Size of request bodies.',
    buckets: SIZE_BUCKETS,
    registers,
  });
  const shed = new Counter({
    name: 'requests_shed_total',
    help: 'Requests refused because the server could not take them.',
    labelNames: ['reason'],
    registers,
  });
  return {
    began: () => inFlight.inc(),
    ended: (method, route, status, seconds) => {
      const labels = { method: METHODS.has(method) ? method : 'other', route, status };
      inFlight.dec();
      requests.inc(labels);
      duration.observe(labels, seconds);
    },
    body: (bytes) => bodyBytes.observe(bytes),
    shed: (reason) => shed.inc({ reason }),
  };
}
