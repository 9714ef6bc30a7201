import { describe, expect, it } from 'vitest';
import type { Results } from './results.ts';
import { cell, resultsOf, sample } from './testing/results.ts';
import type { Verdict } from './bound.ts';
import { judgeAll } from './catalogue.ts';
import { growthInSecondHalf } from './parts/memory.ts';
import type { OverloadSample } from './parts/overload.ts';

function verdict(results: Results, id: string): Verdict {
  const found = judgeAll(results).filter((candidate) => candidate.id === id);
  expect(found, id).toHaveLength(1);
  return found[0] as Verdict;
}

const cpu = (...values: number[]) => values.map((cpuMicroseconds, k) => sample(k + 1, { cpuMicroseconds }));
const rate = (...values: number[]) =>
  values.map((requestsPerSecond, k) => sample(k + 1, { requestsPerSecond }));
const latency = (p50: number, p99 = 1) => [sample(1, { latencyMs: { p50, p75: 1, p90: 1, p99, max: 1 } })];

it('measures nothing in an empty run', () => {
  expect(new Set(judgeAll(resultsOf([])).map((bound) => bound.verdict))).toEqual(new Set(['not measured']));
});

describe('CPU per request against the echo', () => {
  it('is the median of the ratios within each round', () => {
    const results = resultsOf([cell('echo', 64, cpu(50, 100, 40)), cell('server', 64, cpu(70, 130, 80))]);
    expect(verdict(results, 'cpu-per-request')).toMatchObject({
      verdict: 'pass',
      limit: 1.45,
      measured: { median: 1.4, min: 1.3, max: 2 },
    });
  });

  it('has a tighter bound for a compiled model', () => {
    const results = resultsOf([cell('echo', 64, cpu(50)), cell('server', 64, cpu(70))], { engine: 'forest' });
    expect(verdict(results, 'cpu-per-request')).toMatchObject({ verdict: 'fail', limit: 1.08 });
  });

  it('is not measured at other numbers of connections', () => {
    const results = resultsOf([cell('echo', 16, cpu(50)), cell('server', 16, cpu(70))]);
    expect(verdict(results, 'cpu-per-request').verdict).toBe('not measured');
  });
});

it('holds throughput against the echo and against FastAPI', () => {
  const results = resultsOf([
    cell('echo', 64, rate(1000)),
    cell('server', 64, rate(690)),
    cell('fastapi', 64, rate(300)),
  ]);
  expect(verdict(results, 'throughput')).toMatchObject({ verdict: 'fail', measured: { median: 0.69 } });
  expect(verdict(results, 'against-fastapi')).toMatchObject({ verdict: 'pass', measured: { median: 2.3 } });
});

it('takes the difference of the lone row', () => {
  const results = resultsOf([cell('echo', 1, latency(0.125)), cell('server', 1, latency(0.375))]);
  expect(verdict(results, 'lone-row')).toMatchObject({
    verdict: 'fail',
    measured: { median: 0.25 },
    unit: 'ms',
  });
});

it("judges a neighbour's harm at 64 connections", () => {
  const neighbour = [
    { connections: 1, aloneMs: [1], besideMs: [50] },
    { connections: 64, aloneMs: [2, 4, 2], besideMs: [8, 8, 10] },
  ];
  expect(verdict(resultsOf([], { neighbour }), 'neighbour')).toMatchObject({
    verdict: 'pass',
    measured: { median: 4, min: 2, max: 5 },
  });
});

it('compares 512 connections with the best', () => {
  const results = resultsOf([
    cell('server', 1, rate(100)),
    cell('server', 64, rate(1000, 1000)),
    cell('server', 512, rate(850, 890)),
  ]);
  expect(verdict(results, 'crowd')).toMatchObject({ verdict: 'fail', measured: { median: 0.87 } });
  expect(verdict(resultsOf([cell('server', 512, rate(9))]), 'crowd').verdict).toBe('not measured');
});

it('takes the memory at the end, and its growth from the third to the last quarter', () => {
  const memory = [
    {
      requests: 100_000,
      samples: [100, 200, 300, 301, 302, 303, 310, 311, 312].map((megabytes, seconds) => ({
        seconds,
        pssBytes: megabytes * 1e6,
      })),
    },
  ];
  expect(growthInSecondHalf(memory[0]!)).toBeCloseTo(311 - (302 + 303 + 310) / 3);
  const results = resultsOf([], { memory });
  expect(verdict(results, 'memory')).toMatchObject({ verdict: 'fail', measured: { median: 312 } });
  expect(verdict(results, 'memory-growth').verdict).toBe('fail');
});

it('compares the rows of files with those of bodies in the same round', () => {
  const file = { file: rate(3, 1.8, 4), bodies: rate(400, 200, 400) };
  expect(verdict(resultsOf([], { file }), 'file')).toMatchObject({
    verdict: 'fail',
    limit: 1,
    measured: { median: 0.9, min: 0.75, max: 1 },
  });
});

it('takes the median of the starts', () => {
  expect(verdict(resultsOf([], { startSeconds: [3, 0.7, 0.6, 0.7, 1.1] }), 'start')).toMatchObject({
    verdict: 'pass',
    measured: { median: 0.7, max: 3 },
  });
});

