/** The name of a member whose value is nobody's business. */
const SECRET_MEMBER =
  /"([^"\\]*(?:authorization|cookie|password|passwd|secret|token|api[-_]?key|credential)[^"\\]*)":"(?:[^"\\]|\\.)*"/gi;
/** Greedy: a password may hold an @. */
const CREDENTIALS_IN_URL = /([a-z][a-z0-9+.-]*:\/\/)[^\s/"\\]*@/gi;
const QUERY_OF_URL = /([a-z][a-z0-9+.-]*:\/\/[^\s"?\\]*)\?[^\s"\\]*/gi;
const AUTHORIZATION = /\b(bearer|basic) +[\w.~+/=-]{6,}/gi;

/**
 * Blots out of a line of the log what looks like a secret. None should come here: settings, headers, queries and cells
 * aren't logged. It is for the words of others, such as the errors of libraries.
 *
 * @param line JSON
 */
export const redact = (line: string): string =>
  line
    .replace(SECRET_MEMBER, '"$1":"***"')
    .replace(CREDENTIALS_IN_URL, '$1***@')
    .replace(QUERY_OF_URL, '$1?***')
    .replace(AUTHORIZATION, '$1 ***');
