import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { withFoundPath } from '../compiler/fastPath.ts';
import { createEncoder } from '../encoding/encoder.ts';
import type { InlineInference } from '../inference/inline.ts';
import { withChosenPath } from '../inference/openTask.ts';
import type { Pool } from '../inference/pool.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { outputFeed } from '../model/signature.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { LoadingThread } from './loadingThread.ts';
import { loadVersion } from './loadVersion.ts';
import type { LoadTask, LoadedVersion } from './messages.ts';

/**
 * Before a process serves, its event loop may do what threads do otherwise: a start is sooner without them. Not for a
 * larger file, which takes longer than a thread's start (0.1 s); its verifying thread is ended, too, with its memory.
 */
const LARGE_BYTES = 16 * 2 ** 20;

export interface LoaderOptions {
  readonly thread: LoadingThread;
  readonly pool: Pool;
  readonly inline: Pick<InlineInference, 'prepare'>;
  readonly recorder: Pick<InferenceRecorder, 'loaded' | 'unloaded'>;
  /** Whether to look for a fast path to a model's answers. */
  readonly compile: boolean;
  readonly maxModelBytes: number;
}

export interface OpenOptions {
  /** Requests are answered meanwhile. */
  readonly beside: boolean;
  /**
   * Another process of this server compares the fast path with ONNX Runtime. Here the golden rows suffice, and a compiled
   * model never needs the runtime.
   */
  readonly trusted: boolean;
}

/** Opens and closes versions in this process and its threads. */
export interface Loader {
  /** @returns the model as it is served, and the time that it took. @throws {ModelRefused} */
  open(candidate: Candidate, how: OpenOptions): Promise<{ readonly model: Model; readonly seconds: number }>;
  /** Frees all that a model holds. No request may use it any more. */
  close(model: Model): Promise<void>;
}

/** Adds to a version what must be made where it serves: the functions that make its rows a matrix. */
async function complete(candidate: Candidate, version: LoadedVersion): Promise<Model> {
  const { path, signature, golden, probes, mixed, found } = version;
  const { name, version: number, id } = candidate;
  // Requests have their turn between the steps: many categories take milliseconds.
  await turn();
  const encoder = createEncoder(signature);
  const model: Model = {
    name,
    version: number,
    id,
    key: keyOf(candidate),
    path,
    signature,
    encoder,
    output: outputFeed(signature),
    engine: { engine: 'onnxruntime', path: 'whole' },
    golden,
    probes,
    mixed,
  };
  if (found === undefined) return model;
  await turn();
  return withFoundPath(model, found);
}

const isLarge = ({ folder }: Candidate): Promise<boolean> =>
  stat(join(folder, 'model.onnx')).then(
    ({ size }) => size > LARGE_BYTES,
    () => false,
  );

export function createLoader(options: LoaderOptions): Loader {
  const { thread, pool, inline, recorder, compile, maxModelBytes } = options;
  const loadInThread = async (task: LoadTask): Promise<LoadedVersion> => {
    const reply = await thread.load(task);
    if (!reply.ok) throw new ModelRefused(task.candidate.id, reply.reason);
    return reply.version;
  };
  return {
    open: async (candidate, { beside, trusted }) => {
      const start = performance.now();
      const aside = beside || (await isLarge(candidate));
      const task = { candidate, compile, trusted, maxModelBytes };
      const version = await (aside ? loadInThread(task) : loadVersion(task));
      const whole = await complete(candidate, version);
      const found = trusted ? withChosenPath(whole, {}) : whole;
      const { onnx } = version;
      const model = await (aside ? pool.openBeside(found, onnx) : pool.open(found, onnx));
      inline.prepare(model);
      const seconds = (performance.now() - start) / 1000;
      recorder.loaded(model, seconds);
      return { model, seconds };
    },
    close: async (model) => {
      await pool.release(model);
      recorder.unloaded(model);
    },
  };
}
