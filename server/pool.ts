import { Piscina } from 'piscina';
import type { OpenTask, Reply, RunTask, TextCell } from '../worker/protocol.ts';
import type { Model } from './models/model.ts';
import { ModelRefused } from './models/model.ts';
import type { Buffers, Memory } from './opening.ts';
import { allocate, openTask, settle, view } from './opening.ts';
import { within } from './within.ts';

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

export interface Pool {
  readonly lanes: readonly Lane[];
  idle(): readonly Lane[];
  /** Called whenever a thread that was lost has been replaced. */
  onIdle(listener: () => void): void;
  /**
   * Opens and verifies a model in every thread. One of them tries the model's fast path; all take what it decides.
   *
   * @returns the model with the path that is in force
   * @throws {ModelRefused} when a thread refuses it or does not answer in time
   */
  open(model: Model): Promise<Model>;
  /** Ends the threads; only while all are idle, since ending one that runs a model aborts the process. */
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly threads: number;
  /** The thread's entry: worker/predict.ts once built. */
  readonly entry: URL;
  /** Time that a thread has to open and verify one model. */
  readonly openTimeoutMs: number;
  /** A lost thread could not be replaced, so its process should be. */
  readonly onLost: (reason: string) => void;
  /** A thread died and is being replaced. */
  readonly onReplaced: (thread: number, reason: string) => void;
}

type OwnedLane = Lane & {
  open(model: Model): Promise<Reply>;
  close(): Promise<void>;
};

/**
 * A Piscina of exactly one thread: so a model is opened in each thread by name, and each thread's readiness is
 * its own answer (a pool of several counts threads as ready before they have loaded anything).
 */
function createLane(thread: number, options: PoolOptions, onIdle: () => void): OwnedLane {
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
  let running = false;
  let open = false;
  let closed = false;

  const send = async (task: OpenTask | RunTask): Promise<Reply> => {
    busySince = performance.now();
    running = task.kind === 'run';
    try {
      return (await piscina.run(task)) as Reply;
    } catch (error) {
      return { ok: false, code: 'model_not_open', detail: `the thread died: ${String(error)}` };
    } finally {
      busySince = undefined;
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
    buffers: (model) => (models.get(model.id) as { buffers: Buffers }).buffers,
    run: async (model, rows, texts) => {
      const reply = await send({ kind: 'run', model: model.id, rows, texts });
      if (!reply.ok && reply.code === 'model_not_open') void replace(reply.detail);
      return reply;
    },
    open: async (model) => {
      const memory = allocate(model);
      const reply = await openOne(model, memory);
      if (reply.ok) {
        const served = settle(model, reply.refusal);
        models.set(model.id, { model: served, memory, buffers: view(served, memory) });
      }
      open = reply.ok;
      return reply;
    },
    close: async () => {
      closed = true;
      if (busySince !== undefined) throw new Error(`thread ${thread} still works`);
      await piscina.destroy();
    },
  };
}

/** Starts the threads. They can score a model once `open` has resolved for it. */
export function createPool(options: PoolOptions): Pool {
  let onIdle = (): void => {};
  const lanes = Array.from({ length: options.threads }, (_, thread) =>
    createLane(thread, options, () => onIdle()),
  );
  return {
    lanes,
    idle: () => lanes.filter((lane) => lane.idle),
    onIdle: (listener) => {
      onIdle = listener;
    },
    open: async (model) => {
      const openIn = async (chosen: readonly OwnedLane[], candidate: Model): Promise<Reply[]> => {
        const replies = await Promise.all(chosen.map((lane) => lane.open(candidate)));
        const fault = replies.find((reply) => !reply.ok);
        if (fault?.ok === false) throw new ModelRefused(model.id, `${fault.detail} (${fault.code})`);
        return replies;
      };
      const [reply] = await openIn(lanes.slice(0, 1), model);
      const served = settle(model, reply?.ok === true ? reply.refusal : undefined);
      await openIn(lanes.slice(1), served);
      return served;
    },
    close: async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
