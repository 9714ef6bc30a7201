import type { Reply, TextCell } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Buffers } from '../inference/laneMemory.ts';
import type { Pool } from '../inference/pool.ts';
import type { Lane } from '../inference/lane.ts';
import { isWorking } from '../inference/lane.ts';

/** A batch that a lane was given. */
export interface Run {
  readonly lane: number;
  readonly model: Model;
  readonly values: readonly number[];
  readonly texts: readonly TextCell[];
  /** Ends the run: a tiny model answers twice the value, unless `score` fails the batch. */
  finish(reply?: Reply): void;
}

export interface FakePool extends Pool {
  /** All runs so far, and those that have not ended. */
  readonly runs: readonly Run[];
  readonly running: readonly Run[];
  readonly closed: boolean;
  /** Called when a run begins: for lanes that work by themselves. */
  onRun: (run: Run) => void;
  /** Takes a lane's thread away, until it gets one again. */
  lose(lane: number): void;
  regain(lane: number): void;
}

export const OK: Reply = { ok: true, seconds: 0.001 };

export const FAULT = { ok: false, code: 'run_failed', detail: 'as the test wants' } as const satisfies Reply;

/** Lanes without threads, for tiny models. As in the real pool, a lane reuses its buffers. */
export function createFakePool(lanes: number): FakePool {
  const runs: Run[] = [];
  const lost = new Set<number>();
  let onIdle = (): void => {};
  let closed = false;

  const createLane = (thread: number): Lane => {
    const buffers = new Map<string, Buffers>();
    let task: { readonly kind: 'run'; readonly since: number } | undefined;
    const lane: Lane = {
      thread,
      get state() {
        return task ?? (lost.has(thread) ? 'lost' : 'idle');
      },
      buffers: ({ id }) => {
        const own = buffers.get(id) ?? {
          rows: MAX_BATCH_ROWS,
          cells: new Float64Array(MAX_BATCH_ROWS),
          answers: new Float64Array(MAX_BATCH_ROWS),
        };
        buffers.set(id, own);
        return own;
      },
      explain: () => Promise.resolve(FAULT),
      run: (model, rows, texts) => {
        if (lane.state !== 'idle') throw new Error(`lane ${thread} was given a batch while it was not idle`);
        task = { kind: 'run', since: performance.now() };
        const { cells, answers } = lane.buffers(model);
        return new Promise((resolve) => {
          const run: Run = {
            lane: thread,
            model,
            values: [...cells.subarray(0, rows)],
            texts,
            finish: (reply = OK) => {
              for (let row = 0; row < rows; row++) answers[row] = reply.ok ? 2 * (cells[row] as number) : NaN;
              task = undefined;
              fake.running = fake.running.filter((other) => other !== run);
              resolve(reply);
            },
          };
          runs.push(run);
          fake.running = [...fake.running, run];
          fake.onRun(run);
        });
      },
    };
    return lane;
  };
  const all = Array.from({ length: lanes }, (_, thread) => createLane(thread));
  const fake: Omit<FakePool, 'running'> & { running: readonly Run[] } = {
    lanes: all,
    runs,
    running: [],
    onRun: () => {},
    get closed() {
      return closed;
    },
    idle: () => all.filter(({ state }) => state === 'idle'),
    onIdle: (listener) => {
      onIdle = listener;
    },
    open: (model) => Promise.resolve(model),
    openBeside: (model) => Promise.resolve(model),
    release: () => Promise.resolve(),
    close: () => {
      if (all.some(isWorking)) {
        return Promise.reject(new Error('the pool was closed while a lane was running a model'));
      }
      closed = true;
      return Promise.resolve();
    },
    lose: (lane) => void lost.add(lane),
    regain: (lane) => {
      lost.delete(lane);
      onIdle();
    },
  };
  return fake;
}
