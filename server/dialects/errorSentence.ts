import type { CellError, Problem } from '../errors/problem.ts';
import type { WriteError } from './errorForm.ts';

/** Where a cell or a row stands, for people. */
export const placeOf = ({ row, line, column }: CellError): string =>
  `row ${row}${line === undefined ? '' : ` (line ${line})`}${column === undefined ? '' : `, column ${JSON.stringify(column)}`}`;

/**
 * An error as one sentence, with the rows and columns in it: what the other protocols carry an error in. Like the
 * problem itself it never holds a cell's value.
 */
export function errorSentence({ message, extensions }: Problem): string {
  const { errors, errorsTotal = 0 } = extensions;
  if (!errors || errors.length === 0) return message;
  const named = errors.map((error) => `${placeOf(error)}: ${error.message}`);
  const more = errorsTotal - errors.length;
  return `${message} ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

/** Other protocols, and models' own forms, have no 422: what a caller can mend in the body is a 400. */
export const statusWithout422 = ({ status }: Problem): number => (status === 422 ? 400 : status);

/** `{"error": "…"}`: the form of V1, of V2 and of Vertex AI. */
export const writeErrorMember: WriteError = (problem) => ({
  type: 'application/json',
  body: JSON.stringify({ error: errorSentence(problem) }),
  status: statusWithout422(problem),
});

/** Whether a path is V1's or V2's, there or not: its errors have that form. nginx.conf has the same for its own. */
export const isV1OrV2Path = (path: string): boolean => /^\/v[12](?:\/|$)/.test(path);
