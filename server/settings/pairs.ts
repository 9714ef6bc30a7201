/** What the names of headers are made of (RFC 9110, section 5.6.2); those of attributes keep to it, too. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Without what would end a header. */
const VALUE = /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u;

/**
 * Reads `name=value,other=value`, as OpenTelemetry's variables have it: values are percent-encoded, spaces around
 * names and values don't count.
 *
 * @returns undefined for what isn't such a list
 */
export function parsePairs(text: string): Readonly<Record<string, string>> | undefined {
  const pairs: [string, string][] = [];
  for (const entry of text.split(',')) {
    if (entry.trim() === '') continue;
    const equals = entry.indexOf('=');
    const name = entry.slice(0, Math.max(0, equals)).trim();
    const value = decode(entry.slice(equals + 1).trim());
    if (!NAME.test(name) || value === undefined || !VALUE.test(value)) return undefined;
    pairs.push([name, value]);
  }
  return Object.fromEntries(pairs);
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
