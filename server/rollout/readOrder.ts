import type { JsonObject } from '../dialects/forms/json.ts';
import { invalidBody, isObject, parseJson } from '../dialects/forms/json.ts';
import type { ModelOrder } from './messages.ts';

function parse(text: string): JsonObject {
  const body = text === '' ? {} : parseJson(text);
  if (!isObject(body)) throw invalidBody('The body must be a JSON object.');
  return body;
}

/** A version number, as text or as a number. @throws {Problem} invalid_body */
function readVersion(version: unknown): number | undefined {
  if (version === undefined || version === null) return undefined;
  const text = typeof version === 'number' ? String(version) : version;
  if (typeof text !== 'string' || !/^[1-9]\d{0,8}$/.test(text))
    throw invalidBody('The parameter "version" must be a positive integer.');
  return Number(text);
}

/**
 * Makes an order of the parameters of a load or an unload, which are Triton's and `version`.
 *
 * @throws {Problem} invalid_body
 */
export function orderOf(action: 'load' | 'unload', name: string, parameters: JsonObject): ModelOrder {
  const { version, unload_dependents: dependents, ...others } = parameters;
  if (Object.keys(others).some((key) => key === 'config' || key.startsWith('file:')))
    throw invalidBody('A model is loaded as the repository holds it: "config" and files are not taken.');
  if (Object.keys(others).length > 0 || (dependents !== undefined && action === 'load'))
    throw invalidBody('The one parameter here is "version".');
  if (dependents !== undefined && typeof dependents !== 'boolean')
    throw invalidBody('The parameter "unload_dependents" must be true or false.');
  return { action, name, version: readVersion(version) };
}

/** Reads the body of a load or an unload of V2. @throws {Problem} invalid_body or invalid_json */
export function readOrder(action: 'load' | 'unload', name: string, text: string): ModelOrder {
  const { parameters = {}, ...others } = parse(text);
  if (Object.keys(others).length > 0) throw invalidBody('The body has a key other than "parameters".');
  if (parameters !== null && !isObject(parameters)) throw invalidBody('"parameters" must be an object.');
  return orderOf(action, name, parameters ?? {});
}

/** Reads the body of SageMaker's load. @throws {Problem} invalid_body or invalid_json */
export function readAddition(text: string): ModelOrder {
  const { model_name: name, url, ...others } = parse(text);
  if (typeof name !== 'string' || typeof url !== 'string' || Object.keys(others).length > 0)
    throw invalidBody('The body must have the texts "model_name" and "url", and nothing else.');
  return { action: 'add', name, folder: url };
}
