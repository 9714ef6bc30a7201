import { isIP } from 'node:net';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Why a text is no value of a setting: completes "NAME must be …". */
export class Expected {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

/** Reads the text of a variable: the value that the code needs, or what was expected instead. */
export type Parse<T> = (text: string) => T | Expected;

interface Described<T> {
  readonly meaning: string;
  readonly parse: Parse<T>;
}

/** `default` is the value when the variable is unset or empty, `shown` what the documentation has in its place. */
export type Setting =
  | (Described<string | number> & { readonly default: string | number; readonly shown?: string })
  | (Described<unknown> & { readonly default: unknown; readonly shown: string });

/** Smallest and largest accepted values of an integer setting. */
type Range = readonly [min: number, max: number];

export const integer =
  ([min, max]: Range): Parse<number> =>
  (text) => {
    const value = Number(text);
    return /^\d+$/.test(text) && value >= min && value <= max
      ? value
      : new Expected(`an integer from ${min} to ${max}`);
  };

/** A range, and 0 for off. */
export const integerOrOff = (range: Range): Parse<number> => {
  const parse = integer(range);
  return (text) => {
    const value = text === '0' ? 0 : parse(text);
    return value instanceof Expected ? new Expected(`0 or ${value.what}`) : value;
  };
};

export const oneOf =
  <const T extends string>(...values: readonly T[]): Parse<T> =>
  (text) =>
    values.find((value) => value === text) ?? new Expected(`one of ${values.join(', ')}`);

/** A reader that returns undefined for what it doesn't accept. */
export const readBy =
  <T>(read: (text: string) => T | undefined, expected: string): Parse<T> =>
  (text) =>
    read(text) ?? new Expected(expected);

/** A text that passes a check, as it is. */
export const textThat = (accepts: (text: string) => boolean, expected: string): Parse<string> =>
  readBy((text) => (accepts(text) ? text : undefined), expected);

export const anyText: Parse<string> = (text) => text;

/** Entries separated by commas; spaces around them are ignored. */
export const listOf =
  (accepts: (entry: string) => boolean, expected: string): Parse<readonly string[]> =>
  (text) => {
    const entries = text.split(',').map((entry) => entry.trim());
    return entries.every(accepts) ? entries : new Expected(expected);
  };

export const host = textThat((text) => /^[A-Za-z0-9.:-]+$/.test(text), 'a host name or an IP address');

/** A path that nginx.conf can hold. */
export const isPlainPath = (text: string): boolean => /^\/[^\s;{}'"$\\]+$/.test(text);

export const plainPath = textThat(isPlainPath, 'an absolute path without spaces');

/** A share of something, from 0 to 1. */
export const share: Parse<number> = (text) =>
  /^(?:0|1|[01]?\.\d{1,9}|1\.0+)$/.test(text) && Number(text) <= 1
    ? Number(text)
    : new Expected('a number from 0 to 1');

export const httpUrl = readBy(
  (text) => (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? new URL(text) : undefined),
  'a URL such as http://collector:4318',
);

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  return (
    family !== 0 &&
    more.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
  );
}

/** Addresses, or networks such as 10.0.0.0/8. */
export const networks = listOf(isNetwork, 'addresses or networks like 10.0.0.0/8, with commas between them');

/** `*`, or origins exactly as browsers write them: lower case, no path, no default port. */
export const origins: Parse<readonly string[]> = (text) =>
  text.trim() === '*'
    ? ['*']
    : listOf(
        (origin) => URL.canParse(origin) && new URL(origin).origin === origin,
        '* or origins like https://example.org, with commas between them',
      )(text);
