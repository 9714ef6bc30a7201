import { randomUUID } from 'node:crypto';

/** The accepted ids of clients: they go into headers and logs. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's request id, or a new one. */
export const requestIdOf = (given: string | undefined): string =>
  given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
