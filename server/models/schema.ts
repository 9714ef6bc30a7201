import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv';
import { distributionFault } from './distributionFault.ts';
import { ModelRefused } from './model.ts';
import type { Signature } from './signature.ts';

const SCHEMA_PATH = 'models/model.schema.json';

/** The content of a model.json as a signature. */
export type Validate = (id: string, json: unknown) => Signature;

function describe({ instancePath, message, params }: ErrorObject): string {
  const extra = 'additionalProperty' in params ? ` ("${String(params['additionalProperty'])}")` : '';
  return `model.json ${instancePath || '/'} ${message ?? 'is wrong'}${extra}`;
}

/**
 * Compiles the published JSON Schema. What it can't say (unique column names, lengths) is checked behind it.
 *
 * @param home the project folder
 * @returns throws ModelRefused with the path of the fault
 */
export async function createValidator(home: string): Promise<Validate> {
  const schema = JSON.parse(await readFile(join(home, SCHEMA_PATH), 'utf8')) as object;
  const validate = new Ajv2020({
    // The schema is ours and a test checks it: to do so here would double the time that a start takes to read models.
    validateSchema: false,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    allowUnionTypes: true,
  }).compile<Signature>(schema);
  return (id, json) => {
    if (!validate(json)) throw new ModelRefused(id, describe(validate.errors?.[0] as ErrorObject));
    const names = json.inputs.map(({ name }) => name);
    const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (twice !== -1) throw new ModelRefused(id, `model.json /inputs/${twice}/name stands there twice`);
    const fault = distributionFault(json);
    if (fault !== undefined) throw new ModelRefused(id, `model.json ${fault}`);
    return json;
  };
}
