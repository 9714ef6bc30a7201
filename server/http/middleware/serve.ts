import type { Logger } from 'pino';
import type { Admit } from './authorize.ts';
import type { WriteError } from '../../dialects/errorForm.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { ConcurrencyLimit } from '../../overload/concurrencyLimit.ts';
import type { AppContext, Handler } from '../context.ts';
import { header } from '../header.ts';
import { HttpRequest } from '../request.ts';
import { answerErrors } from './errors.ts';
import { requestIdOf } from './requestId.ts';

/** What surrounds every handler, given its route's pattern and the form of its errors. */
export type Serve = (
  route: string,
  writeError: WriteError,
) => (handler: Handler) => (c: AppContext) => Promise<Response>;

/** What may refuse a request before its handler runs. */
export interface Guards {
  readonly limit: ConcurrencyLimit;
  /** Undefined where access is open. */
  readonly admit?: Admit | undefined;
}

/**
 * Gives each request an id, asks for its key where access needs one, turns what its handler throws into an answer, and
 * records the answer under the route's pattern: never under a path that a caller made up. One function for all of it, since
 * each layer of promises costs a lone row as much as its encoding.
 */
export function createServe(http: HttpRecorder, log: Logger, { limit, admit }: Guards): Serve {
  const answerError = answerErrors(log);
  return (route, writeError) => (handler) => {
    // A file is on disk, and may take its time.
    const isHeld = !route.endsWith('/predict_file');
    return async function serve(c) {
      const start = performance.now();
      http.began();
      c.set('request', new HttpRequest(c, requestIdOf(c), start));
      let held: number | undefined;
      let response: Response;
      try {
        admit?.(c, route);
        if (isHeld && c.req.method === 'POST') {
          // Unknown only without the proxy.
          const bytes = Number(header(c, 'content-length') ?? 0) || 0;
          limit.enter(bytes);
          held = bytes;
        }
        response = await handler(c);
      } catch (error) {
        response = await answerError(error, c, c.get('writeError') ?? writeError);
      }
      const ms = performance.now() - start;
      if (held !== undefined) limit.leave(held, ms);
      http.ended(c.req.method, route, response.status, ms / 1000);
      return response;
    };
  };
}
