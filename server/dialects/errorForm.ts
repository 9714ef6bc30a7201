import type { Problem } from '../errors/problem.ts';
import { problemBody } from '../errors/problem.ts';

/** The rows of a request, as a dialect decoded them: what every dialect is reduced to. */
export interface Table {
  readonly columns: readonly string[];
  /**
   * Rows: lists of cells in the order of `columns`, or objects by column name where `byName` is set. A row of another
   * form or width, and a name that a row lacks, are refused by the encoder.
   */
  readonly data: readonly unknown[];
  readonly byName?: boolean;
  /** For each row of a file the line that it begins on, counted from 1. */
  readonly lines?: readonly number[];
  /** Rows of the same file that came in tables before this one. */
  readonly before?: number;
  /** The request held one row that is no list: `{"age": 25, …}`. */
  readonly single?: boolean;
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
