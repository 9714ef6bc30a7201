import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { InlineInference } from '../inference/inline.ts';
import { withChosenPath } from '../inference/openTask.ts';
import type { Pool } from '../inference/pool.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Candidate } from '../repository/listing.ts';
import { completeModel } from './completeModel.ts';
import type { LoadingThread } from './loadingThread.ts';
import { loadVersion } from './loadVersion.ts';
import type { ExplainedFiles, ExplainedVersion, Importance } from './explanation/files.ts';
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
  /** Why the fast path isn't taken. Otherwise it is taken on trust: the golden rows suffice, and no runtime is needed. */
  readonly fastRefused?: string | undefined;
}

/** Opens and closes versions in this process and its threads. */
export interface Loader {
  /** @returns the model as it is served, and the time that it took. @throws {ModelRefused} */
  open(candidate: Candidate, how: OpenOptions): Promise<{ readonly model: Model; readonly seconds: number }>;
  /** Reads what explanations of an open version need. @throws {ModelRefused} when that can't be read */
  explain(model: Model): Promise<ExplainedVersion>;
  /** @returns undefined where threads must compute it. @throws {ModelRefused} */
  importance(model: Model): Promise<Importance | undefined>;
  /** Frees all that a model holds. No request may use it any more. */
  close(model: Model): Promise<void>;
}

const isLarge = ({ folder }: Candidate): Promise<boolean> =>
  stat(join(folder, 'model.onnx')).then(
    ({ size }) => size > LARGE_BYTES,
    () => false,
  );

export function createLoader(options: LoaderOptions): Loader {
  const { thread, pool, inline, recorder, compile, maxModelBytes } = options;
  const candidates = new WeakMap<Model, Candidate>();
  const loadInThread = async (task: LoadTask): Promise<LoadedVersion> => {
    const reply = await thread.load(task);
    if (!reply.ok) throw new ModelRefused(task.candidate.id, reply.reason);
    return reply.version;
  };
  const filesOf = (model: Model): ExplainedFiles => {
    const candidate = candidates.get(model);
    if (!candidate) throw new ModelRefused(model.id, 'it is no longer open');
    return { candidate, maxModelBytes, sha256: model.signature.sha256, path: model.engine.path };
  };
  return {
    open: async (candidate, { beside, fastRefused }) => {
      const start = performance.now();
      const aside = beside || (await isLarge(candidate));
      const task = { candidate, compile: fastRefused ?? compile, compare: false, maxModelBytes };
      const version = await (aside ? loadInThread(task) : loadVersion(task));
      const found = withChosenPath(await completeModel(candidate, version), {});
      const { onnx } = version;
      const model = await (aside ? pool.openBeside(found, onnx) : pool.open(found, onnx));
      candidates.set(model, candidate);
      inline.prepare(model);
      // It plans at its first body, and no request should wait for that.
      model.encoder.readBytes?.(Buffer.alloc(0), 'native');
      const seconds = (performance.now() - start) / 1000;
      recorder.loaded(model, seconds);
      return { model, seconds };
    },
    explain: async (model) => {
      const reply = await thread.explain(filesOf(model));
      if (!reply.ok) throw new ModelRefused(model.id, reply.reason);
      return reply.version;
    },
    importance: async (model) => {
      const reply = await thread.importance(filesOf(model));
      if (!reply.ok) throw new ModelRefused(model.id, reply.reason);
      return reply.version;
    },
    close: async (model) => {
      await pool.release(model);
      recorder.unloaded(model);
    },
  };
}
