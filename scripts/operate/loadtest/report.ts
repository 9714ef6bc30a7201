import { softwareVersion } from '../../../server/platform/install.ts';
import type { Remains } from './engine.ts';
import { formatMs } from './format.ts';
import type { Bucket, Histogram } from './histogram.ts';
import type { Explained, Failures, Recorder } from './recorder.ts';
import type { Rows } from './rows.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './timeline.ts';

/** Latencies in milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly p99_99: number;
  readonly max: number;
}

/** A point of the percentile curve: `percent` % of the requests took no longer than `ms`. */
export interface CurvePoint {
  readonly percent: number;
  readonly ms: number;
}

/** The result of a load test, as --json saves it. */
export interface Report {
  readonly format: 'servemodel-loadtest/1';
  readonly version: string;
  readonly node: string;
  readonly started: string;
  readonly interrupted: boolean;
  readonly settings: {
    readonly url: string;
    readonly data: string;
    readonly rows: number;
    readonly rowsPerRequest: number;
    readonly loop: 'closed' | 'open';
    readonly connections: number;
    /** Requests per second; null in a closed loop. */
    readonly rate: number | null;
    readonly durationSeconds: number;
    readonly amount: number | null;
    readonly timeoutSeconds: number;
    /** Names only: values may be secret. */
    readonly headers: readonly string[];
    readonly checked: boolean;
  };
  readonly totals: {
    readonly elapsedSeconds: number;
    readonly requests: number;
    readonly ok: number;
    readonly failed: number;
    /** On their way, or due and not sent, when the test was interrupted. */
    readonly unfinished: number;
    readonly rows: number;
    readonly requestsPerSecond: number;
    readonly rowsPerSecond: number;
  };
  /** From when a request should have been sent; of the answers with status 200 and of the requests given up. */
  readonly latency: Latencies;
  /** From when it was sent: what a test that omits the waiting would show. The same in a closed loop. */
  readonly service: Latencies;
  readonly histogram: readonly Bucket[];
  readonly curve: readonly CurvePoint[];
  readonly serviceCurve: readonly CurvePoint[];
  readonly timeline: readonly Slot[];
  readonly failures: Failures;
  /** With --explain: how far explanations were from what they must equal. */
  readonly explained: Explained | null;
  readonly generator: {
    /** Share of the time in which the load generator's own thread was busy, 0 to 1. */
    readonly busy: number;
    /** 99th percentile of its own lateness in sending, milliseconds; open loop only. */
    readonly lagP99: number;
  };
  /** What makes the numbers less sure. */
  readonly warnings: readonly string[];
}

const BARS_PER_DOUBLING = 8;
const BUSY = 0.9;
const LATE_MS = 2;

const latenciesOf = (histogram: Histogram): Latencies => ({
  count: histogram.count,
  min: histogram.minMs,
  mean: histogram.meanMs,
  p50: histogram.percentile(50),
  p75: histogram.percentile(75),
  p90: histogram.percentile(90),
  p95: histogram.percentile(95),
  p99: histogram.percentile(99),
  p99_9: histogram.percentile(99.9),
  p99_99: histogram.percentile(99.99),
  max: histogram.maxMs,
});

/** Points that lie evenly on an axis of nines (90, 99, 99.9 …), as far as there are requests between them. */
function curveOf(histogram: Histogram): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let nines = 0; histogram.count > 0; nines += 0.05) {
    const above = 10 ** -nines;
    const percent = 100 * (1 - above);
    points.push({ percent, ms: histogram.percentile(percent) });
    if (above * histogram.count < 1) break;
  }
  return points;
}

