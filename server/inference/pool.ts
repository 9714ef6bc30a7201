import { Piscina } from 'piscina';
import type { Reply, Task, TextCell } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/model.ts';
import type { Buffers, Memory } from './openTask.ts';
import { allocate, openTask, settle, view } from './openTask.ts';
import { within } from '../platform/deadline.ts';

/** Time that the thread which verifies new versions is kept for the next one. */
const SCOUT_MS = 3000;

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
  /** Lets a thread begin to open a model that is to be verified. What goes wrong is told by `open`. */
  prepare(model: Model): void;
  /**
   * Opens and verifies a model in every thread. One of them tries the model's fast path; all take what it decides.
   *
   * @returns the model with the path that is in force
   * @throws {ModelRefused} when a thread refuses it or does not answer in time
   */
  open(model: Model): Promise<Model>;
  /**
   * As `open`, while requests are answered: a thread that is started for it does the verification, and each of the
   * others only takes the result, one after the other.
   *
   * @throws {ModelRefused}
   */
  openBeside(model: Model): Promise<Model>;
  /** Closes a model in every thread. Nobody may ask for it any more; what still runs is finished. */
  release(model: Model): Promise<void>;
  /** Ends the threads; only while all are idle, since ending one that runs a model aborts the process. */
  close(): Promise<void>;
}

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

type OwnedLane = Lane & {
  prepare(model: Model): void;
  open(model: Model): Promise<Reply>;
  release(model: Model): Promise<void>;
  /** Whether it does anything, be it scoring or opening. */
  readonly working: boolean;
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

/** Starts the threads. They can score a model once `open` has resolved for it. */
export function createPool(options: PoolOptions): Pool {
  let onIdle = (): void => {};
  const lanes = Array.from({ length: options.threads }, (_, thread) =>
    createLane(thread, options, () => onIdle()),
  );
  const openIn = async (lane: OwnedLane, candidate: Model): Promise<Model> => {
    const reply = await lane.open(candidate);
    if (!reply.ok) throw new ModelRefused(candidate.id, `${reply.detail} (${reply.code})`);
    return settle(candidate, reply.refusal);
  };
  const startScout = (): OwnedLane =>
    createLane(lanes.length, { ...options, onLost: () => {}, onReplaced: () => {} }, () => {});
  /** Idle, and kept for a moment: where one version comes, others often do. */
  let scout: { readonly lane: OwnedLane; readonly end: NodeJS.Timeout } | undefined;
  const takeScout = (): OwnedLane => {
    const lane = scout?.lane ?? startScout();
    clearTimeout(scout?.end);
    scout = undefined;
    return lane;
  };
  const endScout = async (): Promise<void> => {
    if (scout) await takeScout().close();
  };
  /** Has the model verified by a thread of its own. */
  const tryBeside = async (model: Model): Promise<Model> => {
    const lane = takeScout();
    try {
      return await openIn(lane, model);
    } finally {
      if (lane.working) options.onLost(`a thread still opens ${model.id}`);
      else {
        await lane.release(model);
        scout = { lane, end: setTimeout(() => void endScout(), SCOUT_MS).unref() };
      }
    }
  };
  const release = async (model: Model): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.release(model)));
  };
  return {
    lanes,
    idle: () => lanes.filter((lane) => lane.idle),
    onIdle: (listener) => {
      onIdle = listener;
    },
    prepare: (model) => lanes[0]?.prepare(model),
    open: async (model) => {
      try {
        const served = await openIn(lanes[0] as OwnedLane, model);
        // All of them, also when one refuses it: none that still opens it is taken for one that hangs.
        const opened = await Promise.allSettled(lanes.slice(1).map((lane) => openIn(lane, served)));
        for (const one of opened) if (one.status === 'rejected') throw one.reason;
        return served;
      } catch (error) {
        // Whatever is opened next would wait behind it, and be refused for that. The refusal is told before.
        if (lanes.some(({ working }) => working))
          setImmediate(() => options.onLost(`a thread still opens ${model.id}`));
        else await release(model);
        throw error;
      }
    },
    openBeside: async (model) => {
      const served = await tryBeside(model);
      try {
        for (const lane of lanes) await openIn(lane, served);
      } catch (error) {
        await release(served);
        throw error;
      }
      return served;
    },
    release,
    close: async () => {
      await endScout();
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
