import type { Worker } from 'node:cluster';
import { Counter, Gauge, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Child } from '../slots.ts';
import type { MetricObject } from './aggregate.ts';
import { createAggregator } from './aggregate.ts';
import { createClusterRecorder } from './cluster.ts';
import { createScraper } from './scrape.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Processes that answer a scrape with these counts, or not at all. */
async function startScraper(counts: readonly (number | 'silent')[]) {
  const registry = new Registry();
  const children: Child[] = [];
  const aggregator = createAggregator();
  const recorder = createClusterRecorder(registry, () => children.length);
  const scraper = createScraper({ registry, aggregator, recorder, children: () => children });
  const exits: (() => void)[] = [];
  for (const [index, count] of counts.entries()) {
    const own = new Registry();
    new Counter({ name: 'answers_total', help: 'h', registers: [own] }).inc(count === 'silent' ? 0 : count);
    new Gauge({ name: 'queue', help: 'h', registers: [own] }).set(1);
    const metrics = (await own.getMetricsAsJSON()) as unknown as MetricObject[];
    const pid = index + 1;
    const send = (): void => {
      if (count !== 'silent') queueMicrotask(() => scraper.receive(pid, { type: 'metrics', metrics }));
    };
    const worker = { id: pid, isConnected: () => true, send } as unknown as Worker;
    const exited = new Promise<string>((resolve) => exits.push(() => resolve('code 1')));
    children.push({ pid, worker, leaving: false, exited });
  }
  return { scraper, exits };
}

describe('a scrape', () => {
  it('asks every process', async () => {
    const { scraper } = await startScraper([3, 4]);
    const text = await scraper.expose();
    expect(text).toMatch(/^answers_total 7$/m);
    expect(text).toMatch(/^server_processes 2$/m);
    expect(text).toMatch(/^metrics_stale_processes_total 0$/m);
  });

  it('does not wait for a slow process: it takes its last counts, and counts that', async () => {
    const { scraper } = await startScraper([3, 'silent']);
    scraper.receive(2, {
      type: 'metrics',
      metrics: [
        {
          name: 'answers_total',
          help: 'h',
          type: 'counter',
          aggregator: 'sum',
          values: [{ value: 5, labels: {} }],
        },
      ],
    });
    const text = scraper.expose();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await text).toMatch(/^answers_total 8$/m);
    expect(await text).toMatch(/^metrics_stale_processes_total 1$/m);
  });

  it('does not wait for a process that has died', async () => {
    const { scraper, exits } = await startScraper([3, 'silent']);
    const text = scraper.expose();
    exits[1]?.();
    expect(await text).toMatch(/^answers_total 3$/m);
  });

  it('can go on twice at a time', async () => {
    const { scraper } = await startScraper([3]);
    for (const text of await Promise.all([scraper.expose(), scraper.expose()])) {
      expect(text).toMatch(/^answers_total 3$/m);
    }
  });
});
