import type { Logger } from 'pino';
import type { WriteError } from '../../dialects/errorForm.ts';
import { toProblem } from '../../errors/problem.ts';
import { parseTraceContext } from '../../tracing/traceContext.ts';
import { header } from '../header.ts';
import { answerHeaders } from '../answerHeaders.ts';
import type { AppContext } from '../context.ts';
import { sendText } from '../compress.ts';

/** Answers a request whose handler threw. */
export type AnswerError = (error: unknown, c: AppContext, write: WriteError) => Promise<Response> | Response;

/**
 * The only place that writes error answers. A 500 is logged with its cause and the ids of the request and its trace; the
 * client gets only the text of the catalogue.
 */
export const answerErrors =
  (log: Logger): AnswerError =>
  (error, c, write) => {
    const requestId = c.get('request').id;
    const problem = toProblem(error);
    if (problem.status === 500) {
      // Without tracing here, the client's trace may have the request.
      const traceId = c.get('trace')?.traceId ?? parseTraceContext(header(c, 'traceparent'))?.traceId;
      log.error({ requestId, traceId, err: problem.cause ?? problem }, 'request failed');
    }
    const { type, body, status = problem.status, headers } = write(problem, requestId);
    const all = { 'content-type': type, ...answerHeaders(c), ...problem.headers, ...headers };
    return sendText(c, body, all, status);
  };
