import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Model } from '../../../server/model/model.ts';
import { scoreAll } from '../../../worker/compare.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { openAsServed } from '../../models/openVersion.ts';

/** What runs a model: see docs/internals/compiler.md. */
export type Engine = 'forest' | 'lifted' | 'whole';

/** Rows that the model wasn't fitted on, with the library's own answers. */
interface Held {
  readonly columns: readonly string[];
  readonly data: readonly (readonly (string | number | boolean | null)[])[];
  readonly predictions: readonly (string | number)[];
  readonly probabilities: readonly (readonly number[])[] | null;
}

/** Of a probability, or of a value relative to its size: what an export accepts. */
const TOLERANCE = 1e-5;

const engineOf = ({ engine: { engine, path } }: Model): Engine =>
  engine === 'forest' ? 'forest' : path === 'lifted' ? 'lifted' : 'whole';

/** Whether a row's answer [answerWidth] is the library's. */
function agrees({ output }: Model, answer: Float64Array, held: Held, row: number): boolean {
  const wanted = held.predictions[row] as string | number;
  if (output.task === 'regression')
    return (
      Math.abs((answer[0] as number) - Number(wanted)) <= TOLERANCE * Math.max(1, Math.abs(Number(wanted)))
    );
  // The exporter writes no others.
  if (output.task !== 'classification') return false;
  const label = output.classes[answer[0] as number];
  if (label !== wanted && Number(label) !== Number(wanted)) return false;
  const probabilities = held.probabilities?.[row] ?? [];
  return probabilities.every((value, at) => Math.abs((answer[at + 1] as number) - value) <= TOLERANCE);
}

/**
 * Opens a version as a server does, and answers rows by the path that it would serve.
 *
 * @param path `<case>.held.json` beside it
 * @returns the engine, and the first row whose answer isn't the library's
 * @throws {ModelRefused | TaskFault} when a server would refuse the version
 */
export async function serve(folder: string): Promise<{ engine: Engine; differs: number | undefined }> {
  const name = basename(folder);
  const version = { name, version: 1, id: `${name}/1`, fingerprint: '', folder: `${folder}/1`, root: folder };
  const { model, scorer } = await openAsServed(version);
  try {
    const held = JSON.parse(await readFile(`${folder}.held.json`, 'utf8')) as Held;
    const width = answerWidth(model.output);
    const answers = await scoreAll(scorer, model.encoder.encode(held.columns, held.data), width);
    const differs = held.predictions.findIndex(
      (_, row) => !agrees(model, answers.subarray(row * width, (row + 1) * width), held, row),
    );
    return { engine: engineOf(model), differs: differs < 0 ? undefined : differs };
  } finally {
    await scorer.close();
  }
}
