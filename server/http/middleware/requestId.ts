import { randomUUID } from 'node:crypto';
import type { AppContext } from '../context.ts';
import { header } from '../header.ts';

/** The accepted ids of clients: they go into headers and logs. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's request id, or a new one. */
export function requestIdOf(c: AppContext): string {
  const given = header(c, 'x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
}
