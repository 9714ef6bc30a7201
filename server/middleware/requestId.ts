import { randomUUID } from 'node:crypto';
import type { Middleware } from './handler.ts';

/** What a caller's id may look like: it stands in headers and logs. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Keeps the caller's request id, or makes one. */
export const requestId: Middleware = (next) =>
  async function requestId(c) {
    const given = c.req.header('x-request-id');
    c.set('requestId', given !== undefined && REQUEST_ID.test(given) ? given : randomUUID());
    return next(c);
  };
