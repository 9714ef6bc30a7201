import type { CellError, Problem } from '../errors/problem.ts';
import type { WriteError } from './errorForm.ts';

/** A sentence's first letter. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The place of a cell or a row, in words. */
export const placeOf = ({ row, line, column }: CellError): string =>
  `row ${row}${line === undefined ? '' : ` (line ${line})`}${column === undefined ? '' : `, column ${JSON.stringify(column)}`}`;

/**
 * An error as one sentence that names rows and columns, for protocols that have no lists of errors. Like the problem itself
 * it never holds a cell's value.
 */
export function errorSentence({ message, extensions }: Problem): string {
  const { errors, errorsTotal = 0 } = extensions;
  if (!errors || errors.length === 0) return message;
  const named = errors.map((error) => `${placeOf(error)}: ${error.message}`);
  const more = errorsTotal - errors.length;
  return `${message.replace(/\.$/, '')}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

/** Other protocols and custom forms don't use 422: an error that the client can correct in the body is 400. */
export const statusWithout422 = ({ status }: Problem): number => (status === 422 ? 400 : status);

/** `{"error": "…"}`: the form of V1, V2 and Vertex AI. */
export const writeErrorMember: WriteError = (problem) => ({
  type: 'application/json',
  body: JSON.stringify({ error: errorSentence(problem) }),
  status: statusWithout422(problem),
});

/** Whether errors at a path have V1's and V2's form, even without such a route. nginx.conf has the same rule. */
export const isV1OrV2Path = (path: string): boolean => /^\/v[12](?:\/|$)/.test(path);
