import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../../proxy/testing/nginxMissing.ts';
import { withServer } from '../../../server/testing/startServer.ts';
import { drawPicture } from './picture.ts';
import type { Sample } from './sample.ts';
import { quantile, slope } from './sample.ts';
import { soak } from './soak.ts';
import { growthOf, lostOf, summarize } from './summary.ts';

vi.setConfig({ testTimeout: 90_000 });

const MIB = 1024 ** 2;

describe.skipIf(nginxMissing)(needsNginx('a soak'), () => {
  it('samples a server under load whose answers are checked', () =>
    withServer({}, async (server) => {
      const seen: Sample[] = [];
      const result = await soak(server, {
        minutes: 0.05,
        connections: 2,
        everySeconds: 1,
        interrupt: new AbortController().signal,
        onSample: (sample) => void seen.push(sample),
      });
      expect(result.samples).toEqual(seen);
      expect(seen.length).toBeGreaterThanOrEqual(2);
      for (const { pssBytes, descriptors, p99Ms, p50Ms } of seen) {
        expect(pssBytes).toBeGreaterThan(100 * MIB);
        expect(descriptors).toBeGreaterThan(50);
        // A second without answers has neither.
        if (!Number.isNaN(p50Ms)) expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
      }
      expect(result.report.right).toBeGreaterThan(10);
      expect(lostOf(result.report)).toBe(0);
      expect(summarize(result)).toContain(`${result.report.right} right, 0 not`);
      expect((await server.stop()).code).toBe(0);
    }));
});

describe('a soak’s figures', () => {
  const sample = (seconds: number, pssBytes: number, descriptors: number): Sample => ({
    seconds,
    pssBytes,
    descriptors,
    requestsPerSecond: 1000,
    p50Ms: 1,
    p99Ms: NaN,
    failed: 0,
  });
  /** Steep at first, then a MiB and two descriptors a minute. */
  const samples = [0, 1, 2, 3].map((minute) =>
    sample(minute * 60, (minute < 2 ? 50 * minute : 98 + minute) * MIB, 100 + 2 * minute),
  );

  it('measure growth in the second half', () => {
    const { memoryMibPerHour, descriptorsPerHour } = growthOf(samples);
    expect(memoryMibPerHour).toBeCloseTo(60);
    expect(descriptorsPerHour).toBeCloseTo(120);
    expect(slope([])).toBe(0);
    expect(slope([[1, 1]])).toBe(0);
    expect([quantile([1, 2, 3, 4], 0.5), quantile([1, 2], 1), quantile([], 0.5)]).toEqual([3, 2, NaN]);
  });

  it('make a picture without NaN', () => {
    const picture = drawPicture(samples);
    expect(picture.match(/<polyline /g)).toHaveLength(5);
    expect(picture).not.toContain('NaN');
  });
});
