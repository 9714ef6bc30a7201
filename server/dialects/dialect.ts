import type { Problem } from '../errors.ts';
import { problemBody } from '../errors.ts';

/** The rows of a request, as a dialect decoded them: what every dialect is reduced to. */
export interface Table {
  readonly columns: readonly string[];
  /** [rows, columns], in the order of `columns`; a row of another width is refused by the encoder. */
  readonly data: readonly (readonly unknown[])[];
}

/** An error answer in the form of one protocol. */
export interface ErrorAnswer {
  readonly type: string;
  readonly body: string;
  /** Where the protocol's status differs from the catalogue's. */
  readonly status?: number;
}

/** Writes an error as the clients of one protocol expect it. */
export type WriteError = (problem: Problem, requestId: string) => ErrorAnswer;

/** RFC 9457: the form of every route that belongs to no other protocol. */
export const writeProblem: WriteError = (problem, requestId) => ({
  type: 'application/problem+json',
  body: problemBody(problem, requestId),
});
