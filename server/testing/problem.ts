import { expect } from 'vitest';
import type { ErrorCode, ProblemExtensions } from '../errors/problem.ts';
import { ERRORS } from '../errors/problem.ts';
import type { Answer } from './httpClient.ts';

/** The body of an error answer. */
export interface ProblemBody extends ProblemExtensions {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
}

/** Expects the form of an error answer, and returns its body. */
export function expectProblem(answer: Answer, code: ErrorCode): ProblemBody {
  const body = JSON.parse(answer.text) as ProblemBody;
  expect(body.code).toBe(code);
  expect(answer.status).toBe(ERRORS[code].status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ type: 'about:blank', status: answer.status });
  expect(body.title).not.toBe('');
  expect(body.requestId).toBe(answer.headers.get('x-request-id'));
  expect(answer.headers.get('retry-after')).toBe(answer.status === 503 ? '1' : null);
  return body;
}
