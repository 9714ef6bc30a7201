import type { Logger } from 'pino';
import type { WriteError } from '../dialects/dialect.ts';
import { toProblem } from '../errors.ts';

/** Answers anything that was thrown. */
export type AnswerError = (error: unknown, requestId: string, write: WriteError) => Response;

/**
 * The only place that writes an error answer. From 500 up the cause is logged with the request id, and only the
 * catalogue's words leave the server.
 */
export const answerErrors =
  (log: Logger): AnswerError =>
  (error, requestId, write) => {
    const problem = toProblem(error);
    if (problem.status === 500) log.error({ requestId, err: problem.cause ?? problem }, 'request failed');
    const { type, body, status = problem.status } = write(problem, requestId);
    return new Response(body, {
      status,
      headers: { 'content-type': type, 'x-request-id': requestId, ...problem.headers },
    });
  };
