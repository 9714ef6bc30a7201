import { TaskFault, toFault } from './fault.ts';
import { verifyGolden } from './golden.ts';
import type { OpenTask, Reply, RunTask, Task, TextCell } from './protocol.ts';
import { openSession } from './session.ts';
import { createAnswers, createFeeds, fetches } from './tensors.ts';

/** A model version that this thread can score. */
interface OpenModel {
  run(texts: readonly TextCell[], rows: number): Promise<void>;
}

const models = new Map<string, OpenModel>();

async function open({ path, sha256, columns, output, golden, cells, answers }: OpenTask): Promise<OpenModel> {
  const session = await openSession({ path, sha256 });
  const makeFeeds = createFeeds(columns, session.inputs);
  const readAnswers = createAnswers(output);
  const names = fetches(output);
  for (const name of names) {
    const found = session.outputs.find((candidate) => candidate.name === name);
    if (!found) throw new TaskFault('signature_mismatch', `the graph has no output ${name}`);
    if (found.type === 'not a tensor')
      throw new TaskFault('signature_mismatch', `output ${name} is not a tensor`);
  }
  const input = new Float64Array(cells);
  const target = new Float64Array(answers);
  const score = async (
    from: Float64Array,
    texts: readonly TextCell[],
    rows: number,
  ): Promise<Float64Array> => {
    readAnswers(await session.run(makeFeeds(from, texts, rows), names), target, rows);
    return target;
  };
  if (golden) await verifyGolden(golden, output, score);
  return {
    run: async (texts, rows) => {
      await score(input, texts, rows);
    },
  };
}

async function run({ model, texts, rows }: RunTask): Promise<void> {
  const opened = models.get(model);
  if (!opened) throw new TaskFault('model_not_open', `this thread has not opened ${model}`);
  await opened.run(texts, rows);
}

/** The entry that Piscina calls: a task in, a tagged reply out. It never throws. */
export default async function predict(task: Task): Promise<Reply> {
  const start = performance.now();
  try {
    if (task.kind === 'open') models.set(task.model, await open(task));
    else await run(task);
    return { ok: true, seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    return toFault(error, task.kind === 'open' ? 'model_unreadable' : 'run_failed');
  }
}
