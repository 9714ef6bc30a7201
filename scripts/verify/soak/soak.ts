import { setTimeout as delay } from 'node:timers/promises';
import { readAdultRows } from '../../../server/testing/adultRows.ts';
import type { LoadReport } from '../../../server/testing/load.ts';
import { singles, startLoad, together } from '../../../server/testing/load.ts';
import type { Server } from '../../../server/testing/startServer.ts';
import { treePssBytes } from '../bench/processTree.ts';
import { startProbe } from './probe.ts';
import type { Sample } from './sample.ts';
import { countDescriptors, quantile } from './sample.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly connections: number;
  readonly everySeconds: number;
  /** Ends the run early; what was measured is reported. */
  readonly interrupt: AbortSignal;
  readonly onSample: (sample: Sample) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly report: LoadReport;
}

/** Mostly lone rows, some requests of a hundred, one of a thousand. */
function cases() {
  const rows = readAdultRows();
  return [
    ...singles(rows.slice(0, 500)),
    together(rows.slice(500, 600)),
    ...singles(rows.slice(600, 1100)),
    together(rows.slice(1100, 1200)),
    together(rows.slice(2000, 3000)),
  ];
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

/** Loads a server, and samples it at a steady pace. */
export async function soak(server: Server, options: SoakOptions): Promise<SoakResult> {
  const { minutes, connections, everySeconds, interrupt, onSample } = options;
  const all = cases();
  const maxMs = minutes * 60_000;
  const load = startLoad({ port: server.port, connections, cases: all, maxMs: maxMs + 60_000 });
  const probe = startProbe(server.port, all[0] as (typeof all)[number]);
  const samples: Sample[] = [];
  const start = performance.now();
  let [before, right] = [start, load.right];
  while (performance.now() - start < maxMs && !interrupt.aborted) {
    await pause(everySeconds * 1000, interrupt);
    const now = performance.now();
    const times = probe.take();
    const sample: Sample = {
      seconds: (now - start) / 1000,
      pssBytes: treePssBytes([server.pid]),
      descriptors: countDescriptors(server.pid),
      requestsPerSecond: (load.right - right) / ((now - before) / 1000),
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
      failed: load.failed,
    };
    [before, right] = [now, load.right];
    samples.push(sample);
    onSample(sample);
  }
  await probe.stop();
  return { samples, report: await load.stop() };
}
