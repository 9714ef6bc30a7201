/** Field names that mark a secret. */
const SECRET = '(?:authorization|cookie|password|passwd|secret|token|api[-_]?key|credential)';
const SECRET_NAME = new RegExp(SECRET, 'i');

// Every expression takes linear time for any line: a match begins at a word or sign that none of its own repetitions can
// match again, and what is read without a bound always becomes a match.

/** A name in a text, with the quote and the sign after it, before a value that isn't redacted yet: `x-api-key: `, `"password":`. */
const NAMED = `(${SECRET}[\\w-]{0,40}\\\\*["']?\\s*[:=]>?\\s*)(?!(?:(?:bearer|basic) +)?\\*{3})`;
/** A header's value is the rest of its line. */
const HEADER = /((?:authorization|cookie)\s*[:=]\s*(?:(?:bearer|basic) +)?)[^\s"'\\][^\r\n]*/gi;
/**
 * A value in quotes, which may be escaped as in JSON inside JSON; a list or an object, and all after it, since no
 * expression finds its end; a bare word or number.
 */
const MEMBER = new RegExp(
  `${NAMED}(?:(")(?:[^"\\\\]|\\\\[^])*|(')(?:[^'\\\\]|\\\\[^])*|((\\\\+)")(?:(?!(?<!\\\\)\\5")[^])*` +
    `|[[{][^]*|[^\\s,;&"'\\\\)}\\]]+)`,
  'gi',
);

/** From the end of the scheme. Greedy, since a password may hold an @. */
const CREDENTIALS_IN_URL = /:\/\/[^\s/"\\]*@/g;
const QUERY_OF_URL = /(:\/\/[^\s"?\\]*)(?:\?[^\s"\\]*)?/g;
const AUTHORIZATION = /\b(bearer|basic) +[\w.~+/=-]{6,}/gi;
/** As the tool api-key makes them. */
const OWN_KEY = /(?<![a-z])sm_[\w-]{16,}/gi;

/** Redacts secrets that follow their names in a text. */
const redactNamed = (text: string): string =>
  SECRET_NAME.test(text)
    ? text
        .replace(HEADER, '$1***')
        .replace(
          MEMBER,
          (_, name: string, double = '', single = '', escaped = '') =>
            `${name}${double}${single}${escaped}***`,
        )
    : text;

const redactMember = (name: string, value: unknown): unknown => {
  if (typeof value === 'string') return SECRET_NAME.test(name) ? '***' : redactNamed(value);
  return value === null || typeof value === 'boolean' || !SECRET_NAME.test(name) ? value : '***';
};

/** Parses and serializes the line, so that it stays JSON. */
function redactMembers(line: string): string {
  try {
    return `${JSON.stringify(JSON.parse(line, redactMember))}${line.endsWith('\n') ? '\n' : ''}`;
  } catch {
    // It is nested deeper than the stack allows.
    return redactNamed(line);
  }
}

const redactUrls = (line: string): string =>
  line
    .replace(CREDENTIALS_IN_URL, '://***@')
    .replace(QUERY_OF_URL, (url, address: string) => (url === address ? url : `${address}?***`));

/**
 * Redacts what looks like a secret in a line of the log. None is expected, since settings, headers, queries and cells
 * aren't logged; but the errors of libraries may hold some.
 *
 * @param line JSON
 */
export const redact = (line: string): string => {
  const text = SECRET_NAME.test(line) ? redactMembers(line) : line;
  return (text.includes('://') ? redactUrls(text) : text)
    .replace(AUTHORIZATION, '$1 ***')
    .replace(OWN_KEY, 'sm_***');
};
