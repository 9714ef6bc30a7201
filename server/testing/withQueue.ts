import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Mock } from 'vitest';
import { vi } from 'vitest';
import type { Queue, QueueRecorder } from '../inference/queue.ts';
import { createQueue } from '../inference/queue.ts';
import type { PredictOptions, Scores } from '../inference/port.ts';
import type { Model } from '../model/model.ts';
import type { FakePool } from './fakePool.ts';
import { createFakePool } from './fakePool.ts';
import { tinyModel, tinyRows } from './tinyModel.ts';

interface QueueSetting {
  readonly lanes?: number;
  readonly deadlineMs?: number;
  readonly maxQueuedRows?: number;
}

export const MODEL = tinyModel();

export interface QueueUnderTest {
  readonly pool: FakePool;
  readonly recorder: { readonly [Member in keyof QueueRecorder]: Mock<QueueRecorder[Member]> };
  readonly queue: Queue;
  /** Predicts for these values. */
  predict(values: readonly number[], options?: Partial<PredictOptions>, model?: Model): Promise<Scores>;
}

/** A queue with fake lanes, and the calls of its recorder. */
export function makeQueue({
  lanes = 1,
  deadlineMs = 5000,
  maxQueuedRows = 100_000,
}: QueueSetting = {}): QueueUnderTest {
  const pool = createFakePool(lanes);
  const recorder = {
    batch: vi.fn<QueueRecorder['batch']>(),
    queued: vi.fn<QueueRecorder['queued']>(),
    running: vi.fn<QueueRecorder['running']>(),
    fault: vi.fn<QueueRecorder['fault']>(),
  };
  const queue = createQueue({ pool, deadlineMs, maxQueuedRows, recorder });
  let requests = 0;
  const predict = (
    values: readonly number[],
    options: Partial<PredictOptions> = {},
    model = MODEL,
  ): Promise<Scores> => queue.predict(model, tinyRows(values), { requestId: `id-${requests++}`, ...options });
  return { pool, recorder, queue, predict };
}

/** Waits until the queue has dispatched: it does so at the end of a turn. */
export async function settleTurn(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn();
}

/** The values of a request with this many rows. */
export const values = (rows: number, first = 0): number[] =>
  Array.from({ length: rows }, (_, row) => first + row);

export const doubled = (given: readonly number[]): Float64Array =>
  Float64Array.from(given, (value) => 2 * value);
