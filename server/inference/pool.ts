import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { withChosenPath } from './openTask.ts';
import type { Lane, OwnedLane, PoolOptions } from './lane.ts';
import { createLane, isWorking } from './lane.ts';

/** Time that a thread which verified a version is kept for the next one. */
const SCOUT_MS = 3000;
/** Its time to open a version, in times that of other threads: these come first on a busy machine. */
const SCOUT_PATIENCE = 10;

export interface Pool {
  readonly lanes: readonly Lane[];
  idle(): readonly Lane[];
  /** The listener is called whenever a thread may have become idle without a reply. */
  onIdle(listener: () => void): void;
  /**
   * Opens and verifies a model in every thread. The first one decides how rows are run; the others take its result.
   *
   * @param onnx the content of the model's file, if it was read and checked already; unless shared, it is handed over
   * @returns the model with the chosen path
   * @throws {ModelRefused} when a thread refuses it or does not answer in time
   */
  open(model: Model, onnx?: Uint8Array): Promise<Model>;
  /**
   * As `open`, while requests are answered: a thread started for that verifies the model, and the lanes only take its
   * result, one after the other.
   *
   * @throws {ModelRefused}
   */
  openBeside(model: Model, onnx?: Uint8Array): Promise<Model>;
  /** Closes a model in every thread once its last batch has ended. No request may need it any more. */
  release(model: Model): Promise<void>;
  /** Ends the threads; only while all are idle, since ending one that runs a model aborts the process. */
  close(): Promise<void>;
}

/** Starts the threads. They can score a model once `open` has resolved. */
export function createPool(options: PoolOptions): Pool {
  let onIdle = (): void => {};
  const lanes = Array.from({ length: options.threads }, (_, thread) =>
    createLane(thread, options, () => onIdle()),
  );
  const openIn = async (lane: OwnedLane, candidate: Model, onnx?: Uint8Array): Promise<Model> => {
    const reply = await lane.open(candidate, onnx);
    if (!reply.ok) throw new ModelRefused(candidate.id, `${reply.detail} (${reply.code})`);
    return withChosenPath(candidate, reply);
  };
  const startScout = (): OwnedLane =>
    createLane(
      lanes.length,
      {
        ...options,
        background: true,
        openTimeoutMs: SCOUT_PATIENCE * options.openTimeoutMs,
        onLost: () => {},
        onReplaced: () => {},
      },
      () => {},
    );
  /** Idle, and kept for a while: new versions often come together. */
  let scout: { readonly lane: OwnedLane; readonly end: NodeJS.Timeout } | undefined;
  /** At work. */
  let scouting: OwnedLane | undefined;
  const takeScout = (): OwnedLane => {
    const lane = scout?.lane ?? startScout();
    clearTimeout(scout?.end);
    scout = undefined;
    return lane;
  };
  const endScout = async (): Promise<void> => {
    if (scout) await takeScout().close();
  };
  /** Verifies the model in a thread started for that. */
  const tryBeside = async (model: Model, onnx?: Uint8Array): Promise<Model> => {
    const lane = takeScout();
    scouting = lane;
    try {
      return await openIn(lane, model, onnx);
    } finally {
      if (isWorking(lane)) options.onLost(`a thread still opens ${model.id}`);
      else {
        await lane.release(model);
        scouting = undefined;
        scout = { lane, end: setTimeout(() => void endScout(), SCOUT_MS).unref() };
      }
    }
  };
  const release = async (model: Model): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.release(model)));
  };
  return {
    lanes,
    idle: () => lanes.filter(({ state }) => state === 'idle'),
    onIdle: (listener) => {
      onIdle = listener;
    },
    open: async (model, onnx) => {
      try {
        const served = await openIn(lanes[0] as OwnedLane, model, onnx);
        // Waits for all threads even when one refuses it: one that still opens it must not be taken for a hung one.
        const opened = await Promise.allSettled(lanes.slice(1).map((lane) => openIn(lane, served, onnx)));
        for (const one of opened) if (one.status === 'rejected') throw one.reason;
        return served;
      } catch (error) {
        // The next model would wait behind it, and be refused for that. The refusal is reported first.
        if (lanes.some(isWorking)) setImmediate(() => options.onLost(`a thread still opens ${model.id}`));
        else await release(model);
        throw error;
      }
    },
    openBeside: async (model, onnx) => {
      const served = await tryBeside(model, onnx);
      try {
        for (const lane of lanes) await openIn(lane, served, onnx);
      } catch (error) {
        await release(served);
        throw error;
      }
      return served;
    },
    release,
    close: async () => {
      // It may be within ONNX Runtime, where it can't be ended.
      if (scouting) throw new Error('a thread still opens a model');
      await endScout();
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
