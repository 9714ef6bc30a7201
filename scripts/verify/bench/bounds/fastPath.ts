import type { MemoryResult, NeighbourResult, Results } from '../results.ts';
import { samplesOf } from '../results.ts';
import type { Spread } from '../statistics.ts';
import { mean, spread } from '../statistics.ts';
import type { Bound, BoundFamily } from './bound.ts';
import { paired } from './paired.ts';

const LOADED = { rows: 1, connections: 64 } as const;
const LONE = { rows: 1, connections: 1 } as const;
const CROWDED = { rows: 1, connections: 512 } as const;
/** The load under which the neighbour's harm is judged; with one connection it is only shown. */
const JUDGED_CONNECTIONS = 64;
const MEGABYTE = 1e6;
/** Growth that the sawtooth of garbage collection makes by itself, in MB. */
const SAWTOOTH_MB = 5;

/** The way of a request from nginx to the batch and back. Limits are tighter once the model is compiled. */
export const fastPath: BoundFamily = (results) => {
  const compiled = results.engine !== 'onnxruntime';
  const rounds = `--parts rounds with the subjects server and echo`;
  return [
    {
      id: 'cpu-per-request',
      what: 'single row, 64 connections: CPU per request against the echo',
      holds: 'at most',
      limit: compiled ? 1.25 : 1.45,
      unit: '',
      measured: paired(
        results,
        ['server', 'echo'],
        LOADED,
        (server, echo) => server.cpuMicroseconds / echo.cpuMicroseconds,
      ),
      needs: rounds,
    },
    {
      id: 'throughput',
      what: 'the same, requests/s',
      holds: 'at least',
      limit: compiled ? 0.8 : 0.7,
      unit: '',
      measured: paired(
        results,
        ['server', 'echo'],
        LOADED,
        (server, echo) => server.requestsPerSecond / echo.requestsPerSecond,
      ),
      needs: rounds,
    },
    {
      id: 'against-fastapi',
      what: 'the same, requests/s against FastAPI + ONNX Runtime without a proxy',
      holds: 'at least',
      limit: compiled ? 2.5 : 2.2,
      unit: '',
      measured: paired(
        results,
        ['server', 'fastapi'],
        LOADED,
        (server, peer) => server.requestsPerSecond / peer.requestsPerSecond,
      ),
      needs: '--peers',
    },
    {
      id: 'lone-row',
      what: "single row, 1 connection: p50 minus the echo's p50",
      holds: 'at most',
      limit: compiled ? 0.06 : 0.2,
      unit: 'ms',
      measured: paired(
        results,
        ['server', 'echo'],
        LONE,
        (server, echo) => server.latencyMs.p50 - echo.latencyMs.p50,
      ),
      needs: rounds,
    },
    ...results.neighbour.filter(({ connections }) => connections === JUDGED_CONNECTIONS).map(beside),
    ...(results.neighbour.length > 0 ? [] : [beside(undefined)]),
    {
      id: 'crowd',
      what: 'requests/s at 512 connections against the best of all',
      holds: 'at least',
      limit: 0.9,
      unit: '',
      measured: crowd(results),
      needs: '--parts rounds with 512 and other connections',
    },
    {
      id: 'memory',
      what: 'memory of the whole tree (PSS) after 100,000 requests',
      holds: 'at most',
      limit: 320,
      unit: 'MB',
      measured: measuredIn(results.memory, atTheEnd),
      needs: '--parts memory',
    },
    {
      id: 'memory-growth',
      what: `its growth in the second half (up to ${SAWTOOTH_MB} MB are the sawtooth of garbage collection)`,
      holds: 'at most',
      limit: SAWTOOTH_MB,
      unit: 'MB',
      measured: measuredIn(results.memory, growthInSecondHalf),
      needs: '--parts memory',
    },
    {
      id: 'start',
      what: 'start to ready, built, warm file cache',
      holds: 'at most',
      limit: 1,
      unit: 's',
      measured: measuredIn(results.startSeconds, (seconds) => seconds),
      needs: '--parts start',
    },
  ];
};

function measuredIn<T>(values: readonly T[], value: (item: T) => number): Spread | undefined {
  return values.length === 0 ? undefined : spread(values.map(value));
}

function beside(neighbour: NeighbourResult | undefined): Bound {
  return {
    id: 'neighbour',
    what: `single row, ${JUDGED_CONNECTIONS} connections: p99 beside a client that sends 10,000 rows a body without pause, against p99 without`,
    holds: 'at most',
    limit: 5,
    unit: '',
    measured: neighbour && spread(slowdowns(neighbour)),
    needs: '--parts neighbour',
  };
}

/** How many times its p99 a single row takes beside the neighbour, round by round. */
export function slowdowns({ aloneMs, besideMs }: NeighbourResult): number[] {
  return besideMs.map((ms, round) => ms / (aloneMs[round] as number));
}

/** The server's requests/s with most connections, against the number of connections that is best for it. */
function crowd(results: Results): Spread | undefined {
  const rates = results.cells
    .filter(({ subject, rows }) => subject === 'server' && rows === 1)
    .map(({ samples }) => spread(samples.map((sample) => sample.requestsPerSecond)).median);
  const crowded = samplesOf(results, 'server', CROWDED);
  if (crowded.length === 0 || rates.length < 2) return undefined;
  const best = Math.max(...rates);
  return spread(crowded.map(({ requestsPerSecond }) => requestsPerSecond / best));
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
