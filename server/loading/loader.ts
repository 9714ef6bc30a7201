import type { InlineInference } from '../inference/inline.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import { withChosenPath } from '../inference/openTask.ts';
import type { Pool } from '../inference/pool.ts';
import { findFastPath } from '../compiler/fastPath.ts';
import type { Candidate } from '../repository/listing.ts';
import type { Model } from '../model/model.ts';
import { readVersion } from './readVersion.ts';

export interface LoaderOptions {
  readonly pool: Pool;
  readonly inline: Pick<InlineInference, 'prepare'>;
  readonly recorder: Pick<InferenceRecorder, 'loaded' | 'unloaded'>;
  /** Whether a faster path to a model's answers is looked for. */
  readonly compile: boolean;
}

export interface OpenOptions {
  /** Requests are being answered meanwhile. */
  readonly beside: boolean;
  /**
   * Another process of this server compares the faster path with ONNX Runtime: here the golden rows suffice, and a model
   * that is compiled never needs the runtime.
   */
  readonly trusted: boolean;
}

/** Brings versions into this process and its threads, and out of them. */
export interface Loader {
  /** @returns the model as it will be served, and the time that it took. @throws {ModelRefused} */
  open(candidate: Candidate, how: OpenOptions): Promise<{ readonly model: Model; readonly seconds: number }>;
  /** Gives back all that a model holds. No request may have it any more. */
  close(model: Model): Promise<void>;
}

export function createLoader({ pool, inline, recorder, compile }: LoaderOptions): Loader {
  return {
    open: async (candidate, { beside, trusted }) => {
      const start = performance.now();
      const read = await readVersion(candidate);
      const fast = compile ? await findFastPath(read) : read;
      const found = trusted ? withChosenPath(fast, undefined) : fast;
      const model = await (beside ? pool.openBeside(found) : pool.open(found));
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
