import type { Logger } from 'pino';
import type { Authorize } from './authorize.ts';
import { OPEN_ROUTES } from './authorize.ts';
import type { WriteError } from '../../dialects/errorForm.ts';
import { Problem } from '../../errors/problem.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { ConcurrencyLimit } from '../../overload/concurrencyLimit.ts';
import type { AppContext, Handler } from '../context.ts';
import { rememberModel } from '../answerHeaders.ts';
import { takeFailure } from '../expressLane.ts';
import { header } from '../header.ts';
import { isOrderRoute } from './orders.ts';
import { HttpRequest } from '../request.ts';
import { answerErrors } from './errors.ts';
import { requestIdOf } from './requestId.ts';

/** Wraps a handler, for the pattern of its route and the form of its errors. */
export type Serve = (
  route: string,
  writeError: WriteError,
) => (handler: Handler) => (c: AppContext) => Promise<Response>;

/** The checks before a handler runs. */
export interface Guards {
  readonly limit: ConcurrencyLimit;
  /** Undefined if access is open. */
  readonly authorize?: Authorize | undefined;
}

const waitForPlace = (limit: ConcurrencyLimit, bytes: number): Promise<boolean> =>
  new Promise((resolve) => limit.wait(bytes, resolve));

/**
 * Sets the request id, checks the key and the concurrency limit, answers errors, and records the answer by the route's
 * pattern, since paths are the client's. One function, because each layer of promises costs a single row as much as its
 * encoding.
 */
export function createServe(http: HttpRecorder, log: Logger, { limit, authorize }: Guards): Serve {
  const answerError = answerErrors(log);
  return (route, writeError) => (handler) => {
    // A file lies on disk and may take long, and so may the load of a model; a health check must never be refused.
    const isLimited =
      !route.endsWith('/predict_file') &&
      !route.endsWith('/ServerReflectionInfo') &&
      !isOrderRoute(route) &&
      !OPEN_ROUTES.includes(route);
    return async function serve(c) {
      const failed = takeFailure(c.env.incoming);
      const start = failed?.request.arrived ?? performance.now();
      if (failed === undefined) http.began();
      const request = new HttpRequest(c, requestIdOf(header(c, 'x-request-id')), start);
      c.set('request', failed?.request ?? request);
      let held = failed?.held;
      let entered = failed?.entered ?? start;
      let response: Response;
      try {
        if (failed !== undefined) {
          if (failed.model) rememberModel(c, failed.model);
          throw failed.error;
        }
        authorize?.(c.req.method, route, (name) => header(c, name));
        if (isLimited && c.req.method === 'POST') {
          // Without the proxy the length may be unknown.
          const bytes = Number(header(c, 'content-length') ?? 0) || 0;
          if (!limit.enter(bytes)) {
            if (!(await waitForPlace(limit, bytes))) throw new Problem('overloaded');
            entered = performance.now();
            request.waitedSince = start;
          }
          held = bytes;
        }
        response = await handler(c);
      } catch (error) {
        response = await answerError(error, c, c.get('writeError') ?? writeError);
      }
      const now = performance.now();
      if (held !== undefined) limit.leave(held, now - entered);
      http.ended(c.req.method, route, response.status, (now - start) / 1000);
      return response;
    };
  };
}
