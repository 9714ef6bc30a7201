import { setPriority } from 'node:os';
import { findFailedRows } from './failedRows.ts';
import { TaskFault, toFault } from './fault.ts';
import type { OpenModel } from './openModel.ts';
import { openModel } from './openModel.ts';
import type { Done, ExplainTask, PreparedExplanation, Reply, RunTask, Task } from './protocol.ts';

/** As that of a loading thread. */
const BACKGROUND_NICENESS = 5;

const models = new Map<string, OpenModel>();
type Explain = (task: ExplainTask) => Promise<Partial<Done>> | Partial<Done>;
const explainers = new Map<string, Explain>();

async function run(task: RunTask): Promise<Partial<Done>> {
  const { model, texts, rows } = task;
  const opened = models.get(model);
  if (!opened) throw new TaskFault('model_not_open', `this thread has not opened ${model}`);
  try {
    await opened.scorer.score(opened.cells, texts, rows, opened.answers);
    return {};
  } catch (error) {
    const failed = await findFailedRows(opened, task, error);
    return failed.length === 0 ? {} : { failed };
  }
}

/** The code of each kind is loaded at its first use. */
async function prepareExplainer(model: string, explanation: PreparedExplanation): Promise<Explain> {
  switch (explanation.kind) {
    case 'trees': {
      const { createExplainer } = await import('./explanation/explainer.ts');
      const explainer = createExplainer(explanation);
      return ({ cells, rows }) => ({ contributions: explainer.explain(cells as Float32Array, rows) });
    }
    case 'linear': {
      const { explainLinear } = await import('./explanation/linear.ts');
      return ({ cells, rows }) => ({
        contributions: explainLinear(explanation, cells as Float32Array, rows),
      });
    }
    case 'sampled': {
      const { createSampledExplainer } = await import('./sampledExplainer.ts');
      const { scorer, width } = models.get(model) as OpenModel;
      const explainer = createSampledExplainer(explanation, scorer, width);
      return async ({ parts = { from: 0, count: 0 }, ...rows }) => ({
        contributions: await explainer.explain(rows, parts.from, parts.count),
        base: await explainer.base(),
      });
    }
  }
}

async function explain(task: ExplainTask): Promise<Partial<Done>> {
  const { model, explanation } = task;
  let explainer = explainers.get(model);
  if (!explainer) {
    if (!explanation || !models.has(model))
      throw new TaskFault('model_not_open', `this thread has not prepared to explain ${model}`);
    explainers.set(model, (explainer = await prepareExplainer(model, explanation)));
  }
  return explainer(task);
}

/** Frees a model's memory outside of JavaScript's heap. Unknown models are ignored: a replacement thread has none. */
async function close(model: string): Promise<void> {
  const opened = models.get(model);
  models.delete(model);
  explainers.delete(model);
  await opened?.scorer.close();
}

async function work(task: Task): Promise<Partial<Done>> {
  switch (task.kind) {
    case 'run':
      return run(task);
    case 'explain':
      return explain(task);
    case 'close':
      await close(task.model);
      return {};
    case 'open': {
      // On Linux that of this thread alone.
      if (task.background && process.platform === 'linux') setPriority(BACKGROUND_NICENESS);
      const opened = await openModel(task);
      await close(task.model);
      models.set(task.model, opened);
      const { refusal, batching } = opened;
      return { batched: batching, ...(refusal !== undefined && { refusal }) };
    }
  }
}

/** The entry of a thread, called by Piscina: a task in, a tagged reply out. It never throws. */
export default async function predict(task: Task): Promise<Reply> {
  const start = performance.now();
  try {
    const done = await work(task);
    return { ok: true, seconds: (performance.now() - start) / 1000, ...done };
  } catch (error) {
    return toFault(error, task.kind === 'run' || task.kind === 'explain' ? 'run_failed' : 'model_unreadable');
  }
}
