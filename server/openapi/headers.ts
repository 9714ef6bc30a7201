import type { Json } from './json.ts';

const header = (description: string, example: string, required = true): Json => ({
  description,
  required,
  schema: { type: 'string' },
  example,
});

/** Headers of answers, as components. */
export const HEADERS = {
  'x-request-id': header('The id of the request: the caller’s own x-request-id, or a new one.', 'a1b2c3'),
  'x-model': header('The model version that answered, or that the answer is about.', 'adult/1'),
  'x-model-if-known': header(
    'The model version that the error is about, once that was known.',
    'adult/1',
    false,
  ),
  'server-timing': header(
    'Milliseconds spent reading the rows, waiting, and in the model.',
    'parse;dur=0.031, queue;dur=0.052, run;dur=0.120',
  ),
  'retry-after': header('Seconds after which to send the request again.', '1', false),
} as const satisfies Json;

/** References to some of them, by their name in an answer. */
export const headers = (...names: (keyof typeof HEADERS)[]): Json =>
  Object.fromEntries(
    ['x-request-id', ...names].map((name) => [
      name.replace('-if-known', ''),
      { $ref: `#/components/headers/${name}` },
    ]),
  );
