import type { Serve } from './serve.ts';
import { header } from '../header.ts';
import { traceContextOf } from '../../tracing/traceContext.ts';
import type { Tracing } from '../../tracing/tracing.ts';

/** Makes each request a span, named by its route's pattern. It wraps `serve` only if tracing is on. */
export const traceRequests =
  ({ begin }: Tracing, serve: Serve): Serve =>
  (route, writeError) =>
  (handler) => {
    const answer = serve(route, writeError)(handler);
    // Without a slash it is the label of unknown paths.
    const pattern = route.startsWith('/') ? route : undefined;
    return async function traceRequest(c) {
      const trace = begin(
        c.req.method,
        pattern,
        traceContextOf((name) => header(c, name)),
      );
      c.set('trace', trace);
      const response = await answer(c);
      response.headers.set('traceresponse', trace.response);
      trace.end(response.status, c.get('request').id);
      return response;
    };
  };
