import { setTimeout as delay } from 'node:timers/promises';
import { Failure, Interrupted } from '../../../cli/faults.ts';
import { target } from '../measure.ts';
import type { Part } from '../part.ts';
import { treePssBytes } from '../processTree.ts';
import { mean, spreadOf } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';
import { runWrk } from '../wrk.ts';

const REQUESTS = 100_000;
const CELL = { rows: 1, connections: 64 } as const;
/** Length of the first load, which shows how long the rest takes. */
const PROBE_SECONDS = 1;
const LONGEST_SECONDS = 300;
const SAMPLE_EVERY_MS = 250;
const MEGABYTE = 1e6;
/** Growth within the sawtooth of garbage collection, in MB. */
const SAWTOOTH_MB = 5;

/** Memory of the server's whole process tree while it answers single rows. */
interface MemoryResult {
  readonly requests: number;
  readonly samples: readonly {
    /** Since the load began. */
    readonly seconds: number;
    readonly pssBytes: number;
  }[];
}

/** Samples the memory of a server from its start on. */
export const memory: Part<readonly MemoryResult[]> = {
  name: 'memory',
  field: 'memory',
  steps: () => 1,
  run: async ({ context, repository, loads }, progress) => {
    progress.step(`memory: ${REQUESTS} requests to a fresh server`);
    const server = await startServer(context, { name: 'server', repository });
    const script = await loads(server, CELL.rows);
    const began = performance.now();
    const elapsed = (): number => (performance.now() - began) / 1000;
    const samples: MemoryResult['samples'][number][] = [];
    const take = (): void => void samples.push({ seconds: elapsed(), pssBytes: treePssBytes(server.pids) });
    const send = async (seconds: number): Promise<number> => {
      const sent = runWrk(context, target(server, CELL), { ...CELL, script, seconds });
      return (await sampleDuring(sent, take)).requests;
    };
    take();
    const probed = await send(PROBE_SECONDS);
    let requests = probed;
    while (requests < REQUESTS) {
      if (context.signal.aborted) throw new Interrupted();
      if (elapsed() > LONGEST_SECONDS) {
        throw new Failure(
          `memory: only ${requests} of ${REQUESTS} requests were answered within ${LONGEST_SECONDS} s`,
        );
      }
      const needed = Math.ceil((REQUESTS - requests) / (probed / PROBE_SECONDS));
      requests += await send(Math.min(needed, LONGEST_SECONDS));
    }
    take();
    await server.stop();
    return [{ requests, samples }];
  },
  bounds: (results = []) => [
    {
      id: 'memory',
      what: 'memory of the whole tree (PSS) after 100,000 requests',
      holds: 'at most',
      limit: 240,
      unit: 'MB',
      measured: spreadOf(results.map(atTheEnd)),
      needs: '--parts memory',
    },
    {
      id: 'memory-growth',
      what: `its growth in the second half (up to ${SAWTOOTH_MB} MB are the sawtooth of garbage collection)`,
      holds: 'at most',
      limit: SAWTOOTH_MB,
      unit: 'MB',
      measured: spreadOf(results.map(growthInSecondHalf)),
      needs: '--parts memory',
    },
  ],
};

async function sampleDuring<T>(work: Promise<T>, take: () => void): Promise<T> {
  let done = false;
  const ended = work.finally(() => (done = true));
  // The loop only reads `done`; the return below passes a failure on.
  ended.catch(() => {});
  while (!done) {
    take();
    await Promise.race([ended.catch(() => {}), delay(SAMPLE_EVERY_MS)]);
  }
  return ended;
}

const atTheEnd = ({ samples }: MemoryResult): number => (samples.at(-1)?.pssBytes ?? 0) / MEGABYTE;

/** The mean of the last quarter less that of the quarter before it, in MB. */
export function growthInSecondHalf({ samples }: MemoryResult): number {
  const end = samples.at(-1)?.seconds ?? 0;
  const quarter = (from: number, to: number): number =>
    mean(
      samples
        .filter(({ seconds }) => seconds >= from * end && seconds <= to * end)
        .map(({ pssBytes }) => pssBytes / MEGABYTE),
    );
  return quarter(0.75, 1) - quarter(0.5, 0.75);
}
