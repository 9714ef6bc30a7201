import { setTimeout as delay } from 'node:timers/promises';
import { fromHome } from '../../../../server/platform/install.ts';
import type { Context } from '../context.ts';
import { treeCpuSeconds } from '../cpu.ts';
import { BenchError } from '../../../cli/errors.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { LOOPBACK } from '../ports.ts';
import type { Progress } from '../progress.ts';
import type { ScrapeResult } from '../results.ts';
import type { Table } from '../rows.ts';
import { spawnServer } from '../subjects/server.ts';
import { answers, ask, toNativeBody, until } from '../subjects/subject.ts';

const PROCESSES = 8;
const SCRAPES = 200;
/** Enough that each process has answered some. */
const REQUESTS = 200;
const PAUSE_MS = 25;
/** What the server takes without a scrape is taken off. */
const IDLE_MS = 3000;
const TIMEOUT_MS = 120_000;

export interface ScrapeOptions {
  readonly table: Table;
  readonly progress: Progress;
}

export const STEPS = 1;

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://${LOOPBACK}:${port}/metrics`);
  if (response.status !== 200) throw new BenchError(`a scrape was answered ${response.status}`);
  return response.text();
}

/** Times scrapes of a server of eight processes with all shipped models, which does nothing else. */
export async function runScrapes(
  context: Context,
  { table, progress }: ScrapeOptions,
): Promise<ScrapeResult> {
  progress.step(`scrape: ${SCRAPES} times, ${PROCESSES} processes`);
  const [port, metricsPort] = [await freePort(), await freePort()] as const;
  const options = { name: 'server', repository: fromHome('models'), processes: PROCESSES } as const;
  const child = spawnServer(context, options, [port, metricsPort]);
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(port, '/health/ready');
  await until(context, 'the server is ready', ready, [child], TIMEOUT_MS);
  const subject = { name: 'server', port, path: '/predict', toBody: toNativeBody } as const;
  const row = { ...table, data: table.data.slice(0, 1) };
  for (let sent = 0; sent < REQUESTS; sent++) await ask(subject, row);

  const cpu = (): number => treeCpuSeconds([child.pid]);
  const idle = cpu();
  await delay(IDLE_MS);
  const idleCpuPerSecond = (cpu() - idle) / (IDLE_MS / 1000);

  const milliseconds: number[] = [];
  let text = await scrape(metricsPort);
  const before = cpu();
  const began = performance.now();
  for (let done = 0; done < SCRAPES; done++) {
    const start = performance.now();
    text = await scrape(metricsPort);
    milliseconds.push(performance.now() - start);
    await delay(PAUSE_MS, undefined, { signal: context.signal });
  }
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = cpu() - before - idleCpuPerSecond * seconds;
  await child.stop();
  return {
    processes: PROCESSES,
    series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
    milliseconds,
    cpuMilliseconds: (cpuSeconds * 1000) / SCRAPES,
  };
}
