import type { HttpRecorder } from '../metrics/http.ts';
import type { Middleware } from './handler.ts';

/** Records each answer under its route's pattern: never under a path that a caller made up. */
export const observe =
  (route: string, recorder: HttpRecorder): Middleware =>
  (next) =>
    async function observe(c) {
      const start = performance.now();
      recorder.began();
      const response = await next(c);
      recorder.ended(c.req.method, route, response.status, (performance.now() - start) / 1000);
      return response;
    };
