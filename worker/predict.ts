import { TaskFault, toFault } from './fault.ts';
import type { OpenModel } from './open.ts';
import { openModel } from './open.ts';
import type { Done, Reply, RunTask, Task } from './protocol.ts';

const models = new Map<string, OpenModel>();

async function run({ model, texts, rows }: RunTask): Promise<void> {
  const opened = models.get(model);
  if (!opened) throw new TaskFault('model_not_open', `this thread has not opened ${model}`);
  await opened.scorer.score(opened.cells, texts, rows, opened.answers);
}

async function work(task: Task): Promise<Partial<Done>> {
  if (task.kind === 'run') {
    await run(task);
    return {};
  }
  const opened = await openModel(task);
  models.set(task.model, opened);
  return opened.refusal === undefined ? {} : { refusal: opened.refusal };
}

/** The entry that Piscina calls: a task in, a tagged reply out. It never throws. */
export default async function predict(task: Task): Promise<Reply> {
  const start = performance.now();
  try {
    const done = await work(task);
    return { ok: true, seconds: (performance.now() - start) / 1000, ...done };
  } catch (error) {
    return toFault(error, task.kind === 'open' ? 'model_unreadable' : 'run_failed');
  }
}
