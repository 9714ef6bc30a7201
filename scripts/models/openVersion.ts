import { findFastPath, withFoundPath } from '../../server/compiler/fastPath.ts';
import { openTask, withChosenPath } from '../../server/inference/openTask.ts';
import { allocateMemory } from '../../server/inference/laneMemory.ts';
import { Problem } from '../../server/errors/problem.ts';
import { listFolder } from '../../server/repository/folder.ts';
import type { Candidate } from '../../server/repository/listing.ts';
import type { Model } from '../../server/model/model.ts';
import { readModelVersion } from '../../server/loading/readModelVersion.ts';
import { scoreAll } from '../../worker/compare.ts';
import { batchingOf, openModel as openThreadModel } from '../../worker/openModel.ts';
import type { Label, Rows, WholeGraph } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { Scorer } from '../../worker/scorer.ts';
import { openWhole } from '../../worker/scorer.ts';
import { Failure } from '../cli/faults.ts';
import type { FileRows } from './readRows.ts';

/** The version `<name>/<version>` of a repository. @throws {Failure | ModelRefused} */
export async function findVersion(repository: string, id: string): Promise<Model> {
  const { candidates } = await listFolder(repository);
  const candidate = candidates.find((one) => one.id === id);
  if (!candidate) throw new Failure(`${repository} holds no ${id}`);
  return (await readModelVersion(candidate)).model;
}

/**
 * Opens a version as a server does: the golden rows are checked, and a faster path is tried.
 *
 * @returns the model with the engine that answers it, and what scores its rows
 * @throws {ModelRefused | TaskFault} when a server would refuse it
 */
export async function openAsServed(candidate: Candidate): Promise<{ model: Model; scorer: Scorer }> {
  const { model, readOnnx } = await readModelVersion(candidate);
  const onnx = await readOnnx();
  const found = onnx ? findFastPath(model, onnx) : model;
  const open = async (one: Model): Promise<{ model: Model; scorer: Scorer }> => {
    const { scorer, refusal, batching } = await openThreadModel(openTask(one, allocateMemory(one)));
    const chosen = { batched: batching, ...(refusal === undefined ? {} : { refusal }) };
    return { model: withChosenPath(one, chosen), scorer };
  };
  return open(found).catch((error: unknown) => {
    if (!found.fast) throw error;
    // Where only a made-up row failed, the graph is served without the fast path.
    return open(withFoundPath(model, (error as Error).message)).catch(() => {
      throw error;
    });
  });
}

/** A model in ONNX Runtime: the whole graph, which is the reference for every faster path, run as the server runs it. */
export interface OpenModel {
  /** @returns [rows, answerWidth] */
  score(rows: Rows): Promise<Float64Array>;
  close(): Promise<void>;
}

/** @throws {TaskFault} */
export async function openModel(model: Model): Promise<OpenModel> {
  const task = openTask(model, allocateMemory(model));
  const session = await openWhole(task.whole as WholeGraph, model.output);
  try {
    const { batching } = await batchingOf(task, session);
    const scorer = batching === 'row' ? session.alone : session;
    return {
      score: (rows) => scoreAll(scorer, rows, answerWidth(model.output)),
      close: session.close,
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/**
 * The model's answers to rows.
 *
 * @returns [rows, answerWidth]
 * @throws {Failure} when the model can't be opened, or doesn't take a row
 */
export async function score(model: Model, { columns, data }: FileRows): Promise<Float64Array> {
  try {
    const rows = model.encoder.encode(columns, data, { ignoreExtra: true });
    const open = await openModel(model);
    try {
      return await open.score(rows);
    } finally {
      await open.close();
    }
  } catch (error) {
    const [first] = error instanceof Problem ? (error.extensions.errors ?? []) : [];
    const where = first ? ` (row ${first.row}, column ${first.column ?? '?'}: ${first.message})` : '';
    throw new Failure(`${model.id}: ${(error as Error).message}${where}`);
  }
}

/** The prediction in a row of answers: a class's name, the value, or a list of them. */
export function predictionOf(
  { output }: Pick<Model, 'output'>,
  answers: Float64Array,
  row: number,
): Label | readonly Label[] {
  const at = row * answerWidth(output);
  if (output.task === 'regression') return answers[at] as number;
  if (output.task === 'classification') return output.classes[answers[at] as number] as Label;
  const values = output.values.map(({ classes }, k) => {
    const answer = answers[at + k] as number;
    return classes ? (classes[answer] as Label) : answer;
  });
  return output.form === 'single' ? (values[0] as Label) : values;
}
