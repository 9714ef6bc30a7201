import type { Mismatch } from './answers.ts';
import { checkAnswer } from './answers.ts';
import type { Ending, Exchange } from './connection.ts';
import type { EngineEvents } from './engine.ts';
import type { Additivity } from './explanations.ts';
import { addsUp, measureAdditivity } from './explanations.ts';
import type { Histogram } from './histogram.ts';
import { createHistogram } from './histogram.ts';
import type { Slot, Timeline } from './timeline.ts';
import { createTimeline } from './timeline.ts';

/** What failed, counted by each of its marks. */
export interface Failures {
  readonly total: number;
  /** Answers that weren't 200, by status. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** The same answers, by the `code` of their problem. */
  readonly byCode: Readonly<Record<string, number>>;
  /** Requests without an answer: `timeout`, `unsent`, `closed`, `ECONNRESET`, … */
  readonly bySocket: Readonly<Record<string, number>>;
  /** Connections that could not be opened, by reason; each is tried again, and no request is lost by it. */
  readonly connects: Readonly<Record<string, number>>;
  /** Answers with status 200 that can't be compared with the expected labels. */
  readonly unreadable: number;
  readonly mismatched: {
    readonly requests: number;
    readonly rows: number;
    readonly first: readonly Mismatch[];
  };
  /** Answers whose explanations don't add up. */
  readonly notAdditive: number;
}

/** Of all explanations that were asked for. */
export interface Explained {
  readonly requests: number;
  /** The largest differences, as `Additivity` has them. */
  readonly sum: number;
  readonly score: number | undefined;
}

/** All that was counted. Latencies are in milliseconds. */
export interface Recorder extends EngineEvents {
  /** From when a request should have been sent until its answer was there, or it was given up. */
  readonly latency: Histogram;
  /** From when it was sent. */
  readonly service: Histogram;
  /** How late the generator itself was. */
  readonly generatorLag: Histogram;
  readonly ok: number;
  readonly okRows: number;
  readonly elapsedMs: () => number;
  failures(): Failures;
  /** Undefined where none were asked for. */
  explained(): Explained | undefined;
  timeline(): readonly Slot[];
}

const SHOWN_MISMATCHES = 5;
/** Different statuses, codes or faults that are counted apart: a server's own texts must not fill the memory. */
const MAX_NAMES = 50;
const OTHERS = '(others)';

const GIVEN_UP = new Set(['timeout', 'unsent']);

interface Counter {
  add(name: string): void;
  values(): Record<string, number>;
}

function createCounter(): Counter {
  const counts = new Map<string, number>();
  return {
    add(name) {
      const key = counts.has(name) || counts.size < MAX_NAMES ? name : OTHERS;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    values: () => Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
  };
}

function problemCode(body: string): string {
  try {
    const code = (JSON.parse(body) as { code?: unknown } | null)?.code;
    return typeof code === 'string' && code !== '' ? code.slice(0, 60) : '(no code)';
  } catch {
    return '(no code)';
  }
}

/** Compares the explanations of answers, and keeps the largest differences. */
function createExplainedTally() {
  let [requests, sum, notAdditive] = [0, 0, 0];
  let score: number | undefined;
  return {
    add(found: Additivity): boolean {
      requests += 1;
      sum = Math.max(sum, found.sum);
      if (found.score !== undefined) score = Math.max(score ?? 0, found.score);
      const passed = addsUp(found);
      if (!passed) notAdditive += 1;
      return passed;
    },
    explained: (): Explained => ({ requests, sum, score }),
    get notAdditive() {
      return notAdditive;
    },
  };
}

/** Counts what the engine reports. `dataRows` is the number of rows in the data. @param explain as the setting */
export function createRecorder(dataRows: number, explain = false): Recorder {
  const [latency, service, generatorLag] = [createHistogram(), createHistogram(), createHistogram()];
  const [byStatus, byCode, bySocket, connects] = [
    createCounter(),
    createCounter(),
    createCounter(),
    createCounter(),
  ];
  let timeline: Timeline | undefined;
  let startMs: number | undefined;
  let lastMs = 0;
  let [ok, okRows, total, unreadable, mismatchedRequests, mismatchedRows] = [0, 0, 0, 0, 0, 0];
  const first: Mismatch[] = [];
  const tally = createExplainedTally();

  /** Latency of what was answered 200 or given up; quick refusals would only flatter it. */
  const record = (latencyMs: number, serviceMs: number | undefined): void => {
    latency.record(latencyMs);
    if (serviceMs !== undefined) service.record(serviceMs);
  };

  function passes({ request }: Exchange, ending: Ending): boolean {
    if ('fault' in ending) {
      bySocket.add(ending.fault);
      return false;
    }
    if (ending.status !== 200) {
      byStatus.add(String(ending.status));
      byCode.add(problemCode(ending.body));
      return false;
    }
    const verdict = checkAnswer(request, ending.body, dataRows);
    if (verdict === 'right' && !explain) return true;
    const additivity = explain && verdict === 'right' ? measureAdditivity(ending.body) : undefined;
    if (additivity) return tally.add(additivity);
    if (verdict === 'right' || verdict === 'unreadable') {
      unreadable += 1;
      return false;
    }
    mismatchedRequests += 1;
    mismatchedRows += verdict.length;
    first.push(...verdict.slice(0, SHOWN_MISMATCHES - first.length));
    return false;
  }

  return {
    latency,
    service,
    generatorLag,
    get ok() {
      return ok;
    },
    get okRows() {
      return okRows;
    },
    elapsedMs: () => (startMs === undefined ? 0 : Math.max(0, lastMs - startMs)),
    started(nowMs) {
      startMs = lastMs = nowMs;
      timeline = createTimeline(nowMs);
    },
    ended(exchange, ending, nowMs) {
      lastMs = nowMs;
      const waited = nowMs - exchange.dueMs;
      const measured = 'fault' in ending ? GIVEN_UP.has(ending.fault) : ending.status === 200;
      if (measured) record(waited, nowMs - exchange.sentMs);
      const passed = passes(exchange, ending);
      if (passed) {
        ok += 1;
        okRows += exchange.request.rows;
      } else total += 1;
      timeline?.add(nowMs, passed, measured ? waited : undefined);
    },
    unsent(dueMs, nowMs) {
      lastMs = nowMs;
      total += 1;
      bySocket.add('unsent');
      record(nowMs - dueMs, undefined);
      timeline?.add(nowMs, false, nowMs - dueMs);
    },
    refused: (fault) => connects.add(fault),
    lag: (ms) => generatorLag.record(ms),
    failures: () => ({
      total,
      byStatus: byStatus.values(),
      byCode: byCode.values(),
      bySocket: bySocket.values(),
      connects: connects.values(),
      unreadable,
      mismatched: { requests: mismatchedRequests, rows: mismatchedRows, first },
      notAdditive: tally.notAdditive,
    }),
    explained: () => (explain ? tally.explained() : undefined),
    timeline: () => timeline?.slots() ?? [],
  };
}
