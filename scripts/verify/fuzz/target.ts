import type { AppContext } from '../../../server/http/context.ts';
import { Problem } from '../../../server/errors/problem.ts';

/** One decoder under attack. */
export interface Target {
  readonly name: string;
  /** Inputs that it takes, or took badly once: what is sent grows out of them. */
  readonly seeds: readonly Buffer[];
  /** Words of its language, which random bytes would not find. */
  readonly words: readonly string[];
  /** @throws {Error} when the decoder breaks a promise */
  check(input: Buffer): void | Promise<void>;
}

/** What a decoder may take for one input of some kilobytes, on a busy machine. */
export const MOST_MS = 2000;

/** What it gave, or undefined where it refused as it should. */
export async function decoded<T>(decode: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return undefined;
    throw error;
  }
}

/** A request as a handler sees it, with nothing but what decoders look at. */
export const contextOf = (
  headers: Readonly<Record<string, string>>,
  url = 'http://localhost/',
  body: object = {},
): AppContext =>
  ({ env: { incoming: Object.assign(body, { headers }) }, req: { url, raw: {} } }) as unknown as AppContext;
