import type { Hono } from 'hono';
import type { WriteError } from '../dialects/errorForm.ts';
import { writeProblem } from '../dialects/errorForm.ts';
import { Problem } from '../errors/problem.ts';
import type { Preflight } from './middleware/cors.ts';
import type { AppContext, AppEnv, Handler } from './context.ts';
import type { Serve } from './middleware/serve.ts';

/** The handlers of a path, by method. HEAD is answered by GET's, without its body. */
export type Methods = Partial<Record<'GET' | 'POST', Handler>>;

/** Adds a route to the app. It answers 405, with the methods that it has, to any other method. */
export type DefineRoute = (path: string, methods: Methods, writeError?: WriteError) => void;

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
