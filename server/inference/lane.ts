import { Piscina } from 'piscina';
import type { ExplainTask, PreparedExplanation, TextCell, Reply, Task } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import { deadline } from '../platform/deadline.ts';
import { handOver } from '../platform/handOver.ts';
import type { Buffers, Memory } from './laneMemory.ts';
import { allocateMemory, viewMemory } from './laneMemory.ts';
import { openTask, withChosenPath } from './openTask.ts';

/**
 * What a thread does. `lost`: it doesn't have all of its models (yet, or any more). Otherwise it works on a task, which
 * it began at `since`, in milliseconds of performance.now(); `open` stands for opening and closing a model.
 */
export type LaneState = 'idle' | { readonly kind: 'run' | 'open'; readonly since: number } | 'lost';

/** Rows to explain, or parts of them. */
export type ExplainedRows = Pick<ExplainTask, 'rows' | 'cells' | 'texts' | 'parts'>;

/** One thread and the way to it. */
export interface Lane {
  /** Counted from 0. A replaced thread keeps its number. */
  readonly thread: number;
  readonly state: LaneState;
  buffers(model: Model): Buffers;
  /**
   * Scores the rows in the buffers. Only while idle. Never rejects: a dead thread is a fault, too.
   *
   * @param retryMs how long the rows of a failed run are tried in smaller ones; by default not at all
   */
  run(model: Model, rows: number, texts: readonly TextCell[], retryMs?: number): Promise<Reply>;
  /** Explains rows. Only while idle. Never rejects. */
  explain(model: Model, explanation: PreparedExplanation, task: ExplainedRows): Promise<Reply>;
}

export type OwnedLane = Lane & {
  /** @param onnx the content of the model's file, if it was read and checked already; unless shared, it is handed over */
  open(model: Model, onnx?: Uint8Array): Promise<Reply>;
  release(model: Model): Promise<void>;
  /** @throws {Error} if the thread still works */
  close(): Promise<void>;
};

export const isWorking = ({ state }: Lane): boolean => typeof state === 'object';

export interface PoolOptions {
  readonly threads: number;
  /** The thread's entry: worker/main.ts once built. */
  readonly entry: URL;
  /** Time that a thread has to open and verify one model. */
  readonly openTimeoutMs: number;
  /** The threads only verify models: those that answer requests come first. */
  readonly background?: boolean;
  /** A dead thread could not be replaced: its process should be. */
  readonly onLost: (reason: string) => void;
  /** A thread died and is being replaced. */
  readonly onReplaced: (thread: number, reason: string) => void;
}

/**
 * A Piscina of exactly one thread: a model is opened in each thread by name, and each thread reports its own readiness.
 * A pool of several counts threads as ready before they have loaded anything.
 */
export function createLane(thread: number, options: PoolOptions, onIdle: () => void): OwnedLane {
  const { entry, openTimeoutMs, background = false, onLost, onReplaced } = options;
  const piscina = new Piscina({
    filename: entry.href,
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Infinity,
    recordTiming: false,
  });
  const models = new Map<
    string,
    { readonly model: Model; readonly memory: Memory; readonly buffers: Buffers }
  >();
  /** Models that the thread has prepared to explain. */
  const explained = new Set<string>();
  /** The thread has all of its models. */
  let complete = false;
  let task: Exclude<LaneState, string> | undefined;
  const waiting: (() => void)[] = [];

  const send = async (next: Task): Promise<Reply> => {
    task = {
      kind: next.kind === 'run' || next.kind === 'explain' ? 'run' : 'open',
      since: performance.now(),
    };
    try {
      return (await piscina.run(
        next,
        next.kind === 'open' ? { transferList: handOver(next.whole?.bytes) } : undefined,
      )) as Reply;
    } catch (error) {
      return { ok: false, code: 'model_not_open', detail: `the thread died: ${String(error)}` };
    } finally {
      task = undefined;
      waiting.shift()?.();
    }
  };
  /** A model may be opened or closed while another is scored: the thread does one task after the other. */
  const sendInTurn = (next: Task): Promise<Reply> =>
    task ? new Promise((resolve) => waiting.push(() => resolve(send(next)))) : send(next);
  const openOne = async (model: Model, memory: Memory, onnx?: Uint8Array): Promise<Reply> => {
    try {
      return await deadline(
        sendInTurn({ ...openTask(model, memory, onnx), background }),
        openTimeoutMs,
        'opening it',
      );
    } catch (error) {
      return { ok: false, code: 'model_unreadable', detail: (error as Error).message };
    }
  };
  /** Piscina has started another thread already; it has opened nothing yet. */
  const replace = async (reason: string): Promise<void> => {
    if (!complete) return;
    complete = false;
    explained.clear();
    onReplaced(thread, reason);
    for (const { model, memory } of models.values()) {
      const reply = await openOne(model, memory);
      if (!reply.ok) return onLost(`thread ${thread} could not reopen ${model.id}: ${reply.detail}`);
    }
    complete = true;
    onIdle();
  };
  piscina.on('error', (error: Error) => void replace(error.message));

  return {
    thread,
    get state() {
      return task ?? (complete ? 'idle' : 'lost');
    },
    // For a model that was released: memory without a thread, and `run` answers with a fault.
    buffers: (model) => models.get(model.key)?.buffers ?? viewMemory(model, allocateMemory(model)),
    run: async (model, rows, texts, retryMs = 0) => {
      if (!models.has(model.key)) return { ok: false, code: 'run_failed', detail: 'the model was released' };
      const reply = await send({ kind: 'run', model: model.key, rows, texts, retryMs });
      if (!reply.ok && reply.code === 'model_not_open') void replace(reply.detail);
      return reply;
    },
    explain: async (model, explanation, rows) => {
      const { key } = model;
      if (!models.has(key)) return { ok: false, code: 'run_failed', detail: 'the model was released' };
      const reply = await send({
        kind: 'explain',
        model: key,
        ...rows,
        ...(!explained.has(key) && { explanation }),
      });
      if (reply.ok) explained.add(key);
      else explained.delete(key);
      return reply;
    },
    open: async (model, onnx) => {
      const memory = allocateMemory(model);
      const reply = await openOne(model, memory, onnx);
      if (reply.ok) {
        const served = withChosenPath(model, reply);
        models.set(model.key, { model: served, memory, buffers: viewMemory(served, memory) });
        complete = true;
      }
      onIdle();
      return reply;
    },
    release: async (model) => {
      await sendInTurn({ kind: 'close', model: model.key });
      // The answers of the last batch are read from its buffers in the turn of its reply, which may be this one.
      await new Promise(setImmediate);
      models.delete(model.key);
      explained.delete(model.key);
      onIdle();
    },
    close: async () => {
      // A thread that ends now is not replaced.
      complete = false;
      if (task) throw new Error(`thread ${thread} still works`);
      await piscina.destroy();
    },
  };
}
