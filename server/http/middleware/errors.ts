import type { Logger } from 'pino';
import type { WriteError } from '../../dialects/errorForm.ts';
import { toProblem } from '../../errors/problem.ts';
import { parseTraceContext } from '../../tracing/traceContext.ts';
import { header } from '../header.ts';
import { answerHeaders } from '../answerHeaders.ts';
import type { AppContext } from '../context.ts';
import { send } from '../compress.ts';

/** Answers anything that was thrown. */
export type AnswerError = (error: unknown, c: AppContext, write: WriteError) => Promise<Response> | Response;

/**
 * The only place that writes an error answer. From 500 up the cause is logged with the ids of the request and its
 * trace, and only the catalogue's words leave the server.
 */
export const answerErrors =
  (log: Logger): AnswerError =>
  (error, c, write) => {
    const requestId = c.get('request').id;
    const problem = toProblem(error);
    if (problem.status === 500) {
      // Our trace's id, or else the caller's.
      const traceId = c.get('trace')?.traceId ?? parseTraceContext(header(c, 'traceparent'))?.traceId;
      log.error({ requestId, traceId, err: problem.cause ?? problem }, 'request failed');
    }
    const { type, body, status = problem.status } = write(problem, requestId);
    return send(c, body, { 'content-type': type, ...answerHeaders(c), ...problem.headers }, status);
  };