function warningsOf(settings: Settings, recorder: Recorder, busy: number, failed: number): string[] {
  const warnings: string[] = [];
  const lag = recorder.generatorLag.percentile(99);
  if (busy > BUSY) {
    warnings.push(
      `The load generator was busy ${Math.round(busy * 100)} % of the time: it may be what was measured, not the server.`,
    );
  }
  if (lag > LATE_MS) {
    warnings.push(
      `The load generator itself was late by ${formatMs(lag)} (p99) in sending; latencies contain that.`,
    );
  }
  const unsent = recorder.failures().bySocket['unsent'] ?? 0;
  if (unsent > 0) {
    warnings.push(
      `Requests never sent, ${unsent} of them: all ${settings.connections} connections were busy for longer than the timeout.`,
    );
  }
  if (recorder.ok === 0 && failed === 0) warnings.push('No request was answered.');
  return warnings;
}

interface Outcome {
  readonly settings: Settings;
  readonly rows: Rows;
  readonly recorder: Recorder;
  readonly remains: Remains;
  readonly started: Date;
  readonly interrupted: boolean;
  /** Share of the time in which this process's thread was busy, 0 to 1. */
  readonly busy: number;
}

/** Puts together what was measured. */
export function createReport({
  settings,
  rows,
  recorder,
  remains,
  started,
  interrupted,
  busy,
}: Outcome): Report {
  const failures = recorder.failures();
  const requests = recorder.ok + failures.total;
  const measured = recorder.elapsedMs() / 1000;
  // The last request of an open loop has a share of the time of its own, though its answer comes sooner.
  const elapsed = settings.rate === undefined ? measured : Math.max(measured, requests / settings.rate);
  const perSecond = (count: number): number => (elapsed === 0 ? 0 : count / elapsed);
  return {
    format: 'servemodel-loadtest/1',
    version: softwareVersion(),
    node: process.version,
    started: started.toISOString(),
    interrupted,
    settings: {
      url: settings.url.href,
      data: rows.name,
      rows: rows.data.length,
      rowsPerRequest: settings.rowsPerRequest,
      loop: settings.rate === undefined ? 'closed' : 'open',
      connections: settings.connections,
      rate: settings.rate ?? null,
      durationSeconds: settings.durationSeconds,
      amount: Number.isFinite(settings.amount) ? settings.amount : null,
      timeoutSeconds: settings.timeoutSeconds,
      headers: Object.keys(settings.headers),
      checked: rows.expected !== undefined,
    },
    totals: {
      elapsedSeconds: elapsed,
      requests,
      ok: recorder.ok,
      failed: failures.total,
      unfinished: remains.unfinished,
      rows: recorder.okRows,
      requestsPerSecond: perSecond(recorder.ok),
      rowsPerSecond: perSecond(recorder.okRows),
    },
    latency: latenciesOf(recorder.latency),
    service: latenciesOf(recorder.service),
    histogram: recorder.latency.buckets(BARS_PER_DOUBLING),
    curve: curveOf(recorder.latency),
    serviceCurve: curveOf(recorder.service),
    timeline: recorder.timeline(),
    failures,
    explained: recorder.explained() ?? null,
    generator: { busy, lagP99: recorder.generatorLag.percentile(99) },
    warnings: warningsOf(settings, recorder, busy, failures.total),
  };
}

/** True when a request failed, a connection was refused, or nothing was answered. */
export const hasFailed = ({ totals, failures }: Report): boolean =>
  totals.failed > 0 || totals.ok === 0 || Object.keys(failures.connects).length > 0;

/** Every kind of failure with its count, in words; the parts of one table in both reports. */
export function failureLines({ failures }: Report): { kind: string; name: string; count: number }[] {
  const lines = (
    kind: string,
    counts: Readonly<Record<string, number>>,
  ): { kind: string; name: string; count: number }[] =>
    Object.entries(counts).map(([name, count]) => ({ kind, name, count }));
  return [
    ...lines('status', failures.byStatus),
    ...lines('code', failures.byCode),
    ...lines('no answer', failures.bySocket),
    ...lines('connecting', failures.connects),
    ...(failures.unreadable > 0 ? lines('answer', { unreadable: failures.unreadable }) : []),
    ...(failures.mismatched.requests > 0
      ? lines('answer', { 'wrong label': failures.mismatched.requests })
      : []),
    ...(failures.notAdditive > 0 ? lines('answer', { "doesn't add up": failures.notAdditive }) : []),
  ];
}
