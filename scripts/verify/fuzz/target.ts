import type { AppContext } from '../../../server/http/context.ts';
import { Problem } from '../../../server/errors/problem.ts';

/** One decoder under attack. */
export interface Target {
  readonly name: string;
  /** Valid inputs, and inputs of the corpus: others are derived from them. */
  readonly seeds: readonly Buffer[];
  /** Tokens of its format, which random bytes would not hit. */
  readonly words: readonly string[];
  /** @throws {Error} when the decoder breaks a promise */
  check(input: Buffer): void | Promise<void>;
}

/** The longest that a decoder may take for an input of some kilobytes, on a busy machine. */
export const MOST_MS = 2000;

/** The decoded value, or undefined when the decoder refused with a status below 500. */
export async function decoded<T>(decode: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return undefined;
    throw error;
  }
}

/** A request as a handler sees it, with only the fields that decoders read. */
export const contextOf = (
  headers: Readonly<Record<string, string>>,
  url = 'http://localhost/',
  body: object = {},
): AppContext =>
  ({ env: { incoming: Object.assign(body, { headers }) }, req: { url, raw: {} } }) as unknown as AppContext;
