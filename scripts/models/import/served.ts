import { exampleRow } from '../../../server/model/exampleRow.ts';
import type { Model } from '../../../server/model/model.ts';
import { ModelRefused } from '../../../server/model/refused.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { Failure } from '../../cli/faults.ts';
import { openAsServed } from '../openVersion.ts';
import type { Place } from './place.ts';

/** Classes or values that are listed by name. */
const MOST_NAMES = 20;

/** The model with the engine that a server answers it by. @throws {Failure | ModelRefused} when a server would refuse it */
export async function modelAsServed(candidate: Candidate): Promise<Model> {
  try {
    const { model, scorer } = await openAsServed(candidate);
    await scorer.close();
    return model;
  } catch (error) {
    if (error instanceof ModelRefused) throw error;
    throw new Failure(`${candidate.id}: ${(error as Error).message}`);
  }
}

function engineOf({ engine: { engine, path, reason, batching, batchingReason } }: Model): string {
  const alone = batching === 'row' ? `, one row a run (${batchingReason ?? 'as model.json demands'})` : '';
  if (engine === 'forest') return `the compiled forest${alone}`;
  const how = path === 'lifted' ? 'ONNX Runtime behind lifted encoders' : 'ONNX Runtime';
  return (reason === undefined ? how : `${how} (${reason})`) + alone;
}

/** A text as one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/**
 * What is served, by which engine, and the call to try.
 *
 * @param repository how a server is pointed to it, where it isn't the project's own folder
 */
export function describe(model: Model, { folder, name }: Place, repository: string | undefined): string {
  const { task, inputs, outputs } = model.signature;
  const all = (outputs.classes ?? outputs.values?.map((value) => value.name))?.map(String);
  const names = all && [...all.slice(0, MOST_NAMES), ...(all.length > MOST_NAMES ? ['…'] : [])].join(', ');
  const cells = exampleRow(model.signature);
  const row = Object.fromEntries(inputs.map((input, at) => [input.name, cells[at]]));
  const start = repository === undefined ? 'npm start' : `MODEL_REPOSITORY=${quoted(repository)} npm start`;
  return [
    `${folder}: ${task}${names === undefined ? '' : ` (${names})`}, ${inputs.length} columns, ` +
      `${model.golden?.rows ?? 0} golden rows`,
    `answered by ${engineOf(model)}`,
    `${start}   # then try:`,
    `curl localhost:5000/models/${name}/predict -H 'content-type: application/json' -d ${quoted(JSON.stringify(row))}`,
    '',
  ].join('\n');
}
