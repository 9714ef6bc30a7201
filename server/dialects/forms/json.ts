import { Problem } from '../../errors/problem.ts';
import { describeJsonFault } from './jsonFault.ts';

/** An object of JSON: neither null nor a list. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The error for JSON in none of a protocol's forms. */
export const invalidBody = (detail: string): Problem => new Problem('invalid_body', { detail });

/** Whether a value of another form than expected is a text that holds JSON, as one does that was encoded twice. */
const holdsJson = (value: unknown): boolean => typeof value === 'string' && /^\s*[[{"]/.test(value);

/** The error for a part of a body in another form than expected. @param where the part, as the subject of a sentence */
export const invalidForm = (where: string, value: unknown, detail: string): Problem =>
  invalidBody(
    holdsJson(value) ? `${where} was encoded twice: pass the object or list, not its text as JSON.` : detail,
  );

/** As JSON.parse: of two members of one name it keeps the last. @throws {Problem} invalid_json, or invalid_body for a text */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem('invalid_json', { detail: describeJsonFault(text), cause });
  }
  if (holdsJson(value)) throw invalidForm('The body', value, '');
  return value;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
