import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { settle } from './openTask.ts';
import type { Lane, OwnedLane, PoolOptions } from './lane.ts';
import { createLane } from './lane.ts';

/** Time that the thread which verifies new versions is kept for the next one. */
const SCOUT_MS = 3000;

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
