import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

/** What a request carries beside its HTTP message. In process (without a socket) there are no bindings. */
export interface AppEnv {
  Bindings: Partial<HttpBindings>;
  Variables: { requestId: string };
}

export type AppContext = Context<AppEnv>;

/** Answers a request, or throws a Problem. */
export type Handler = (c: AppContext) => Promise<Response> | Response;
