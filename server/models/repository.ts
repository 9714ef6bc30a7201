import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv';
import type { Rows } from '../../worker/protocol.ts';
import type { Encoder } from '../encoding/encoder.ts';
import { createEncoder } from '../encoding/encoder.ts';
import { exampleRow } from './example.ts';
import { encodeGolden } from './golden.ts';
import type { Model } from './model.ts';
import { ModelRefused } from './model.ts';
import type { Golden, Signature } from './signature.ts';
import { outputFeed } from './signature.ts';

const SCHEMA_PATH = 'models/model.schema.json';

/** Model and version names become labels of metrics, parts of URLs and of header values. */
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

type ReadJson = (file: string) => Promise<unknown>;

/** Reads a JSON file of a version's folder. */
const jsonReader =
  (id: string, folder: string): ReadJson =>
  async (file) => {
    const text = await readFile(join(folder, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new ModelRefused(id, `${file} cannot be read (${error.code ?? 'unknown error'})`);
    });
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new ModelRefused(id, `${file} is not valid JSON`);
    }
  };

function describe({ instancePath, message, params }: ErrorObject): string {
  const extra = 'additionalProperty' in params ? ` ("${String(params['additionalProperty'])}")` : '';
  return `model.json ${instancePath || '/'} ${message ?? 'is wrong'}${extra}`;
}

type Validate = (id: string, json: unknown) => Signature;

/** Compiles the published JSON Schema. What it can't say (unique column names) is checked behind it. */
async function createValidator(home: string): Promise<Validate> {
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
    return json;
  };
}

/** What a thread needs of rows. */
const toRows = ({ rows, cells, texts }: Rows): Rows => ({ rows, cells, texts });

const encodeExample = (signature: Signature, encoder: Encoder): Rows =>
  encoder.encode(
    signature.inputs.map(({ name }) => name),
    [exampleRow(signature)],
  );

async function readVersion(
  folder: string,
  name: string,
  version: number,
  validate: Validate,
): Promise<Model> {
  const id = `${name}/${version}`;
  const read = jsonReader(id, folder);
  const json = await read('model.json');
  if (json === undefined) throw new ModelRefused(id, 'model.json is missing');
  const signature = validate(id, json);
  const encoder = createEncoder(signature);
  const output = outputFeed(signature);
  const table = await read('golden.json');
  const golden = table === undefined ? undefined : encodeGolden(id, table as Golden, encoder, output);
  return {
    name,
    version,
    id,
    path: join(folder, 'model.onnx'),
    signature,
    encoder,
    output,
    engine: { engine: 'onnxruntime', path: 'whole' },
    golden,
    probes: toRows(golden ?? encodeExample(signature, encoder)),
  };
}

/** Names of the folders in a folder, sorted. A link to a folder is one: mounted volumes are full of them. */
async function listFolders(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const isFolder = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (entry) => entry.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => isFolder[index]).sort();
}

/** The highest version in a model's folder; a folder whose name is no positive integer is no version. */
async function latestVersion(folder: string): Promise<number | undefined> {
  const versions = (await listFolders(folder)).filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number);
  return versions.length > 0 ? Math.max(...versions) : undefined;
}

/**
 * Reads the latest version of every model in a repository (`<name>/<version>/model.onnx`), sorted by name.
 *
 * @param home the project folder, which holds the JSON Schema
 * @throws {ModelRefused} for the first version that can't be served, or when there is none at all
 */
export async function readRepository(repository: string, home: string): Promise<Model[]> {
  const names = await listFolders(repository).catch((error: NodeJS.ErrnoException) => {
    throw new ModelRefused('repository', `${repository} cannot be read (${error.code ?? 'unknown error'})`);
  });
  const validate = await createValidator(home);
  const models: Model[] = [];
  for (const name of names) {
    const version = await latestVersion(join(repository, name));
    if (version === undefined) continue;
    if (!MODEL_NAME.test(name)) {
      throw new ModelRefused(
        basename(name),
        'a model name has 1 to 64 letters, digits, dots, dashes and underscores',
      );
    }
    models.push(await readVersion(join(repository, name, String(version)), name, version, validate));
  }
  if (models.length === 0)
    throw new ModelRefused('repository', `${repository} holds no <name>/<version> folder`);
  return models;
}

/**
 * The model that answers the routes which name none: the wanted one, or else the first.
 *
 * @throws {ModelRefused} when the wanted model isn't there
 */
export function defaultModel(models: readonly Model[], wanted: string): Model {
  const model = wanted === '' ? models[0] : models.find(({ name }) => name === wanted);
  if (!model) throw new ModelRefused(wanted, 'DEFAULT_MODEL names a model that the repository does not hold');
  return model;
}
