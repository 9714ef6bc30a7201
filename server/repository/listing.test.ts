import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { listFolder } from './folder.ts';
import { ModelRefused } from '../model/refused.ts';
import { defaultModel, readRepository } from '../testing/readRepository.ts';

const SIGNATURE = {
  task: 'classification',
  inputs: [
    { name: 'age', onnx: 'age', type: 'integer', nullable: true, range: [0, 99] },
    { name: 'job', onnx: 'job', type: 'string', nullable: false, categories: ['a', 'b'] },
  ],
  outputs: { label: 'label', probabilities: 'probabilities', classes: ['no', 'yes'] },
};
const GOLDEN = {
  columns: ['job', 'age'],
  data: [
    ['b', 7],
    ['c', null],
  ],
  predictions: ['yes', 'no'],
  probabilities: [
    [0.25, 0.75],
    [1, 0],
  ],
};

type Files = Readonly<Record<string, unknown>>;

/** Reads a repository with these files; values other than strings are written as JSON. */
async function read(files: Files) {
  return withTemporaryFolder(async (folder) => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, path);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    }
    return readRepository(folder);
  });
}

async function refusalOf(files: Files): Promise<string> {
  const refusal: unknown = await read(files).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ModelRefused);
  expect((refusal as Error).message).not.toContain('\n');
  return (refusal as Error).message;
}

const withSignature = (changes: Files): Files => ({ 'm/1/model.json': { ...SIGNATURE, ...changes } });
const withGolden = (golden: unknown): Files => ({ 'm/1/model.json': SIGNATURE, 'm/1/golden.json': golden });

describe('a repository', () => {
  it('has a model for each folder, sorted by name, in its highest version', async () => {
    const models = await read({
      'b/1/model.json': 'not read',
      'b/9/model.json': 'not read either',
      'b/10/model.json': SIGNATURE,
      'a.b_c-1/2/model.json': SIGNATURE,
      'a.b_c-1/data/model.json': '',
      'a.b_c-1/03/model.json': '',
      'a.b_c-1/0/model.json': '',
      'a.b_c-1/-4/model.json': '',
      'a.b_c-1/5.0/model.json': '',
      'a.b_c-1/6': 'a file',
      'no versions/data/x': '',
      'README.md': '',
    });
    expect(models.map(({ id, name, version }) => [id, name, version])).toEqual([
      ['a.b_c-1/2', 'a.b_c-1', 2],
      ['b/10', 'b', 10],
    ]);
    expect(models[0]).toMatchObject({ signature: SIGNATURE, golden: undefined });
    expect(models[0]?.path).toMatch(/\/a\.b_c-1\/2\/model\.onnx$/);
    expect(models[0]?.encoder.width).toBe(2);
  });

  it('is refused when it is missing or empty', async () => {
    await withTemporaryFolder(async (folder) => {
      await expect(readRepository(join(folder, 'none'))).rejects.toThrow(/cannot be read \(ENOENT\)$/);
      await expect(readRepository(folder)).rejects.toThrow(/holds no <name>\/<version> folder$/);
    });
  });

  it('leaves out a model with an impossible name beside others', async () => {
    await withTemporaryFolder(async (repository) => {
      for (const id of ['a b/1', 'a b/2', 'good/1']) putVersion(repository, id, tinyFiles(1));
      const { candidates, strays } = await listFolder(repository);
      expect(candidates.map(({ id }) => id)).toEqual(['good/1']);
      expect(strays).toEqual([expect.stringMatching(/^model a b refused: a model name has/)]);
    });
  });

  it.each(['a b', '.hidden', '-x', 'ü', 'x'.repeat(65)])('with a model named %j is refused', async (name) => {
    expect(await refusalOf({ [`${name}/1/model.json`]: SIGNATURE })).toMatch(
      /a model name has 1 to 64 letters/,
    );
  });
});

describe('a folder without any <name>/<version>', () => {
  it('is one version, or one model with its versions', async () => {
    const one = { 'model.onnx': '', 'model.json': SIGNATURE };
    expect((await read(one)).map(({ id }) => id)).toEqual(['model/1']);
    const versions = {
      '2/model.onnx': '',
      '2/model.json': SIGNATURE,
      '10/model.onnx': '',
      'x/model.onnx': '',
    };
    await expect(read(versions)).rejects.toThrow('model model/10 refused: model.json is missing');
    expect((await read({ ...versions, '10/model.json': SIGNATURE })).map(({ id }) => id)).toEqual([
      'model/10',
    ]);
  });

  it('does not use the name of a single model if models have names', async () => {
    const named = { 'model.onnx': '', 'model.json': SIGNATURE, 'm/1/model.json': SIGNATURE };
    expect((await read(named)).map(({ id }) => id)).toEqual(['m/1']);
  });
});

