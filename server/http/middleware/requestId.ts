import { randomUUID } from 'node:crypto';
import type { AppContext } from '../context.ts';
import { header } from '../header.ts';

/** What a caller's id may look like: it stands in headers and logs. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The caller's request id, or a new one. */
export function requestIdOf(c: AppContext): string {
  const given = header(c, 'x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
}
