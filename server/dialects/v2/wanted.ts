import type { JsonObject } from '../forms/json.ts';
import { invalidBody, isObject } from '../forms/json.ts';
import type { OutputTensor } from './outputTensor.ts';
import { readParameters, refuseSharedMemory } from './tensor.ts';

/** An output that a request wants. */
export interface WantedOutput {
  readonly output: OutputTensor;
  readonly binary: boolean;
  /** Of the contributions: the class whose score is explained; that of each row's answer where undefined. */
  readonly class: string | undefined;
}

/** @throws {Problem} invalid_body */
function readClass(index: number, { explains }: OutputTensor, value: unknown): string | undefined {
  if (value === undefined || value === null || explains !== true) return undefined;
  if (typeof value !== 'string') throw invalidBody(`The "class" of output ${index} must be a class as text.`);
  return value;
}

/** Reads a parameter that is true or false. @throws {Problem} invalid_body */
export function readFlag(where: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'boolean') throw invalidBody(`${where} must be true or false.`);
  return value;
}

/** The tensor that Triton's extension makes of an output. @throws {Problem} invalid_body */
function classified(
  output: OutputTensor,
  index: number,
  count: unknown,
  all: readonly OutputTensor[],
): OutputTensor {
  if (count === undefined || count === null || count === 0) return output;
  if (!Number.isSafeInteger(count) || (count as number) < 0)
    throw invalidBody(`The "classification" of output ${index} must be a number of classes.`);
  if (output.classification) return output.classification(count as number);
  const names = all.flatMap(({ name, classification }) => (classification ? JSON.stringify(name) : []));
  throw invalidBody(
    `Output ${index} has no classification: ${names.length > 0 ? `ask for that of ${names.join(', ')}` : 'no output of the model has several numbers a row'}.`,
  );
}

function readOne(entry: unknown, index: number, all: readonly OutputTensor[], binary: boolean): WantedOutput {
  if (!isObject(entry)) throw invalidBody(`Output ${index} must be an object.`);
  const output = all.find(({ name }) => name === entry['name']);
  if (!output) {
    const names = all.map(({ name }) => JSON.stringify(name)).join(', ');
    throw invalidBody(`Output ${index} is none of the model's: ${names}.`);
  }
  const parameters = readParameters(`output ${index}`, entry['parameters']);
  refuseSharedMemory(`output ${index}`, parameters);
  return {
    output: classified(output, index, parameters['classification'], all),
    binary: readFlag(`The "binary_data" of output ${index}`, parameters['binary_data'], binary),
    class: readClass(index, output, parameters['class']),
  };
}

/**
 * Reads which outputs a request wants, and in which form; all answers if it names none.
 *
 * @param all the outputs that may be asked for
 * @throws {Problem} invalid_body
 */
export function readWanted(
  outputs: unknown,
  parameters: JsonObject,
  all: readonly OutputTensor[],
): readonly WantedOutput[] {
  const binary = readFlag('"binary_data_output"', parameters['binary_data_output'], false);
  const own = (): WantedOutput[] =>
    all.filter(({ explains }) => explains !== true).map((output) => ({ output, binary, class: undefined }));
  if (outputs === undefined || outputs === null) return own();
  if (!Array.isArray(outputs)) throw invalidBody('"outputs" must be a list.');
  const wanted = outputs.map((entry: unknown, index) => readOne(entry, index, all, binary));
  if (new Set(wanted.map(({ output }) => output.name)).size < wanted.length) {
    throw invalidBody('An output is asked for more than once.');
  }
  return wanted.length > 0 ? wanted : own();
}