it('holds what an idle server and many models cost', () => {
  const models = {
    startSeconds: 9,
    idlePercent: 1.5,
    pssBytes: 240e6,
    scrapeBytes: 299_000,
    listMilliseconds: [5, 30, 6],
  };
  const results = resultsOf([], { idlePercent: 0.4, models });
  const verdicts = ['idle', 'models-start', 'models-idle', 'models-memory', 'models-scrape', 'models-list'];
  expect(verdicts.map((id) => verdict(results, id).verdict)).toEqual([
    'pass',
    'fail',
    'pass',
    'pass',
    'pass',
    'pass',
  ]);
});

it('compares gRPC with HTTP in the same round', () => {
  const samples = (...microseconds: number[]) =>
    microseconds.map((value) => ({ microseconds: value, callsPerSecond: 1 }));
  const grpc = [
    {
      rows: 1,
      http: samples(50, 100, 60),
      grpc: samples(65, 140, 90),
      shared: samples(1, 1, 1),
      mlserver: samples(650, 2800),
    },
    { rows: 1000, http: samples(4000), grpc: samples(4160), shared: samples(9000) },
  ];
  const results = resultsOf([], { grpc });
  expect(verdict(results, 'grpc-1')).toMatchObject({
    verdict: 'fail',
    limit: 1.35,
    measured: { median: 1.4, min: 1.3, max: 1.5 },
  });
  expect(verdict(results, 'grpc-mlserver')).toMatchObject({
    verdict: 'fail',
    measured: { median: 15, max: 20 },
  });
  expect(verdict(results, 'grpc-1000')).toMatchObject({ verdict: 'pass', measured: { median: 1.04 } });
});

describe('overload', () => {
  const overloaded = (rows: number, changes: Partial<OverloadSample> = {}): OverloadSample => ({
    ...{ rows, capacity: 1000, offered: 3000, sent: 3000, answered: 860, refused: 2140 },
    ...{ refusalMicroseconds: 10, latestMs: 900, unanswered: 0, pssBytes: 250e6 },
    ...changes,
  });
  const run = (...overload: OverloadSample[]): Results => resultsOf([], { overload });

  it('holds what is answered against the capacity', () => {
    const results = run(overloaded(100), overloaded(1000), overloaded(1000, { answered: 990 }));
    expect(verdict(results, 'overload-100')).toMatchObject({ verdict: 'pass', measured: { median: 0.86 } });
    expect(verdict(results, 'overload-1000')).toMatchObject({ verdict: 'fail', measured: { median: 0.925 } });
    expect(verdict(results, 'overload-1').verdict).toBe('not measured');
  });

  it('leaves out of the capacity for single rows what the refusals cost', () => {
    const half = { refused: 50_000, refusalMicroseconds: 10, answered: 450 };
    expect(verdict(run(overloaded(1, half)), 'overload-1')).toMatchObject({
      verdict: 'pass',
      measured: { median: 0.9 },
    });
  });

  it('takes the latest answer of all, and none for one that never came', () => {
    expect(verdict(run(overloaded(1), overloaded(1, { latestMs: 6000 })), 'overload-latest').verdict).toBe(
      'fail',
    );
    expect(verdict(run(overloaded(1), overloaded(1, { unanswered: 1 })), 'overload-latest').verdict).toBe(
      'fail',
    );
  });

  it('takes the growth of the memory between rounds', () => {
    const grown = run(overloaded(1000), overloaded(1000, { pssBytes: 300e6 }));
    expect(verdict(grown, 'overload-memory')).toMatchObject({ verdict: 'fail', measured: { median: 50 } });
    expect(verdict(run(overloaded(1000)), 'overload-memory').verdict).toBe('not measured');
  });
});

describe('the compiler', () => {
  const pair = (rows: number, onnxRuntime: number[], ours: number[]) => ({ rows, onnxRuntime, ours });

  it('is as many times as fast as the median of the rounds says', () => {
    const results = resultsOf([], {
      compiler: { kernel: [pair(16, [10, 8, 9], [2, 4, 3])], path: [pair(256, [8], [4])] },
    });
    expect(verdict(results, 'kernel-16')).toMatchObject({ verdict: 'pass', measured: { median: 3, min: 2 } });
    expect(verdict(results, 'kernel-1').verdict).toBe('not measured');
    expect(verdict(results, 'path-256')).toMatchObject({ verdict: 'fail', limit: 3.5 });
  });

  it("judges large bodies against the echo's time and that of the bare runtime", () => {
    const connections = 16;
    const large = (subject: string, cpuMicroseconds: number, requestsPerSecond: number) =>
      cell(subject, connections, [sample(1, { cpuMicroseconds, requestsPerSecond })], 1000);
    const results = resultsOf(
      [large('echo', 1000, 1), large('server', 3000, 600), large('fastapi', 1, 200)],
      {
        compiler: { kernel: [pair(1000, [5], [1])], path: [] },
      },
    );
    expect(verdict(results, 'large-cpu')).toMatchObject({ verdict: 'fail', measured: { median: 0.5 } });
    expect(verdict(results, 'large-fastapi')).toMatchObject({ verdict: 'fail', measured: { median: 3 } });
  });

  it('adds to the time of loading what the rounds differ by', () => {
    const results = resultsOf([], { load: { auto: [1, 0.75, 2], onnxruntime: [0.5, 0.5, 0.5] } });
    expect(verdict(results, 'load')).toMatchObject({ verdict: 'fail', measured: { median: 0.5, min: 0.25 } });
  });
});
