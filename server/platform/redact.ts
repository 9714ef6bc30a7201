/** Occurs in the name of whatever is nobody's business. */
const SECRET = '(?:authorization|cookie|password|passwd|secret|token|api[-_]?key|credential)';
const SECRET_NAME = new RegExp(SECRET, 'i');

// Every expression takes time in proportion to the line, whatever stands there: a match begins at a word or sign that none
// of its own repetitions can run over again, and what is read without a bound always becomes a match.

/** A name in a text, with the quote and the sign after it, before what isn't blotted out yet: `x-api-key: `, `"password":`. */
const NAMED = `(${SECRET}[\\w-]{0,40}\\\\*["']?\\s*[:=]>?\\s*)(?!(?:(?:bearer|basic) +)?\\*{3})`;
/** A header's value is all of its line. */
const HEADER = /((?:authorization|cookie)\s*[:=]\s*(?:(?:bearer|basic) +)?)[^\s"'\\][^\r\n]*/gi;
/**
 * In quotes, which may be escaped, as those of JSON inside of JSON are; a list or an object, and all behind it, since no
 * expression tells where that ends; a bare word or number.
 */
const MEMBER = new RegExp(
  `${NAMED}(?:(")(?:[^"\\\\]|\\\\[^])*|(')(?:[^'\\\\]|\\\\[^])*|((\\\\+)")(?:(?!(?<!\\\\)\\5")[^])*` +
    `|[[{][^]*|[^\\s,;&"'\\\\)}\\]]+)`,
  'gi',
);

/** From the end of the scheme on. Greedy: a password may hold an @. */
const CREDENTIALS_IN_URL = /:\/\/[^\s/"\\]*@/g;
const QUERY_OF_URL = /(:\/\/[^\s"?\\]*)(?:\?[^\s"\\]*)?/g;
const AUTHORIZATION = /\b(bearer|basic) +[\w.~+/=-]{6,}/gi;
/** As the tool api-key makes them. */
const OWN_KEY = /(?<![a-z])sm_[\w-]{16,}/gi;

/** Secrets that stand in a text under their names. */
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

/** Read and written anew, so that it stays JSON whatever is taken out. */
function redactMembers(line: string): string {
  try {
    return `${JSON.stringify(JSON.parse(line, redactMember))}${line.endsWith('\n') ? '\n' : ''}`;
  } catch {
    // Deeper than the stack.
    return redactNamed(line);
  }
}

const redactUrls = (line: string): string =>
  line
    .replace(CREDENTIALS_IN_URL, '://***@')
    .replace(QUERY_OF_URL, (url, address: string) => (url === address ? url : `${address}?***`));

/**
 * Blots out of a line of the log what looks like a secret. None should come here: settings, headers, queries and cells
 * aren't logged. It is for the words of others, such as the errors of libraries.
 *
 * @param line JSON
 */
export const redact = (line: string): string => {
  const text = SECRET_NAME.test(line) ? redactMembers(line) : line;
  return (text.includes('://') ? redactUrls(text) : text)
    .replace(AUTHORIZATION, '$1 ***')
    .replace(OWN_KEY, 'sm_***');
};