describe('a signature', () => {
  it('is required', async () => {
    expect(await refusalOf({ 'm/1/README.md': '' })).toBe('model m/1 refused: model.json is missing');
  });

  it('that is a folder cannot be read', async () => {
    expect(await refusalOf({ 'm/1/model.json/x': '' })).toBe(
      'model m/1 refused: model.json cannot be read (EISDIR)',
    );
  });

  const input = (changes: Files): Files => ({
    inputs: [SIGNATURE.inputs[0], { ...SIGNATURE.inputs[1], ...changes }],
  });

  it.each<[string, Files, string]>([
    ['an unknown task', { task: 'survival' }, 'model.json /task must be equal to one of the allowed values'],
    ['no inputs', { inputs: [] }, 'model.json /inputs must NOT have fewer than 1 items'],
    [
      'a wrong type',
      input({ type: 'date' }),
      'model.json /inputs/1/type must be equal to one of the allowed values',
    ],
    ['a name that is no text', input({ name: 7 }), 'model.json /inputs/1/name must be string'],
    ['an empty name', input({ name: '' }), 'model.json /inputs/1/name must NOT have fewer than 1 characters'],
    [
      'no nullable',
      input({ nullable: undefined }),
      "model.json /inputs/1 must have required property 'nullable'",
    ],
    [
      'a misspelt key',
      input({ catgories: [] }),
      'model.json /inputs/1 must NOT have additional properties ("catgories")',
    ],
    ['a doubled column', input({ name: 'age' }), 'model.json /inputs/1/name stands there twice'],
    [
      'a doubled category',
      input({ categories: ['a', 'a'] }),
      'model.json /inputs/1/categories must NOT have duplicate',
    ],
    ['a bad digest', { sha256: 'abc' }, 'model.json /sha256 must match pattern'],
    [
      'no classes',
      { outputs: { label: 'l', probabilities: 'p' } },
      "model.json /outputs must have required property 'classes'",
    ],
    [
      'a regression without a value',
      { task: 'regression' },
      "model.json /outputs must have required property 'value'",
    ],
    ...['cost', '/', '/a/', '//a', '/a?b', '/:model', '/*', '/a b', '/../a'].map(
      (route): [string, Files, string] => [
        `the route ${route}`,
        { routes: [route] },
        'model.json /routes/0 must match pattern',
      ],
    ),
    ['an answer without a key', { answer: {} }, "model.json /answer must have required property 'key'"],
    [
      'too many decimals',
      { answer: { key: 'k', decimals: 16 } },
      'model.json /answer/decimals must be <= 15',
    ],
    ['an unknown key', { author: 'me' }, 'model.json / must NOT have additional properties ("author")'],
    [
      'an example of another type',
      { inputs: [{ ...SIGNATURE.inputs[0], example: 'a' }] },
      'model.json /inputs/0/example must be integer',
    ],
  ])('with %s is refused by the path of the fault', async (_, changes, reason) => {
    expect(await refusalOf(withSignature(changes))).toContain(`model m/1 refused: ${reason}`);
  });

  it('may name routes and the form of an answer', async () => {
    const own = { routes: ['/prediction', '/v0/cost-of_care.json'], answer: { key: 'cost', decimals: 2 } };
    const [model] = await read(withSignature(own));
    expect(model?.signature).toMatchObject(own);
  });

  it.each(['', '{', '[]', 'null', '1'])('that is not an object is refused: %j', async (text) => {
    expect(await refusalOf({ 'm/1/model.json': text })).toMatch(
      text === '' || text === '{' ? /model\.json is not valid JSON$/ : /model\.json \/ must be object$/,
    );
  });
});

describe('golden rows', () => {
  it('are encoded like the rows of requests', async () => {
    const [model] = await read(withGolden(GOLDEN));
    expect(model?.golden).toEqual({
      rows: 2,
      cells: Float64Array.of(7, 1, NaN, -1),
      texts: [{ row: 1, column: 1, text: 'c' }],
      answers: Float64Array.of(1, 0.25, 0.75, 0, 1, 0),
      table: GOLDEN,
    });
  });

  it('of a regression have values', async () => {
    const [model] = await read({
      'm/1/model.json': { ...SIGNATURE, task: 'regression', outputs: { value: 'v' } },
      'm/1/golden.json': { columns: GOLDEN.columns, data: GOLDEN.data, predictions: [1.5, -2] },
    });
    expect(model?.golden?.answers).toEqual(Float64Array.of(1.5, -2));
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '{"columns":', 'golden.json is not valid JSON'],
    ['null', null, 'golden.json must hold the lists columns, data and predictions'],
    ['no object', 'true', 'golden.json must hold the lists columns, data and predictions'],
    [
      'no data',
      { ...GOLDEN, data: undefined },
      'golden.json must hold the lists columns, data and predictions',
    ],
    ['a row that is no list', { ...GOLDEN, data: [null, ['b', 7]] }, 'golden.json must hold'],
    [
      'a row without an answer',
      { ...GOLDEN, predictions: ['no'] },
      'golden.json must hold one prediction for each row',
    ],
    [
      'an unknown class',
      { ...GOLDEN, predictions: ['yes', 'maybe'] },
      'golden.json /predictions/1 is none of the classes',
    ],
    [
      'a missing probability',
      { ...GOLDEN, probabilities: [[1, 0], [1]] },
      'golden.json /probabilities/1 must have one number for each class',
    ],
    [
      'no probabilities',
      { ...GOLDEN, probabilities: undefined },
      'golden.json /probabilities/0 must have one number for each class',
    ],
    [
      'another column',
      { ...GOLDEN, columns: ['job', 'height'] },
      'golden.json does not match the signature: The columns do not match',
    ],
    [
      'a bad cell',
      {
        ...GOLDEN,
        data: [
          ['b', 7],
          ['b', 'x'],
        ],
      },
      "golden.json does not match the signature: Some rows do not match the model's signature. (row 1, column age: expected an integer, found a string)",
    ],
  ])('are refused: %s', async (_, golden, reason) => {
    expect(await refusalOf(withGolden(golden))).toContain(`model m/1 refused: ${reason}`);
  });
});

describe('the default model', () => {
  it('is the wanted one, or the first by name, or none', async () => {
    const models = await read({ 'b/1/model.json': SIGNATURE, 'a/1/model.json': SIGNATURE });
    expect(defaultModel(models, '').name).toBe('a');
    expect(defaultModel(models, 'b').name).toBe('b');
    expect(() => defaultModel(models, 'c')).toThrow(/^model c refused: DEFAULT_MODEL names a model/);
  });
});
