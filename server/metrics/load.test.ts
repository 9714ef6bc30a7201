import { describe, expect, it, vi } from 'vitest';
import type { FromProcess, ToProcess } from '../messages.ts';
import { LATENCY_BUCKETS } from './buckets.ts';
import { UNKNOWN_LOAD, summariseLoad } from './load.ts';
import { createLoadView } from '../process/loadView.ts';
import type { LoadMonitor } from '../primary/metrics/loadMonitor.ts';
import { createLoadMonitor } from '../primary/metrics/loadMonitor.ts';

const none = Array.from({ length: LATENCY_BUCKETS.length + 1 }, () => 0);

/** Counts with these requests in these buckets. */
const counts = (...requests: readonly (readonly [bucket: number, count: number])[]): number[] =>
  none.map((_, index) => requests.find(([bucket]) => bucket === index)?.[1] ?? 0);

describe('a summary', () => {
  it('has the rate, and quantiles within their buckets', () => {
    const { requestsPerSecond, p50, p99 } = summariseLoad(counts([2, 90], [6, 10]), 2);
    expect(requestsPerSecond).toBe(50);
    expect(p50).toBeCloseTo(0.000_1 + (50 / 90) * 0.000_1, 9);
    expect(p99).toBeCloseTo(0.000_75 + 0.9 * 0.000_25, 9);
  });

  it('has no latency without requests, and no more than the last bound', () => {
    expect(summariseLoad(none, 1)).toEqual({ requestsPerSecond: 0, p50: null, p99: null });
    expect(summariseLoad(counts([LATENCY_BUCKETS.length, 1]), 1).p50).toBe(LATENCY_BUCKETS.at(-1));
  });
});

describe('the monitor', () => {
  /** Runs with a fake clock. */
  const withMonitor = (
    run: (sent: ToProcess[], receive: LoadMonitor['receive'], seconds: (n: number) => void) => void,
  ): void => {
    vi.useFakeTimers();
    try {
      const sent: ToProcess[] = [];
      const monitor = createLoadMonitor({ broadcast: (message) => sent.push(message) });
      run(sent, monitor.receive, (n) => void vi.advanceTimersByTime(n * 1000));
      expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
    } finally {
      vi.useRealTimers();
    }
  };

  it('sums the gains of processes, not their totals', () =>
    withMonitor((sent, say, seconds) => {
      say(1, { type: 'watch' });
      say(1, { type: 'counts', counts: counts([0, 1000]) });
      say(2, { type: 'counts', counts: counts([3, 7]) });
      seconds(1);
      say(1, { type: 'counts', counts: counts([0, 1003]) });
      say(2, { type: 'counts', counts: counts([3, 9]) });
      // This process started in between.
      say(3, { type: 'counts', counts: counts([3, 500]) });
      seconds(1);
      const loads = sent.flatMap((message) => (message.type === 'load' ? [message.load] : []));
      expect(loads.map(({ requestsPerSecond }) => requestsPerSecond)).toEqual([5]);
    }));

  it('measures nothing until a client asks, and stops some seconds after the last question', () =>
    withMonitor((sent, say, seconds) => {
      seconds(10);
      expect(sent).toEqual([]);
      say(1, { type: 'watch' });
      seconds(4);
      say(2, { type: 'watch' });
      seconds(20);
      const asked = sent.length;
      expect(asked).toBe(10);
      expect(vi.getTimerCount()).toBe(0);
      seconds(10);
      expect(sent).toHaveLength(asked);
      say(1, { type: 'watch' });
      expect(sent).toHaveLength(asked + 1);
    }));
});

it('a process asks the primary at most twice a second, and drops old figures', () => {
  vi.useFakeTimers();
  try {
    const sent: FromProcess[] = [];
    const view = createLoadView((message) => sent.push(message));
    expect([view.read(), view.read()]).toEqual([UNKNOWN_LOAD, UNKNOWN_LOAD]);
    expect(sent).toEqual([{ type: 'watch' }]);
    const load = { requestsPerSecond: 1, p50: 0.001, p99: 0.002 };
    view.receive(load);
    vi.advanceTimersByTime(1000);
    expect(view.read()).toEqual(load);
    expect(sent).toHaveLength(2);
    vi.advanceTimersByTime(10_000);
    expect(view.read()).toEqual(UNKNOWN_LOAD);
  } finally {
    vi.useRealTimers();
  }
});
