import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { BenchError, Interrupted } from '../../../cli/errors.ts';
import type { Loads } from '../loads.ts';
import { target } from '../measure.ts';
import { treePssBytes } from '../memory.ts';
import type { Progress } from '../progress.ts';
import type { MemoryResult, MemorySample } from '../results.ts';
import { startServer } from '../subjects/server.ts';
import { runWrk } from '../wrk.ts';

const REQUESTS = 100_000;
const CELL = { rows: 1, connections: 64 } as const;
/** The first load tells how long the rest takes. */
const PROBE_SECONDS = 1;
const LONGEST_SECONDS = 300;
const SAMPLE_EVERY_MS = 250;

export interface MemoryOptions {
  readonly repository: string;
  readonly loads: Loads;
  readonly progress: Progress;
}

export const STEPS = 1;

/** Watches the memory of a fresh server over so many requests. */
export async function runMemory(context: Context, options: MemoryOptions): Promise<MemoryResult> {
  const { repository, loads, progress } = options;
  progress.step(`memory: ${REQUESTS} requests to a fresh server`);
  const server = await startServer(context, { name: 'server', repository });
  const script = await loads(server, CELL.rows);
  const began = performance.now();
  const samples: MemorySample[] = [];
  const take = (): void =>
    void samples.push({
      seconds: (performance.now() - began) / 1000,
      pssBytes: treePssBytes(server.pids),
    });
  const load = async (seconds: number): Promise<number> => {
    const sent = runWrk(context, target(server, CELL), { ...CELL, script, seconds });
    return (await sampleDuring(sent, take)).requests;
  };
  take();
  const probed = await load(PROBE_SECONDS);
  let requests = probed;
  while (requests < REQUESTS) {
    const elapsed = (performance.now() - began) / 1000;
    if (context.signal.aborted) throw new Interrupted();
    if (elapsed > LONGEST_SECONDS) {
      throw new BenchError(
        `memory: only ${requests} of ${REQUESTS} requests were answered within ${LONGEST_SECONDS} s`,
      );
    }
    const needed = Math.ceil((REQUESTS - requests) / (probed / PROBE_SECONDS));
    requests += await load(Math.min(needed, LONGEST_SECONDS));
  }
  take();
  await server.stop();
  return { requests, samples };
}

async function sampleDuring<T>(work: Promise<T>, take: () => void): Promise<T> {
  let done = false;
  const ended = work.finally(() => (done = true));
  // Its failure is this function's: until then the loop only looks at `done`.
  ended.catch(() => {});
  while (!done) {
    take();
    await Promise.race([ended.catch(() => {}), delay(SAMPLE_EVERY_MS)]);
  }
  return ended;
}
