import { exampleRow } from '../models/example.ts';
import type { Model } from '../models/model.ts';

/** How a model is called: an example that works, made from its signature. */
export interface CallDescription {
  readonly model: string;
  readonly method: 'POST';
  readonly path: '/predict';
  readonly contentType: 'application/json';
  readonly example: { readonly columns: readonly string[]; readonly data: readonly (readonly unknown[])[] };
  readonly curl: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A single-quoted word of the shell, whatever the text holds. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Describes how to call the default model on this server's port. */
export function describeCall({ id, signature }: Model, port: number): CallDescription {
  const example = {
    columns: signature.inputs.map(({ name }) => name),
    data: [exampleRow(signature)],
  };
  const body = quote(JSON.stringify(example));
  return {
    model: id,
    method: 'POST',
    path: '/predict',
    contentType: 'application/json',
    example,
    curl: `curl -X POST localhost:${port}/predict -H 'content-type: application/json' -d ${body}`,
    parameters: {
      'probabilities=true': 'adds the probability of each class, and the classes in the same order',
      'extra=ignore': "skips columns that the signature doesn't have, instead of refusing them",
    },
  };
}
