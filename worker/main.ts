import { setPriority } from 'node:os';
import type { Explainer } from './explanation/explainer.ts';
import { findFailedRows } from './failedRows.ts';
import { TaskFault, toFault } from './fault.ts';
import type { OpenModel } from './openModel.ts';
import { openModel } from './openModel.ts';
import type { Done, ExplainTask, Reply, RunTask, Task } from './protocol.ts';

/** As that of a loading thread. */
const BACKGROUND_NICENESS = 5;

const models = new Map<string, OpenModel>();
const explainers = new Map<string, Explainer>();

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

/** The code is loaded at the first use. */
async function explain({ model, rows, cells, packed }: ExplainTask): Promise<Partial<Done>> {
  const { createExplainer } = await import('./explanation/explainer.ts');
  let explainer = explainers.get(model);
  if (!explainer) {
    if (!packed) throw new TaskFault('model_not_open', `this thread has not prepared to explain ${model}`);
    explainers.set(model, (explainer = createExplainer(packed)));
  }
  return { contributions: explainer.explain(cells, rows) };
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
