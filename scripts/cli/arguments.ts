import { UsageError } from './faults.ts';

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

/**
 * The number of an option, or what it is without one.
 *
 * @throws {UsageError} naming the option
 */
export function readNumber(
  name: string,
  text: string | undefined,
  { least, most, whole = false }: Range,
  unset: number,
): number {
  if (text === undefined) return unset;
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}`);
}

/**
 * An address; without a path it means the server's /predict.
 *
 * @throws {UsageError} when it is none
 */
export function readUrl(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:/i.test(full) || !URL.canParse(full))
    throw new UsageError('URL must be an http or https address');
  const url = new URL(full);
  if (url.username !== '' || url.password !== '') throw new UsageError('URL must not hold credentials');
  if (url.pathname === '/') url.pathname = '/predict';
  return url;
}
