/** The characters of a header's name (RFC 9110, section 5.6.2); names of attributes are held to them, too. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Without control characters: a line break would end the header. */
const VALUE = /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u;

/**
 * Reads `name=value,other=value`, the form of OpenTelemetry's variables: values are percent-encoded, spaces around
 * names and values are ignored. Undefined for anything else.
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
