import type { Histogram } from './histogram.ts';
import { createHistogram } from './histogram.ts';

/** A step of the test: what ended in it. Latencies are in milliseconds, 0 when none was measured. */
export interface Slot {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly ok: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Timeline {
  add(nowMs: number, ok: boolean, latencyMs: number | undefined): void;
  slots(): Slot[];
}

interface Step {
  ok: number;
  failed: number;
  readonly latency: Histogram;
}

const FIRST_STEP_MS = 100;
/** What a chart can show; some 4 MiB of histograms. */
const MAX_STEPS = 120;

const emptyStep = (): Step => ({ ok: 0, failed: 0, latency: createHistogram() });

function merge(a: Step, b: Step | undefined): Step {
  if (b === undefined) return a;
  a.latency.add(b.latency);
  return { ok: a.ok + b.ok, failed: a.failed + b.failed, latency: a.latency };
}

/**
 * Counts what ends, step by step. How long a test takes isn't known before (--amount, Ctrl-C): steps begin short,
 * and neighbours are merged whenever they become too many.
 */
export function createTimeline(startMs: number): Timeline {
  let steps: Step[] = [];
  let stepMs = FIRST_STEP_MS;
  let lastMs = startMs;

  const indexOf = (nowMs: number): number => Math.max(0, Math.floor((nowMs - startMs) / stepMs));

  return {
    add(nowMs, passed, latencyMs) {
      while (indexOf(nowMs) >= MAX_STEPS) {
        steps = steps.flatMap((step, index) => (index % 2 === 0 ? [merge(step, steps[index + 1])] : []));
        stepMs *= 2;
      }
      while (steps.length <= indexOf(nowMs)) steps.push(emptyStep());
      const step = steps[indexOf(nowMs)] as Step;
      lastMs = Math.max(lastMs, nowMs);
      if (passed) step.ok += 1;
      else step.failed += 1;
      if (latencyMs !== undefined) step.latency.record(latencyMs);
    },
    slots: () =>
      steps.map(({ ok, failed, latency }, index) => ({
        fromSeconds: (index * stepMs) / 1000,
        // The last one is as long as there was something in it, so that its rate is right.
        toSeconds: Math.min((index + 1) * stepMs, Math.max(lastMs - startMs, index * stepMs + 1)) / 1000,
        ok,
        failed,
        p50: latency.percentile(50),
        p99: latency.percentile(99),
      })),
  };
}
