import type { Worker } from 'node:cluster';
import { Counter, Gauge, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ToProcess } from '../../messages.ts';
import type { Child } from '../slots.ts';
import { createAggregator } from './aggregate.ts';
import { createClusterRecorder } from './clusterMetrics.ts';
import { createScraper } from './scraper.ts';
import { takeSnapshot } from '../../metrics/snapshot.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Processes that reply to a scrape with these counts, or not at all. */
async function startScraper(counts: readonly (number | 'silent')[]) {
  const registry = new Registry();
  const children: Child[] = [];
  const aggregator = createAggregator();
  const recorder = createClusterRecorder(registry);
  recorder.attach({
    processes: () => children.length,
    models: () => [],
    ready: () => true,
  });
  const scraper = createScraper({ registry, aggregator, recorder, children: () => children });
  const exits: (() => void)[] = [];
  for (const [index, count] of counts.entries()) {
    const own = new Registry();
    new Counter({ name: 'answers_total', help: 'h', registers: [own] }).inc(count === 'silent' ? 0 : count);
    new Gauge({ name: 'queue', help: 'h', registers: [own] }).set(1);
    const metrics = await takeSnapshot(own);
    const pid = index + 1;
    const send = (message: ToProcess): void => {
      if (count === 'silent' || message.type !== 'metrics') return;
      queueMicrotask(() => scraper.receive(pid, { ...message, metrics }));
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

  it('takes the last counts of a slow process, and counts that', async () => {
    const { scraper } = await startScraper([3, 'silent']);
    const own = new Registry();
    new Counter({ name: 'answers_total', help: 'h', registers: [own] }).inc(5);
    scraper.receive(2, { type: 'metrics', prefix: '', metrics: await takeSnapshot(own) });
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

  it('does not take some of the families for all', async () => {
    const { scraper } = await startScraper([3, 'silent']);
    let done = false;
    const text = scraper.expose().finally(() => (done = true));
    scraper.receive(2, { type: 'metrics', prefix: 'shadow_', metrics: [] });
    await vi.advanceTimersByTimeAsync(500);
    expect(done).toBe(false);
    scraper.receive(2, { type: 'metrics', prefix: '', metrics: [] });
    expect(await text).toMatch(/^metrics_stale_processes_total 0$/m);
  });

  it('can run twice at the same time', async () => {
    const { scraper } = await startScraper([3]);
    for (const text of await Promise.all([scraper.expose(), scraper.expose()])) {
      expect(text).toMatch(/^answers_total 3$/m);
    }
  });
});
