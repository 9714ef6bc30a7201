import type { Pair } from '../../../../worker/forest/testing/measure.ts';
import type { Results } from '../results.ts';
import type { Spread } from '../statistics.ts';
import { spread } from '../statistics.ts';
import type { Bound, BoundFamily } from './bound.ts';
import { paired } from './paired.ts';

/** How many times as fast as ONNX Runtime on the same ready matrix, by rows a call. */
const KERNEL_BOUNDS = [
  [1, 1.5],
  [16, 2.5],
  [256, 3],
  [1000, 3],
] as const;
/** How many times as fast as the whole graph, encoding and tensors included. */
const PATH_BOUNDS = [
  [1, 4],
  [256, 3.5],
] as const;
const LARGE = { rows: 1000, connections: 16 } as const;

/** What the model compiler gains, and what it costs when a model is loaded. */
export const compiler: BoundFamily = (results) => [
  ...KERNEL_BOUNDS.map(([rows, limit]) => speedUp(results.compiler?.kernel, 'kernel', rows, limit)),
  ...PATH_BOUNDS.map(([rows, limit]) => speedUp(results.compiler?.path, 'path', rows, limit)),
  {
    id: 'large-cpu',
    what: '1,000 rows, 16 connections: CPU per request against echo + bare ONNX Runtime on the ready matrix',
    holds: 'at most',
    limit: 0.6,
    unit: '',
    measured: largeCpu(results),
    needs: '--parts rounds,compiler with 1,000 rows',
  },
  {
    id: 'large-fastapi',
    what: 'the same, rows/s against FastAPI + ONNX Runtime without a proxy',
    holds: 'at least',
    limit: 2.8,
    unit: '',
    measured: paired(
      results,
      ['server', 'fastapi'],
      LARGE,
      (server, peer) => server.requestsPerSecond / peer.requestsPerSecond,
    ),
    needs: '--peers with 1,000 rows',
  },
  {
    id: 'load',
    what: 'time that compiler and verification add to loading the model',
    holds: 'at most',
    limit: 0.4,
    unit: 's',
    measured: added(results),
    needs: '--parts load',
  },
];

const NAMES = {
  kernel: 'forest kernel against ONNX Runtime on the same matrix',
  path: 'encoding and kernel against the whole graph',
};

function speedUp(
  pairs: readonly Pair[] | undefined,
  kind: 'kernel' | 'path',
  rows: number,
  limit: number,
): Bound {
  const pair = pairs?.find((candidate) => candidate.rows === rows);
  return {
    id: `${kind}-${rows}`,
    what: `${NAMES[kind]}, ${rows.toLocaleString('en-US')} rows a call: times as fast`,
    holds: 'at least',
    limit,
    unit: '',
    measured: pair && spread(pair.onnxRuntime.map((time, round) => time / (pair.ours[round] as number))),
    needs: '--parts compiler',
  };
}

/** The floor is what nobody can save: HTTP, nginx and JSON, and then ONNX Runtime with nothing around it. */
function largeCpu(results: Results): Spread | undefined {
  const bare = results.compiler?.kernel.find(({ rows }) => rows === LARGE.rows);
  if (!bare) return undefined;
  const microseconds = LARGE.rows * spread(bare.onnxRuntime).median;
  return paired(
    results,
    ['server', 'echo'],
    LARGE,
    (server, echo) => server.cpuMicroseconds / (echo.cpuMicroseconds + microseconds),
  );
}

function added({ load }: Results): Spread | undefined {
  if (!load) return undefined;
  return spread(load.auto.map((seconds, round) => seconds - (load.onnxruntime[round] as number)));
}
