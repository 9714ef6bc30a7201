import { Worker } from 'node:worker_threads';

/** Ticks closer together than this would cost the main thread more than they give in precision. */
const SHORTEST_TICK_MS = 0.25;

/**
 * Node's timers are late by up to a millisecond, several times what an answer takes; spinning would take a core from
 * the server that is measured. A thread that sleeps in Atomics.wait is late by some 0.1 ms. It is given as text
 * since a thread can't load TypeScript. Its clock is hrtime, the only one that all threads share.
 */
const THREAD = `
const { parentPort, workerData: { state, pending, startMs, intervalMs } } = require('node:worker_threads');
const now = () => Number(process.hrtime.bigint()) / 1e6;
Atomics.wait(state, 0, 0);
for (let tick = 1; Atomics.load(state, 0) === 1; tick += 1) {
  tick = Math.max(tick, Math.floor((now() - startMs[0]) / intervalMs));
  const wait = startMs[0] + tick * intervalMs - now();
  if (wait > 0) Atomics.wait(state, 0, 1, wait);
  // A tick that the main thread hasn't taken yet stands for this one as well.
  if (Atomics.exchange(pending, 0, 1) === 0) parentPort.postMessage(0);
}
`;
const RUNNING = 1;
const STOPPED = 2;

export interface Metronome {
  /** Begins to tick: one interval after `startMs` (`performance.now()`), and so on. */
  start(startMs: number): void;
  stop(): void;
}

/** Calls `tick` every `intervalMs` milliseconds, at most 4,000 times a second, once it is started. */
export async function createMetronome(intervalMs: number, tick: () => void): Promise<Metronome> {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const pending = new Int32Array(new SharedArrayBuffer(4));
  const start = new Float64Array(new SharedArrayBuffer(8));
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { state, pending, startMs: start, intervalMs: Math.max(SHORTEST_TICK_MS, intervalMs) },
  });
  worker.on('message', () => {
    Atomics.store(pending, 0, 0);
    tick();
  });
  await new Promise<void>((resolve, reject) => worker.once('online', resolve).once('error', reject));
  const enter = (next: number): void => {
    Atomics.store(state, 0, next);
    Atomics.notify(state, 0);
  };
  return {
    start(startMs) {
      start[0] = Number(process.hrtime.bigint()) / 1e6 - (performance.now() - startMs);
      enter(RUNNING);
    },
    stop: () => enter(STOPPED),
  };
}
