import { Piscina } from 'piscina';
import type { TextCell, Reply, Task } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import { within } from '../platform/deadline.ts';
import type { Buffers, Memory } from './laneMemory.ts';
import { allocate, view } from './laneMemory.ts';
import { openTask, settle } from './openTask.ts';

/** One thread and the way to it. */
export interface Lane {
  /** Counted from 0. A replaced thread keeps its number. */
  readonly thread: number;
  readonly idle: boolean;
  /** When the batch that it works on was sent, or undefined while it has none. */
  readonly busySince: number | undefined;
  buffers(model: Model): Buffers;
  /** Scores the rows in the buffers. Only while idle. Never rejects: a dead thread is a fault, too. */
  run(model: Model, rows: number, texts: readonly TextCell[]): Promise<Reply>;
}

export type OwnedLane = Lane & {
  prepare(model: Model): void;
  open(model: Model): Promise<Reply>;
  release(model: Model): Promise<void>;
  /** Whether it does anything, be it scoring or opening. */
  readonly working: boolean;
  close(): Promise<void>;
};

export interface PoolOptions {
  readonly threads: number;
  /** The thread's entry: worker/main.ts once built. */
  readonly entry: URL;
  /** Time that a thread has to open and verify one model. */
  readonly openTimeoutMs: number;
  /** A lost thread could not be replaced, so its process should be. */
  readonly onLost: (reason: string) => void;
  /** A thread died and is being replaced. */
  readonly onReplaced: (thread: number, reason: string) => void;
}

/**
 * A Piscina of exactly one thread: so a model is opened in each thread by name, and each thread's readiness is
 * its own answer (a pool of several counts threads as ready before they have loaded anything).
 */
export function createLane(thread: number, options: PoolOptions, onIdle: () => void): OwnedLane {
  const { entry, openTimeoutMs, onLost, onReplaced } = options;
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
  let busySince: number | undefined;
  let pending = 0;
  let running = false;
  let open = false;
  let closed = false;

  const send = async (task: Task): Promise<Reply> => {
    // A model may be closed while another is scored: the thread does one after the other.
    pending++;
    busySince ??= performance.now();
    running ||= task.kind === 'run';
    try {
      return (await piscina.run(task)) as Reply;
    } catch (error) {
      return { ok: false, code: 'model_not_open', detail: `the thread died: ${String(error)}` };
    } finally {
      if (--pending === 0) {
        busySince = undefined;
        running = false;
      }
    }
  };
  const openOne = async (model: Model, memory: Memory): Promise<Reply> => {
    try {
      return await within(send(openTask(model, memory)), openTimeoutMs, 'opening it');
    } catch (error) {
      return { ok: false, code: 'model_unreadable', detail: (error as Error).message };
    }
  };
  /** Piscina has started another thread by now; it has opened nothing yet. */
  const replace = async (reason: string): Promise<void> => {
    if (closed || !open) return;
    open = false;
    onReplaced(thread, reason);
    for (const { model, memory } of models.values()) {
      const reply = await openOne(model, memory);
      if (!reply.ok) return onLost(`thread ${thread} could not reopen ${model.id}: ${reply.detail}`);
    }
    open = true;
    onIdle();
  };
  piscina.on('error', (error: Error) => void replace(error.message));

  return {
    thread,
    get idle() {
      return open && busySince === undefined;
    },
    get busySince() {
      return running ? busySince : undefined;
    },
    // Whoever asks for a model that was released gets memory that leads nowhere, and a fault.
    buffers: (model) => models.get(model.key)?.buffers ?? view(model, allocate(model)),
    run: async (model, rows, texts) => {
      if (!models.has(model.key)) return { ok: false, code: 'run_failed', detail: 'the model was released' };
      const reply = await send({ kind: 'run', model: model.key, rows, texts });
      if (!reply.ok && reply.code === 'model_not_open') void replace(reply.detail);
      return reply;
    },
    prepare: ({ key, path, signature: { sha256 } }) =>
      void send({ kind: 'prepare', model: key, whole: { path, sha256 } }),
    open: async (model) => {
      const memory = allocate(model);
      const reply = await openOne(model, memory);
      if (reply.ok) {
        const served = settle(model, reply.refusal);
        models.set(model.key, { model: served, memory, buffers: view(served, memory) });
        open = true;
      }
      onIdle();
      return reply;
    },
    release: async (model) => {
      await send({ kind: 'close', model: model.key });
      // A batch that was running is fetched from its buffers in the turn of its reply, which may be this one.
      await new Promise(setImmediate);
      models.delete(model.key);
      onIdle();
    },
    get working() {
      return busySince !== undefined;
    },
    close: async () => {
      closed = true;
      if (busySince !== undefined) throw new Error(`thread ${thread} still works`);
      await piscina.destroy();
    },
  };
}
