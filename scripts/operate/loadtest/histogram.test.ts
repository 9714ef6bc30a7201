import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistogram } from './histogram.ts';

const exact = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? 0;

describe('histogram', () => {
  it('gives percentiles within 0.6 % of the exact ones', () => {
    const latencies = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    const percents = fc.constantFrom(0, 1, 50, 90, 99, 99.9, 100);
    fc.assert(
      fc.property(latencies, percents, (values, percent) => {
        const histogram = createHistogram();
        for (const value of values) histogram.record(value);
        const wanted = exact(
          values.toSorted((a, b) => a - b),
          percent,
        );
        expect(Math.abs(histogram.percentile(percent) / wanted - 1)).toBeLessThan(0.006);
      }),
    );
  });

  it('keeps the extremes, the mean and the number exactly', () => {
    const histogram = createHistogram();
    for (const ms of [0.2, 5.7, 1234.5]) histogram.record(ms);
    expect(histogram.minMs).toBe(0.2);
    expect(histogram.maxMs).toBe(1234.5);
    expect(histogram.meanMs).toBeCloseTo(413.4667, 3);
    expect(histogram.percentile(100)).toBe(1234.5);
  });

  it('puts every latency into one bucket that holds it', () => {
    const histogram = createHistogram();
    const values = [0.0002, 0.4, 0.41, 3, 3.01, 900, 1e9];
    for (const ms of values) histogram.record(ms);
    const buckets = histogram.buckets(8);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    const around3 = buckets.find(({ fromMs, toMs }) => fromMs <= 3 && 3 < toMs);
    expect(around3?.count).toBe(2);
  });

  it('is empty at first, and takes over what another one has', () => {
    const [one, other] = [createHistogram(), createHistogram()];
    expect([one.count, one.percentile(50), one.minMs, one.maxMs, one.meanMs]).toEqual([0, 0, 0, 0, 0]);
    expect(one.buckets(8)).toEqual([]);
    one.record(1);
    other.record(3);
    one.add(other);
    one.add(createHistogram());
    expect([one.count, one.minMs, one.maxMs, one.meanMs]).toEqual([2, 1, 3, 2]);
    expect(one.percentile(50)).toBeCloseTo(1, 1);
  });
});
