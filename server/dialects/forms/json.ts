import { Problem } from '../../errors/problem.ts';

/** An object of JSON: neither null nor a list. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** As JSON.parse: of two members of one name it keeps the last. @throws {Problem} invalid_json */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem('invalid_json', { cause });
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The error for JSON in none of a protocol's forms. */
export const invalidBody = (detail: string): Problem => new Problem('invalid_body', { detail });
