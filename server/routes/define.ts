import type { Hono } from 'hono';
import type { WriteError } from '../dialects/dialect.ts';
import { writeProblem } from '../dialects/dialect.ts';
import { Problem } from '../errors.ts';
import type { AppContext, AppEnv, Handler, Middleware } from '../middleware/handler.ts';

/** The handlers of a path, by method. HEAD is answered by GET's, without its body. */
export type Methods = Partial<Record<'GET' | 'POST', Handler>>;

/** Adds a path to the app; a method that it doesn't have is answered 405 with those that it has. */
export type DefineRoute = (path: string, methods: Methods, writeError?: WriteError) => void;

/** The middleware of a route, given its pattern and the form of its errors. */
export type Wrap = (route: string, writeError: WriteError) => Middleware;

const allowed = (methods: Methods): string =>
  Object.keys(methods)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');

export function createRouter(app: Hono<AppEnv>, wrap: Wrap): DefineRoute {
  return (path, methods, writeError = writeProblem) => {
    const headers = { allow: allowed(methods) };
    const dispatch: Handler = (c: AppContext) => {
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
      const handler = Object.hasOwn(methods, method) ? methods[method as keyof Methods] : undefined;
      if (!handler) throw new Problem('method_not_allowed', { headers });
      return handler(c);
    };
    app.all(path, wrap(path, writeError)(dispatch));
  };
}
