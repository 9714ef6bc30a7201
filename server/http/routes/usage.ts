import type { PredictParameter } from '../../dialects/queryParameters.ts';
import { PREDICT_PARAMETERS } from '../../dialects/queryParameters.ts';
import { exampleRow } from '../../model/exampleRow.ts';
import { givesProbabilities } from '../../model/signature.ts';
import type { Model } from '../../model/model.ts';
import type { AnswerForm } from '../../model/routeOwner.ts';

/** How to call a model, with an example that works, made from its signature. */
export interface CallDescription {
  readonly model: string;
  readonly method: 'POST';
  readonly path: string;
  readonly contentType: 'application/json';
  readonly example: { readonly columns: readonly string[]; readonly data: readonly (readonly unknown[])[] };
  readonly curl: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Any text as a single-quoted word of a shell. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What each query parameter does with its second value, the one that isn't the default. */
const EFFECTS: Readonly<Record<PredictParameter, string>> = {
  probabilities: 'adds the probability of each class, and the classes in the same order',
  extra: "skips columns that the signature doesn't have, instead of refusing them",
  on_error: 'answers the good rows, and null for each bad one, with its errors',
  delimiter: 'for text/csv: what separates the cells: ";", "|" or "tab"',
  decimal: 'for text/csv: numbers have a decimal comma',
  header: 'for text/csv: the first line is a row, and the columns are in the order of the signature',
};

function describeParameters(form: AnswerForm, output: Model['output']): Record<string, string> {
  const parameters = Object.entries(PREDICT_PARAMETERS[form].post) as [PredictParameter, readonly string[]][];
  return Object.fromEntries(
    parameters
      .filter(([name]) => name !== 'probabilities' || givesProbabilities(output))
      .map(([name, [, value]]) => [`${name}=${value}`, EFFECTS[name]]),
  );
}

/** Describes how to call a model at a path where it answers in this form. */
export function describeCall(
  { id, signature, output }: Model,
  port: number,
  path: string,
  form: AnswerForm,
): CallDescription {
  const example = {
    columns: signature.inputs.map(({ name }) => name),
    data: [exampleRow(signature)],
  };
  const body = quote(JSON.stringify(example));
  return {
    model: id,
    method: 'POST',
    path,
    contentType: 'application/json',
    example,
    curl: `curl -X POST localhost:${port}${path} -H 'content-type: application/json' -d ${body}`,
    parameters: describeParameters(form, output),
  };
}
