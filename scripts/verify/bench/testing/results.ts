import type { CellResult, Results, Sample } from '../results.ts';
import { SCHEMA } from '../results.ts';

/** A sample with the values that a test is about. */
export const sample = (round: number, changes: Partial<Sample> = {}): Sample => ({
  round,
  seconds: 1,
  requests: 1000,
  requestsPerSecond: 1000,
  cpuMicroseconds: 50,
  latencyMs: { p50: 0.1, p75: 0.2, p90: 0.3, p99: 0.4, max: 0.5 },
  ...changes,
});

export const cell = (
  subject: string,
  connections: number,
  samples: readonly Sample[],
  rows = 1,
): CellResult => ({ subject, rows, connections, samples });

/** A run with the cells that a test is about. */
export const resultsOf = (cells: readonly CellResult[], changes: Partial<Results> = {}): Results => ({
  schema: SCHEMA,
  created: '2026-01-02T03:04:05.678Z',
  version: '1.2.3',
  engine: 'onnxruntime',
  machine: {
    cpuModel: 'A <fast> "CPU"',
    cpus: 2,
    memoryBytes: 8e9,
    kernel: '6.1',
    versions: { node: '20.19.0', nginx: '1.22.1' },
  },
  noise: { othersShare: 0.01, stolenShare: 0 },
  settings: { rounds: 2, secondsPerSample: 1, processes: 2, threadsPerProcess: 1 },
  cells,
  ...changes,
});
