import { scoreAll } from '../../worker/compare.ts';
import { createExplainer } from '../../worker/explanation/explainer.ts';
import { explainLinear } from '../../worker/explanation/linear.ts';
import { openModel } from '../../worker/openModel.ts';
import type { PreparedExplanation } from '../../worker/protocol.ts';
import { createSampledExplainer } from '../../worker/sampledExplainer.ts';
import { findFastPath } from '../compiler/fastPath.ts';
import type { Contributions } from '../inference/explanationJob.ts';
import { contributionsOf, createJob, taskOf, unitsOf } from '../inference/explanationJob.ts';
import { allocateMemory } from '../inference/laneMemory.ts';
import { openTask, withChosenPath } from '../inference/openTask.ts';
import { loadExplanation } from '../loading/explanation/loadExplanation.ts';
import { readModelVersion } from '../loading/readModelVersion.ts';
import type { Model } from '../model/model.ts';
import type { Candidate } from '../repository/listing.ts';

/** A version that is opened and explained in this thread. */
export interface ExplainedModel {
  readonly model: Model;
  readonly prepared: PreparedExplanation;
  /** @returns contributions [rows, outputs, columns] */
  explain(columns: readonly string[], data: readonly (readonly unknown[])[]): Promise<Contributions>;
  /** @returns [rows, answerWidth] */
  answers(columns: readonly string[], data: readonly (readonly unknown[])[]): Promise<Float64Array>;
  close(): Promise<void>;
}

/** @param compile whether its fast path is taken. @throws {Error} with the reason, for a model that can't be explained */
export async function openExplained(candidate: Candidate, compile = true): Promise<ExplainedModel> {
  const read = await readModelVersion(candidate);
  const onnx = await read.readOnnx();
  const found = onnx && compile ? findFastPath(read.model, onnx) : read.model;
  const opened = await openModel(openTask(found, allocateMemory(found)));
  const { scorer, width, batching: batched, refusal } = opened;
  const model = withChosenPath(found, { batched, ...(refusal !== undefined && { refusal }) });
  const prepared = await loadExplanation({
    candidate,
    maxModelBytes: Infinity,
    sha256: model.signature.sha256,
    path: model.engine.path,
  });
  if ('reason' in prepared) {
    await scorer.close();
    throw new Error(prepared.reason);
  }
  const sampled = prepared.kind === 'sampled' ? createSampledExplainer(prepared, scorer, width) : undefined;
  const trees = prepared.kind === 'trees' ? createExplainer(prepared) : undefined;
  return {
    model,
    prepared,
    explain: async (columns, data) => {
      const rows = model.encoder.encode(columns, data);
      const job = createJob(model, prepared, rows, 'test', () => {});
      // Row by row, as a busy server does.
      const units = unitsOf(prepared);
      for (let from = 0; from < job.units; from += units) {
        const task = taskOf(job, from, units);
        const cells = task.cells as Float32Array;
        const own =
          prepared.kind === 'linear'
            ? explainLinear(prepared, cells, task.rows)
            : (trees?.explain(cells, task.rows) ??
              (await sampled?.explain(task, task.parts?.from ?? 0, task.parts?.count ?? 0)));
        job.results.set(own as Float64Array, (from / units) * (job.results.length / rows.rows));
      }
      if (sampled) job.base = await sampled.base();
      return contributionsOf(job);
    },
    answers: (columns, data) => scoreAll(scorer, model.encoder.encode(columns, data), width),
    close: () => scorer.close(),
  };
}
