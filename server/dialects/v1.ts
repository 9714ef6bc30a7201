import type { Model } from '../model/model.ts';
import type { Table } from '../model/rows.ts';
import { readInstances } from './forms/instances.ts';
import { invalidBody as invalid, isObject, parseJson } from './forms/json.ts';

const KEYS = new Set(['instances', 'parameters', 'signature_name']);

/** How TensorFlow Serving's clients may name the only signature of a model. */
const SIGNATURE_NAMES = new Set<unknown>([undefined, null, '', 'serving_default']);

/**
 * Reads a body of the form `{"instances": [...], "parameters": {}}`: that of V1 and of Vertex AI.
 *
 * @throws {Problem} invalid_json or invalid_body
 */
export function readV1(text: string, { signature }: Model): Table {
  const body = parseJson(text);
  if (!isObject(body)) throw invalid('The body must be a JSON object with "instances".');
  if (Object.keys(body).some((key) => !KEYS.has(key))) {
    throw invalid('The body has a key other than "instances", "parameters" and "signature_name".');
  }
  const { instances, parameters = null } = body;
  if (parameters !== null && (!isObject(parameters) || Object.keys(parameters).length > 0)) {
    throw invalid('"parameters" must be an empty object: there is nothing to set.');
  }
  if (!SIGNATURE_NAMES.has(body['signature_name'])) {
    throw invalid('"signature_name" must be "serving_default": a model has one signature.');
  }
  return readInstances(instances, signature.inputs);
}

/** The answer to `GET /v1/models`. */
export const writeV1Models = (models: readonly Model[]): string =>
  JSON.stringify({ models: [...new Set(models.map(({ name }) => name))] });

/** A model's state, with KServe's members and TensorFlow Serving's. Models in the catalogue are ready. */
export const writeV1State = (name: string, versions: readonly number[]): string =>
  JSON.stringify({
    name,
    ready: true,
    model_version_status: versions.map((version) => ({
      version: String(version),
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    })),
  });
