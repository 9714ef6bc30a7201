import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Model } from '../../../server/model/model.ts';
import { scoreAll } from '../../../worker/compare.ts';
import type { Label } from '../../../worker/protocol.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { openAsServed } from '../../models/openVersion.ts';

/** What runs a model: see docs/internals/compiler.md. */
export type Engine = 'forest' | 'lifted' | 'whole';

/** Rows that the model wasn't fitted on, with the library's own answers. */
interface Held {
  readonly columns: readonly string[];
  readonly data: readonly (readonly (string | number | boolean | null)[])[];
  /** A list for each row of a model that answers with several values. */
  readonly predictions: readonly (Label | readonly Label[])[];
  /** Probabilities, a score or distances. */
  readonly beside: readonly (readonly number[])[] | null;
}

/** Of a probability, or of a value relative to its size: what an export accepts. */
const TOLERANCE = 1e-5;

const engineOf = ({ engine: { engine, path } }: Model): Engine =>
  engine === 'forest' ? 'forest' : path === 'lifted' ? 'lifted' : 'whole';

const isNear = (got: number, wanted: Label): boolean =>
  Math.abs(got - Number(wanted)) <= TOLERANCE * Math.max(1, Math.abs(Number(wanted)));

/** Whether a row's answer [answerWidth] is the library's. */
function agrees({ output }: Model, answer: Float64Array, held: Held, row: number): boolean {
  const wanted = [held.predictions[row] as Label | readonly Label[]].flat();
  const classes =
    output.task === 'several'
      ? output.values.map((value) => value.classes)
      : [output.task === 'classification' ? output.classes : undefined];
  if (wanted.length !== classes.length) return false;
  const agreed = wanted.every((value, at) => {
    const code = answer[at] as number;
    const label = classes[at]?.[code];
    if (classes[at]) return label === value || Number(label) === Number(value);
    return isNear(code, value);
  });
  // Some boosters give labels alone.
  const beside = held.beside?.[row];
  const numbers = [...answer.subarray(classes.length)];
  return agreed && (!beside || numbers.every((number, at) => isNear(number, beside[at] ?? NaN)));
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
