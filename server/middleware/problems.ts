import type { Logger } from 'pino';
import type { WriteError } from '../dialects/dialect.ts';
import { toProblem } from '../errors.ts';
import type { Middleware } from './handler.ts';

/**
 * The only place that writes an error answer. From 500 up the cause is logged with the request id, and only the
 * catalogue's words leave the server.
 */
export const problems =
  (log: Logger, write: WriteError): Middleware =>
  (next) =>
    async function problems(c) {
      try {
        return await next(c);
      } catch (error) {
        const problem = toProblem(error);
        const requestId = c.get('requestId');
        if (problem.status === 500) log.error({ requestId, err: problem.cause ?? problem }, 'request failed');
        const { type, body, status = problem.status } = write(problem, requestId);
        return new Response(body, {
          status,
          headers: {
            'content-type': type,
            'x-request-id': requestId,
            ...problem.headers,
          },
        });
      }
    };
