import type { InlineInference } from '../inference/inline.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import { withChosenPath } from '../inference/openTask.ts';
import type { Pool } from '../inference/pool.ts';
import { findFastPath } from '../compiler/fastPath.ts';
import type { Candidate } from '../repository/listing.ts';
import type { Model } from '../model/model.ts';
import { readModelVersion } from './readModelVersion.ts';

export interface LoaderOptions {
  readonly pool: Pool;
  readonly inline: Pick<InlineInference, 'prepare'>;
  readonly recorder: Pick<InferenceRecorder, 'loaded' | 'unloaded'>;
  /** Whether to look for a fast path to a model's answers. */
  readonly compile: boolean;
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

export function createLoader({ pool, inline, recorder, compile }: LoaderOptions): Loader {
  /** A function of its own, so that the file's bytes are free while threads open the model. */
  const read = async (candidate: Candidate, { trusted }: OpenOptions): Promise<Model> => {
    const { model, readOnnx } = await readModelVersion(candidate);
    const onnx = compile ? await readOnnx() : undefined;
    const fast = onnx ? findFastPath(model, onnx) : model;
    return trusted ? withChosenPath(fast, {}) : fast;
  };
  return {
    open: async (candidate, how) => {
      const start = performance.now();
      const found = await read(candidate, how);
      const model = await (how.beside ? pool.openBeside(found) : pool.open(found));
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
