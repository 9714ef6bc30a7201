import { setTimeout as delay } from 'node:timers/promises';
import { fromHome } from '../../../../server/platform/install.ts';
import { Failure } from '../../../cli/faults.ts';
import { LOOPBACK } from '../context.ts';
import type { Part } from '../part.ts';
import { treeCpuSeconds } from '../processTree.ts';
import { startServer } from '../subjects/server.ts';
import { ask } from '../subjects/subject.ts';
import { many, number } from '../text.ts';

const PROCESSES = 8;
const SCRAPES = 200;
/** Enough that each process has answered some. */
const REQUESTS = 200;
const PAUSE_MS = 25;
/** Measures the CPU time without scrapes, which is subtracted. */
const IDLE_MS = 3000;

/** Scrapes of a server that does nothing else. */
interface ScrapeResult {
  readonly processes: number;
  /** Lines of an answer. */
  readonly series: number;
  /** From each request to its whole answer. */
  readonly milliseconds: readonly number[];
  /** CPU time of all processes for one. */
  readonly cpuMilliseconds: number;
}

async function scrapeOnce(port: number): Promise<string> {
  const response = await fetch(`http://${LOOPBACK}:${port}/metrics`);
  if (response.status !== 200) throw new Failure(`a scrape was answered ${response.status}`);
  return response.text();
}

/** Times scrapes of an idle server of eight processes with all shipped models. */
export const scrape: Part<ScrapeResult> = {
  name: 'scrape',
  field: 'scrape',
  steps: () => 1,
  run: async ({ context, table }, progress) => {
    progress.step(`scrape: ${SCRAPES} times, ${PROCESSES} processes`);
    const options = { name: 'server', repository: fromHome('models'), processes: PROCESSES } as const;
    const server = await startServer(context, options);
    const row = { ...table, data: table.data.slice(0, 1) };
    for (let sent = 0; sent < REQUESTS; sent++) await ask(server, row);

    const cpu = (): number => treeCpuSeconds(server.pids);
    const idle = cpu();
    await delay(IDLE_MS);
    const idleCpuPerSecond = (cpu() - idle) / (IDLE_MS / 1000);

    const milliseconds: number[] = [];
    let text = await scrapeOnce(server.metricsPort);
    const before = cpu();
    const began = performance.now();
    for (let done = 0; done < SCRAPES; done++) {
      const start = performance.now();
      text = await scrapeOnce(server.metricsPort);
      milliseconds.push(performance.now() - start);
      await delay(PAUSE_MS, undefined, { signal: context.signal });
    }
    const seconds = (performance.now() - began) / 1000;
    const cpuSeconds = cpu() - before - idleCpuPerSecond * seconds;
    await server.stop();
    return {
      processes: PROCESSES,
      series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
      milliseconds,
      cpuMilliseconds: (cpuSeconds * 1000) / SCRAPES,
    };
  },
  table: ({ processes, series, milliseconds, cpuMilliseconds }) => {
    const sorted = milliseconds.toSorted((a, b) => a - b);
    const at = (share: number): string => number(sorted[Math.ceil(share * sorted.length) - 1] ?? NaN);
    return (
      `Scrape: ${processes} processes, ${many(series, 'line')}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `CPU ${number(cpuMilliseconds)} ms`
    );
  },
};
