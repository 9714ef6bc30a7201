import { UsageError } from './faults.ts';

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

/**
 * The number of an option, or `unset` without one.
 *
 * @throws {UsageError} naming the option
 */
export function readNumber<Unset extends number | undefined>(
  name: string,
  text: string | undefined,
  { least, most, whole = false }: Range,
  unset: Unset,
): number | Unset {
  if (text === undefined) return unset;
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
}

/**
 * An http or https address; without a scheme it means http.
 *
 * @throws {UsageError} naming the argument
 */
export function readAddress(text: string, name = 'URL'): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:/i.test(full) || !URL.canParse(full))
    throw new UsageError(`${name} must be an http or https address`);
  return new URL(full);
}

/**
 * Where to POST; an address without a path means the server's /predict.
 *
 * @throws {UsageError}
 */
export function readUrl(text: string): URL {
  const url = readAddress(text);
  if (url.username !== '' || url.password !== '') throw new UsageError('URL must not hold credentials');
  if (url.pathname === '/') url.pathname = '/predict';
  return url;
}
