import { exampleRow } from '../../model/exampleRow.ts';
import type { Model } from '../../model/model.ts';

/** How a model is called: an example that works, made from its signature. */
export interface CallDescription {
  readonly model: string;
  readonly method: 'POST';
  readonly path: string;
  readonly contentType: 'application/json';
  readonly example: { readonly columns: readonly string[]; readonly data: readonly (readonly unknown[])[] };
  readonly curl: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A single-quoted word of the shell, whatever the text holds. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const OF_CLASSES = {
  'probabilities=true': 'adds the probability of each class, and the classes in the same order',
};
const OF_THE_NATIVE_FORM = {
  'on_error=null': 'answers the good rows, and null for each bad one, with its errors',
};

/**
 * Describes how to call a model at a path on this server's port.
 *
 * @param own whether it answers there in its own form
 */
export function describeCall(
  { id, signature }: Model,
  port: number,
  path = '/predict',
  own = false,
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
    parameters: {
      ...(own || signature.task === 'regression' ? {} : OF_CLASSES),
      'extra=ignore': "skips columns that the signature doesn't have, instead of refusing them",
      ...(own ? {} : OF_THE_NATIVE_FORM),
      'header=false':
        'for text/csv: the first line is a row, and the columns are in the order of the signature',
    },
  };
}
