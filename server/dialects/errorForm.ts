import type { Problem } from '../errors/problem.ts';
import { problemBody } from '../errors/problem.ts';

/** An error answer in the form of one protocol. */
export interface ErrorAnswer {
  readonly type: string;
  readonly body: string;
  /** If it differs from the catalogue's. */
  readonly status?: number;
  /** Of this protocol. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes an error as the clients of one protocol expect it. */
export type WriteError = (problem: Problem, requestId: string) => ErrorAnswer;

/** RFC 9457: the form of the routes that belong to no other protocol. */
export const writeProblem: WriteError = (problem, requestId) => ({
  type: 'application/problem+json',
  body: problemBody(problem, requestId),
});
