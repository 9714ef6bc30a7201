import type { Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import type { WriteError } from '../dialects/errorForm.ts';
import { writeProblem } from '../dialects/errorForm.ts';
import { Problem } from '../errors/problem.ts';
import type { Preflight } from './middleware/cors.ts';
import type { AppContext, AppEnv, Handler } from './context.ts';
import type { Serve } from './middleware/serve.ts';

/** The handlers of a path, by method. HEAD is answered by GET's, without its body. */
export type Methods = Partial<Record<'GET' | 'POST' | 'DELETE', Handler>>;

/** Adds a route to the app. It answers 405, with the methods that it has, to any other method. */
export type DefineRoute = (path: string, methods: Methods, writeError?: WriteError) => void;

const SLASH = 0x2f;

/** The path of a request for routing: without a slash at its end. Two are no such slash, or `//` would be `/`. */
export function routedPath(request: Request): string {
  const path = getPath(request);
  const last = path.length - 1;
  return last > 0 && path.charCodeAt(last) === SLASH && path.charCodeAt(last - 1) !== SLASH
    ? path.slice(0, last)
    : path;
}

const allowed = (methods: Methods): string =>
  Object.keys(methods)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');

/** @param preflight answers OPTIONS for browsers, where CORS is on */
export function createRouter(app: Hono<AppEnv>, serve: Serve, preflight?: Preflight): DefineRoute {
  return (path, methods, writeError = writeProblem) => {
    const headers = { allow: allowed(methods) };
    const dispatch: Handler = (c: AppContext) => {
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
      const handler = Object.hasOwn(methods, method) ? methods[method as keyof Methods] : undefined;
      if (handler) return handler(c);
      const answer = preflight?.(c, headers.allow);
      if (!answer) throw new Problem('method_not_allowed', { headers });
      return answer;
    };
    app.all(path, serve(path, writeError)(dispatch));
  };
}
