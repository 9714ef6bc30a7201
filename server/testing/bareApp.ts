import { Hono } from 'hono';
import type { AppEnv } from '../http/context.ts';
import { HttpRequest } from '../http/request.ts';

/** An app without routes whose requests have an id, as all have behind middleware/serve.ts. */
export const bareApp = (): Hono<AppEnv> =>
  new Hono<AppEnv>().use((c, next) => {
    c.set('request', new HttpRequest(c, 'test', performance.now()));
    return next();
  });
