import { distributionFault } from './distributionFault.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Signature } from '../model/signature.ts';
import { validate } from './modelJson.generated.ts';

/** A fault as Ajv reports it. */
interface Fault {
  /** A JSON pointer (RFC 6901). */
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const check = validate as unknown as {
  (json: unknown): json is Signature;
  readonly errors?: readonly Fault[] | null;
};

function describe({ instancePath, message, params }: Fault): string {
  const extra = 'additionalProperty' in params ? ` ("${String(params['additionalProperty'])}")` : '';
  return `model.json ${instancePath || '/'} ${message ?? 'is wrong'}${extra}`;
}

/**
 * The content of a model.json as a signature, by the published JSON Schema. Rules that a schema can't express (unique
 * column names, lengths) are checked after it.
 *
 * @throws {ModelRefused} with the path of the fault
 */
export function readSignature(id: string, json: unknown): Signature {
  if (!check(json)) throw new ModelRefused(id, describe(check.errors?.[0] as Fault));
  const names = json.inputs.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1) throw new ModelRefused(id, `model.json /inputs/${twice}/name stands there twice`);
  const values = (json.outputs.values ?? []).map(({ name }) => name);
  const again = values.findIndex((name, index) => values.indexOf(name) !== index);
  if (again !== -1) throw new ModelRefused(id, `model.json /outputs/values/${again}/name stands there twice`);
  const fault = distributionFault(json);
  if (fault !== undefined) throw new ModelRefused(id, `model.json ${fault}`);
  return json;
}
