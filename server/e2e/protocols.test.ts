import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { ERRORS } from '../errors/problem.ts';
import { fromHome } from '../platform/install.ts';
import { ADULT_COLUMNS, ADULT_LABEL, ADULT_ROW, adultRow, loadAdultGolden } from '../testing/adult.ts';
import { makeFixtureRepository, readFixture } from '../testing/fixtureRepository.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const VERTEX_HEALTH = '/v1/endpoints/7/deployedModels/3';
const VERTEX_PREDICT = `${VERTEX_HEALTH}:predict`;

const record = (row: readonly unknown[] = ADULT_ROW): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record()).filter(([column]) => column !== name));
const split = (...data: unknown[]): { columns: readonly string[]; data: unknown[] } => ({
  columns: ADULT_COLUMNS,
  data,
});
const columnsOf = (...rows: readonly (readonly unknown[])[]): Record<string, unknown[]> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, rows.map((row) => row[at])]));
const csv = [ADULT_COLUMNS, ADULT_ROW].map((cells) => cells.join(',')).join('\n');

/** The tensors of some rows, one a column. */
const tensors = (
  rows: readonly (readonly unknown[])[],
  change: (tensor: Record<string, unknown>) => Record<string, unknown> = (tensor) => tensor,
): Record<string, unknown>[] =>
  ADULT_COLUMNS.map((name, at) =>
    change({
      name,
      datatype: typeof ADULT_ROW[at] === 'string' ? 'BYTES' : 'INT64',
      shape: [rows.length],
      data: rows.map((row) => row[at]),
    }),
  );
/** The tensors of the example row, with changes to that of one column. */
const withTensor = (name: string, members: Record<string, unknown>): unknown => ({
  inputs: tensors([ADULT_ROW], (tensor) => (tensor['name'] === name ? { ...tensor, ...members } : tensor)),
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

describe.skipIf(nginxMissing)(needsNginx("other servers' protocols through nginx"), () => {
  const folder = mkdtempSync(join(tmpdir(), 'protocols-'));
  let server: Server;
  beforeAll(async () => {
    const MODEL_REPOSITORY = makeFixtureRepository(folder, [
      'booleans',
      'matrix',
      'scaler-mixed-types',
      'xgboost',
    ]);
    const env = { MODEL_REPOSITORY, AIP_HEALTH_ROUTE: VERTEX_HEALTH, AIP_PREDICT_ROUTE: VERTEX_PREDICT };
    server = await startServer({ env: { ...env, DEFAULT_MODEL: 'adult' } });
  });
  afterAll(async () => {
    await server.clean();
    rmSync(folder, { recursive: true });
  });

  async function ask(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('application/json');
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as unknown };
  }
  const errorOf = ({ body }: Answer): string => (body as { error: string }).error;

  const documented = readFileSync(fromHome('docs/protocols.md'), 'utf8').matchAll(
    /```sh\n(.*?)\n# (.*?)\n```/gs,
  );
  it.each(Array.from(documented, ([, command = '', answer = '']) => [answer, command]))(
    'answers as in docs/protocols.md: %s',
    async (answer, command) => {
      const here = command.replaceAll('localhost:5000', `127.0.0.1:${server.port}`);
      const { stdout } = await promisify(execFile)('bash', ['-c', here], { timeout: 20_000 });
      expect(stdout).toBe(answer);
    },
  );

  describe('MLflow', () => {
    const one = { predictions: [ADULT_LABEL] };
    const invoke = (body: unknown, headers = {}): Promise<Answer> => ask('/invocations', body, headers);

    it.each<[string, unknown, Record<string, string>?]>([
      ['dataframe_split', { dataframe_split: split(ADULT_ROW) }],
      ['dataframe_split with an index', { dataframe_split: { ...split(ADULT_ROW), index: ['a'] } }],
      ['dataframe_records', { dataframe_records: [record()] }],
      ['instances of objects', { instances: [record()] }],
      ['instances of lists', { instances: [ADULT_ROW] }],
      ['inputs by column', { inputs: columnsOf(ADULT_ROW) }],
      ['inputs of rows', { inputs: [ADULT_ROW] }],
      ['params, which no model takes', { dataframe_split: split(ADULT_ROW), params: { temperature: 1 } }],
      ['params of null', { dataframe_split: split(ADULT_ROW), params: null }],
      ['the bare split form of 1.x', split(ADULT_ROW)],
      [
        'the split form by the media type of 1.x',
        split(ADULT_ROW),
        { 'content-type': 'application/json; format=pandas-split' },
      ],
      [
        'records by the media type of 1.x',
        [record()],
        { 'content-type': 'application/json; format=pandas-records; charset=UTF-8' },
      ],
      ['CSV', csv, { 'content-type': 'text/csv' }],
      ['CSV in another letter case', `${csv}\r\n`, { 'content-type': 'Text/CSV; charset="utf-8"' }],
      ['any Accept', { instances: [record()] }, { accept: 'text/csv' }],
    ])('takes %s', async (_, body, headers) => {
      const answer = await invoke(body, headers);
      expect(answer.body).toEqual(one);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-model')).toBe('adult/1');
    });

    it('answers no rows with no predictions', async () => {
      for (const body of [{ dataframe_split: split() }, { dataframe_records: [] }, { instances: [] }]) {
        expect(await invoke(body)).toMatchObject({ status: 200, body: { predictions: [] } });
      }
    });

    it('skips and counts columns that the signature does not have', async () => {
      const counted = async (): Promise<number> => (await scrape(server)).sum('model_ignored_columns_total');
      const before = await counted();
      const wide = { ...record(), zip: 1, name: 'x' };
      for (const body of [
        { dataframe_records: [wide, record()] },
        { dataframe_split: { columns: Object.keys(wide), data: [Object.values(wide)] } },
      ]) {
        expect((await invoke(body)).status).toBe(200);
      }
      expect(await counted()).toBe(before + 4);
    });

    it.each<[string, unknown, string, RegExp]>([
      [
        'no JSON',
        '{',
        'BAD_REQUEST',
        /^The body is not valid JSON at line 1, column 2: the text ends too early/,
      ],
      ['NaN', '{"instances":[[NaN]]}', 'BAD_REQUEST', /not valid JSON/],
      ['a list', [record()], 'BAD_REQUEST', /with one of "dataframe_split"/],
      ['nothing known', {}, 'BAD_REQUEST', /with one of "dataframe_split"/],
      ['an unknown key', { dataframe_split: split(ADULT_ROW), foo: 1 }, 'BAD_REQUEST', /with one of/],
      ['two forms', { dataframe_split: split(), instances: [] }, 'BAD_REQUEST', /with one of/],
      ['params of a list', { instances: [], params: [1] }, 'BAD_REQUEST', /^"params" must be an object\.$/],
      ['a short index', { dataframe_split: { ...split(ADULT_ROW), index: [] } }, 'BAD_REQUEST', /^"index"/],
      [
        'a key of another orient',
        { dataframe_split: { ...split(), dtypes: {} } },
        'BAD_REQUEST',
        /a key other/,
      ],
      ['a split without columns', { dataframe_split: { data: [ADULT_ROW] } }, 'BAD_REQUEST', /no "columns"/],
      ['records by column', { dataframe_records: columnsOf(ADULT_ROW) }, 'BAD_REQUEST', /must be a list/],
      ['instances by column', { instances: columnsOf(ADULT_ROW) }, 'BAD_REQUEST', /"instances" must be/],
      ['a bare cell as inputs', { inputs: { ...record() } }, 'BAD_REQUEST', /"inputs" must be/],
      [
        'a missing column',
        { dataframe_records: [without('age')] },
        'INVALID_PARAMETER_VALUE',
        /missing: "age"/,
      ],
      [
        'a column that a row lacks',
        { dataframe_records: [record(), without('age')] },
        'INVALID_PARAMETER_VALUE',
        /row 1, column "age"/,
      ],
      [
        'a fraction',
        { dataframe_split: split(adultRow({ age: 39.7 })) },
        'INVALID_PARAMETER_VALUE',
        /row 0, column "age": expected an integer, found a fraction/,
      ],
      [
        'text for a number',
        { dataframe_split: split(ADULT_ROW, adultRow({ age: '39' })) },
        'INVALID_PARAMETER_VALUE',
        /row 1, column "age": expected an integer, found a string/,
      ],
      [
        'a short row',
        { instances: [ADULT_ROW, ADULT_ROW.slice(1)] },
        'INVALID_PARAMETER_VALUE',
        /row 1: expected 14 cells, found 13/,
      ],
      [
        'a doubled column',
        { dataframe_split: { columns: [...ADULT_COLUMNS, 'age'], data: [] } },
        'INVALID_PARAMETER_VALUE',
        /more than once: "age"/,
      ],
    ])('refuses %s', async (_, body, error_code, message) => {
      const answer = await invoke(body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error_code, message: expect.stringMatching(message) as string });
    });

    it('refuses another media type with 415, and bad CSV with its line', async () => {
      for (const type of [
        'text/plain',
        'application/json; charset=latin-1',
        'text/csv; format=pandas-split',
        'application/json; format=x',
      ]) {
        const answer = await invoke({}, { 'content-type': type });
        expect(answer).toMatchObject({ status: 415, body: { error_code: 'BAD_REQUEST' } });
      }
      const bare = csv.slice(csv.indexOf('\n') + 1);
      expect(await invoke(bare, { 'content-type': 'text/csv' })).toMatchObject({ status: 200 });
      const misspelt = await invoke(`x${csv}`.replaceAll(',', ',x'), { 'content-type': 'text/csv' });
      expect(misspelt.body).toEqual({
        error_code: 'INVALID_PARAMETER_VALUE',
        message:
          "The first line has none of the signature's columns: the header line seems to be missing; add it, or send text/csv; header=absent.",
      });
      const bad = await invoke(csv.replace('25,', 'x,'), { 'content-type': 'text/csv' });
      expect(bad).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
      expect((bad.body as { message: string }).message).toContain('row 0 (line 2), column "age"');
    });

    it('has its form of errors for methods and parameters', async () => {
      const wrong = await ask('/invocations');
      expect(wrong).toMatchObject({ status: 405, body: { error_code: 'BAD_REQUEST' } });
      expect(wrong.headers.get('allow')).toBe('POST');
      expect(await ask('/invocations?x=1', {})).toMatchObject({
        status: 400,
        body: { error_code: 'BAD_REQUEST' },
      });
    });

    it('answers the health checks of MLflow and of SageMaker, and a version', async () => {
      for (const path of ['/ping', '/health']) {
        const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
        expect([response.status, await response.text()]).toEqual([200, '\n']);
      }
      const version = await fetch(`http://127.0.0.1:${server.port}/version`);
      expect(await version.text()).toMatch(/^\d+\.\d+\.\d+/);
    });
  });

  describe('V1', () => {
    const predict = (body: unknown, target = 'adult'): Promise<Answer> =>
      ask(`/v1/models/${target}:predict`, body);
    const state = (name: string, ...versions: string[]) => ({
      name,
      ready: true,
      model_version_status: versions.map((version) => ({
        version,
        state: 'AVAILABLE',
        status: { error_code: 'OK', error_message: '' },
      })),
    });

    it('lists the models, and reports the state of each', async () => {
      expect((await ask('/v1/models')).body).toEqual({
        models: ['adult', 'booleans', 'matrix', 'scaler-mixed-types', 'xgboost'],
      });
      expect((await ask('/v1/models/adult')).body).toEqual(state('adult', '1', '2'));
      expect((await ask('/v1/models/adult/versions/1')).body).toEqual(state('adult', '1'));
    });

    it.each<[string, unknown]>([
      ['objects', { instances: [record()] }],
      ['lists, in the order of the signature', { instances: [ADULT_ROW] }],
      ['no parameters', { instances: [ADULT_ROW], parameters: {} }],
      ["TensorFlow Serving's signature name", { instances: [ADULT_ROW], signature_name: 'serving_default' }],
    ])('takes %s', async (_, body) => {
      for (const target of ['adult', 'adult/versions/1']) {
        expect(await predict(body, target)).toMatchObject({
          status: 200,
          body: { predictions: [ADULT_LABEL] },
        });
      }
    });

    it('answers numbers for a regression', async () => {
      for (const name of ['scaler-mixed-types', 'xgboost']) {
        const { data, predictions } = readFixture(name);
        const { body } = await predict({ instances: data.slice(0, 8) }, name);
        const given = (body as { predictions: number[] }).predictions;
        // Relative, since the model computes in float32.
        given.forEach((value, at) =>
          expect((value + 1) / ((predictions[at] as number) + 1)).toBeCloseTo(1, 5),
        );
      }
    });

    it.each<[string, unknown, RegExp]>([
      ['no JSON', '{"instances":', /not valid JSON/],
      ['a list', [], /must be a JSON object/],
      ['no instances', {}, /"instances" must be a list/],
      ['an unknown key', { instances: [], inputs: [] }, /a key other than/],
      [
        'parameters',
        { instances: [ADULT_ROW], parameters: { a: 1 } },
        /"parameters" must be an empty object/,
      ],
      ['another signature', { instances: [], signature_name: 'x' }, /"signature_name"/],
      ['an unknown column', { instances: [{ ...record(), zip: 1 }] }, /unknown: "zip"/],
      ['a column that a row lacks', { instances: [record(), without('sex')] }, /row 1, column "sex"/],
      ['mixed rows', { instances: [record(), ADULT_ROW] }, /row 1: expected an object/],
      ['bare cells', { instances: [1, 2] }, /row 0: expected a list of cells/],
      [
        'a boolean for a number',
        { instances: [adultRow({ age: true })] },
        /row 0, column "age": expected an integer, found a boolean/,
      ],
    ])('refuses %s', async (_, body, message) => {
      const answer = await predict(body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error: expect.stringMatching(message) as string });
    });

    it('refuses other methods and unknown models', async () => {
      expect((await ask('/v1/models/adult:predict')).headers.get('allow')).toBe('POST');
      expect((await ask('/v1/models/adult', {})).headers.get('allow')).toBe('GET, HEAD');
      for (const target of ['nope', 'adult/versions/3', 'adult/versions/01', 'adult/versions/x', 'a:b']) {
        expect(await predict({ instances: [] }, target)).toMatchObject({ status: 404 });
        expect(await ask(`/v1/models/${target}`)).toMatchObject({ status: 404 });
      }
    });
  });

  describe('Vertex AI', () => {
    it('answers on the routes that the platform chooses', async () => {
      expect(await ask(VERTEX_HEALTH)).toMatchObject({ status: 200 });
      const body = { instances: [record(), ADULT_ROW.map((cell) => cell)].slice(0, 1), parameters: {} };
      expect(await ask(VERTEX_PREDICT, body)).toMatchObject({
        status: 200,
        body: { predictions: [ADULT_LABEL] },
      });
      expect(await ask(VERTEX_PREDICT, {})).toMatchObject({
        status: 400,
        body: { error: expect.any(String) as string },
      });
    });
  });

  describe('V2', () => {
    const infer = (body: unknown, model = 'adult', headers = {}): Promise<Answer> =>
      ask(`/v2/models/${model}/infer`, body, headers);

    it('describes the server, its health and its repository', async () => {
      expect((await ask('/v2')).body).toMatchObject({
        name: 'servemodel',
        extensions: [
          'binary_tensor_data',
          'classification',
          'model_configuration',
          'model_repository',
          'schedule_policy',
          'statistics',
        ],
      });
      expect((await ask('/v2/health/live')).body).toEqual({ live: true });
      expect((await ask('/v2/health/ready')).body).toEqual({ ready: true });
      expect((await ask('/v2/repository/index', { ready: true })).body).toContainEqual({
        name: 'adult',
        version: '1',
        state: 'READY',
        reason: '',
      });
      expect(errorOf(await ask('/v2/repository/index', { ready: 'yes' }))).toMatch(/"ready"/);
    });

    it('describes a model by the names and types of its signature', async () => {
      for (const path of ['/v2/models/adult', '/v2/models/adult/versions/1']) {
        const { body } = await ask(path);
        expect(body).toMatchObject({ name: 'adult', versions: ['1', '2'], platform: 'onnxruntime_onnx' });
        const { inputs, outputs } = body as { inputs: unknown[]; outputs: unknown[] };
        expect(inputs).toHaveLength(14);
        expect(inputs[1]).toEqual({ name: 'workclass', datatype: 'BYTES', shape: [-1] });
        expect(inputs[4]).toEqual({ name: 'education-num', datatype: 'INT64', shape: [-1] });
        expect(outputs).toEqual([
          { name: 'label', datatype: 'BYTES', shape: [-1] },
          { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
        ]);
        expect((await ask(`${path}/ready`)).body).toEqual({ name: 'adult', ready: true });
      }
      expect((await ask('/v2/models/booleans')).body).toMatchObject({
        inputs: [{ datatype: 'BOOL' }, { datatype: 'FP64' }],
      });
      expect((await ask('/v2/models/xgboost')).body).toMatchObject({
        outputs: [{ datatype: 'INT64' }, { shape: [-1, 3] }],
      });
      expect((await ask('/v2/models/scaler-mixed-types')).body).toMatchObject({
        outputs: [{ name: 'variable', datatype: 'FP64' }],
      });
    });

    it('answers the golden rows with their labels and probabilities', async () => {
      const { columns, data, predictions, probabilities } = await loadAdultGolden();
      const rows = data.map((row) => ADULT_COLUMNS.map((name) => row[columns.indexOf(name)]));
      const { body } = await infer({ id: 'mine', inputs: tensors(rows) });
      expect(body).toMatchObject({ model_name: 'adult', model_version: '1', id: 'mine' });
      const [label, scores] = (body as { outputs: { shape: number[]; data: unknown[] }[] }).outputs;
      expect(label).toEqual({ name: 'label', datatype: 'BYTES', shape: [rows.length], data: predictions });
      expect(scores).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [rows.length, 2] });
      probabilities.flat().forEach((value, at) => expect(scores?.data[at]).toBeCloseTo(value, 6));
    });

    const whole = { inputs: tensors([ADULT_ROW]) };
    it.each<[string, unknown]>([
      [
        'columns of shape [rows, 1], nested',
        { inputs: tensors([ADULT_ROW], (tensor) => ({ ...tensor, shape: [1, 1], data: [tensor['data']] })) },
      ],
      [
        'columns of shape [rows, 1], flat',
        { inputs: tensors([ADULT_ROW], (tensor) => ({ ...tensor, shape: [1, 1] })) },
      ],
      ['columns in any order', { inputs: tensors([ADULT_ROW]).reverse() }],
      ['whole numbers in a floating-point tensor', withTensor('age', { datatype: 'FP32', data: [25.0] })],
      ['small integers', withTensor('age', { datatype: 'UINT8' })],
      ['null for a missing number', withTensor('fnlwgt', { data: [null] })],
      [
        'the marks of MLServer',
        { ...whole, parameters: { content_type: 'pd', headers: null }, outputs: null, id: null },
      ],
      ['parameters that it has no use for', { ...whole, parameters: { priority: 1 } }],
      ['no wanted outputs, which means all', { ...whole, outputs: [] }],
    ])('takes %s', async (_, body) => {
      const answer = await infer(body);
      expect(answer.body).toMatchObject({
        outputs: [{ name: 'label', data: [ADULT_LABEL] }, { name: 'probabilities' }],
      });
      expect(answer.status).toBe(200);
    });

    it('answers the requested outputs in their order', async () => {
      const { body } = await infer({ ...whole, outputs: [{ name: 'probabilities' }, { name: 'label' }] });
      expect(body).toMatchObject({
        outputs: [{ name: 'probabilities' }, { name: 'label', data: [ADULT_LABEL] }],
      });
    });

    it('accepts one tensor for all columns of a numeric model', async () => {
      const { data, predictions } = readFixture('matrix');
      const rows = data.filter((row) => row.every((cell) => typeof cell === 'number')).slice(0, 20);
      for (const [form, cells] of [
        ['nested', rows],
        ['flat', rows.flat()],
      ] as const) {
        const input = { name: 'X', datatype: 'FP64', shape: [rows.length, 3], data: cells };
        const { body } = await infer({ inputs: [input] }, 'matrix');
        const [label] = (body as { outputs: { data: unknown[] }[] }).outputs;
        expect(label?.data, form).toEqual(rows.map((row) => predictions[data.indexOf(row)]));
      }
      const text = { name: 'X', datatype: 'BYTES', shape: [1, 3], data: ['a', 'b', 'c'] };
      expect(errorOf(await infer({ inputs: [text] }, 'matrix'))).toMatch(/takes INT8/);
      expect(
        errorOf(await infer({ inputs: [{ ...text, shape: [1, 2], data: ['a', 'b'] }] }, 'matrix')),
      ).toMatch(/^Input 0, "X", has 2 columns where the model has 3: it must have the shape \[rows, 3\]/);
    });

    it('accepts booleans only for a boolean column', async () => {
      const inputs = (datatype: string, value: unknown): unknown => ({
        inputs: readFixture('booleans').signature.inputs.map(({ name }, at) => ({
          name,
          shape: [1],
          ...(at === 0 ? { datatype, data: [value] } : { datatype: 'FP64', data: [1.5] }),
        })),
      });
      expect((await infer(inputs('BOOL', true), 'booleans')).status).toBe(200);
      expect(errorOf(await infer(inputs('BOOL', 1), 'booleans'))).toMatch(/row 0, column/);
      expect(errorOf(await infer(inputs('INT8', 1), 'booleans'))).toMatch(/takes BOOL/);
    });

    it.each<[string, unknown, RegExp]>([
      ['no JSON', '{', /not valid JSON/],
      ['a list', [], /must be a JSON object/],
      ['no inputs', {}, /"inputs" must be a list/],
      ['an unknown key', { ...whole, instances: [] }, /a key other than/],
      ['an id that is no string', { ...whole, id: 1 }, /"id" must be a string/],
      ['parameters of a list', { ...whole, parameters: [] }, /"parameters" of the request/],
      ['an input that is no object', { inputs: [1] }, /Input 0 must be an object/],
      ['an unknown key of an input', withTensor('age', { dtype: 1 }), /Input 0 has a key other than/],
      ['no name', withTensor('age', { name: 1 }), /Input 0 needs a "name"/],
      ['no shape', withTensor('age', { shape: undefined }), /Input 0 needs a "shape"/],
      ['a negative shape', withTensor('age', { shape: [-1] }), /Input 0 needs a "shape"/],
      ['three dimensions', withTensor('age', { shape: [1, 1, 1] }), /Input 0 needs a "shape"/],
      [
        'a shape that the data has not',
        withTensor('age', { shape: [2] }),
        /Input 0 holds 1 elements where its shape has 2/,
      ],
      ['a shape beyond any memory', withTensor('age', { shape: [2 ** 52] }), /Input 0 holds 1 elements/],
      [
        'data nested otherwise',
        withTensor('age', { data: [[25, 26]] }),
        /Input 0 is not nested as its shape says/,
      ],
      ['no data', withTensor('age', { data: undefined }), /Input 0 needs its elements/],
      [
        'more rows in one input',
        withTensor('workclass', { shape: [2], data: ['a', 'b'] }),
        /Input 1 has 2 rows where input 0 has 1/,
      ],
      [
        'two columns in one input',
        withTensor('age', { shape: [1, 2], data: [1, 2] }),
        /Input 0, "age", must have the shape/,
      ],
      [
        'another datatype',
        withTensor('age', { datatype: 'int64' }),
        /Input 0, "age", needs a "datatype", one of INT8, INT16, .*FP16, BF16, FP32, FP64, BOOL, BYTES\./,
      ],
      [
        'text for an integer column',
        withTensor('age', { datatype: 'BYTES', data: ['25'] }),
        /Input 0 is BYTES; column "age" takes INT8/,
      ],
      [
        'numbers for a text column',
        withTensor('sex', { datatype: 'INT64', data: [1] }),
        /column "sex" takes BYTES/,
      ],
      [
        'base64 of numbers',
        withTensor('age', { parameters: { content_type: 'base64' } }),
        /content type base64, which is for BYTES/,
      ],
      [
        'text that is no base64',
        withTensor('sex', { parameters: { content_type: 'base64' } }),
        /column "sex": expected text in base64/,
      ],
      [
        'images',
        withTensor('sex', { parameters: { content_type: 'pillow_image' } }),
        /other than np, pd, str and base64/,
      ],
      [
        'a fraction in INT64',
        withTensor('age', { data: [39.7] }),
        /row 0, column "age": expected a value of INT64, found a fraction/,
      ],
      [
        'a fraction in FP64',
        withTensor('age', { datatype: 'FP64', data: [39.7] }),
        /row 0, column "age": expected an integer, found a fraction/,
      ],
      [
        '300 in UINT8',
        withTensor('age', { datatype: 'UINT8', data: [300] }),
        /row 0, column "age": expected a value within UINT8/,
      ],
      [
        'a string in INT64',
        withTensor('age', { data: ['25'] }),
        /row 0, column "age": expected an integer, found a string/,
      ],
      ['null for text', withTensor('sex', { data: [null] }), /row 0, column "sex": .*null/],
      ['a missing column', { inputs: tensors([ADULT_ROW]).slice(1) }, /missing: "age"/],
      [
        'an unknown column',
        { inputs: [...tensors([ADULT_ROW]), { name: 'zip', datatype: 'INT8', shape: [1], data: [1] }] },
        /unknown: "zip"/,
      ],
      ['a doubled column', { inputs: [...tensors([ADULT_ROW]), ...tensors([ADULT_ROW])] }, /more than once/],
      ['outputs of an object', { ...whole, outputs: {} }, /"outputs" must be a list/],
      [
        'an unknown output',
        { ...whole, outputs: [{ name: 'labels' }] },
        /Output 0 is none of the model's: "label", "probabilities"/,
      ],
      ['an output twice', { ...whole, outputs: [{ name: 'label' }, { name: 'label' }] }, /more than once/],
      [
        'a classification of an output that has one value a row',
        { ...whole, outputs: [{ name: 'label', parameters: { classification: 1 } }] },
        /classification/,
      ],
      ['a flag that is none', { ...whole, parameters: { binary_data_output: 1 } }, /"binary_data_output"/],
      [
        'shared memory',
        withTensor('age', { data: undefined, parameters: { shared_memory_region: 'x' } }),
        /input 0 name shared memory/,
      ],
    ])('refuses %s', async (_, body, message) => {
      const answer = await infer(body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ error: expect.stringMatching(message) as string });
    });

    it('refuses unknown models and versions, other methods and media types', async () => {
      for (const model of ['nope', 'adult/versions/3', 'adult/versions/x']) {
        expect(await infer(whole, model)).toMatchObject({
          status: 404,
          body: { error: expect.any(String) as string },
        });
        expect((await ask(`/v2/models/${model}`)).status).toBe(404);
        expect((await ask(`/v2/models/${model}/ready`)).status).toBe(404);
      }
      expect((await infer(whole, 'adult/versions/1')).status).toBe(200);
      expect((await ask('/v2/models/adult/infer')).headers.get('allow')).toBe('POST');
      for (const type of ['text/csv', 'text/plain', 'application/x-ndjson']) {
        const refused = await infer(whole, 'adult', { 'content-type': type });
        expect([refused.status, errorOf(refused)]).toEqual([415, expect.not.stringContaining('text/csv')]);
        const v1 = await ask('/v1/models/adult:predict', {}, { 'content-type': type });
        expect([v1.status, errorOf(v1)]).toEqual([415, expect.not.stringContaining('text/csv')]);
      }
      const bytes = await infer(whole, 'adult', { 'content-type': 'application/octet-stream' });
      expect([bytes.status, errorOf(bytes)]).toEqual([
        415,
        expect.stringMatching(/needs the header Inference-Header-Content-Length/),
      ]);
    });

    it('has its form of errors for unknown paths and for errors of nginx', async () => {
      for (const path of ['/v2/nope', '/v2/models/adult/nope', '/v1/nope'])
        expect(await ask(path)).toMatchObject({ status: 404, body: { error: ERRORS.not_found.detail } });
      const body = 'x'.repeat(11 * 1024 * 1024);
      for (const path of ['/v2/models/adult/infer', '/v1/models/adult:predict'])
        expect(await ask(path, body)).toMatchObject({
          status: 413,
          body: { error: ERRORS.body_too_large.detail },
        });
      expect(await ask('/invocations', body)).toMatchObject({
        status: 413,
        body: { error_code: 'BAD_REQUEST', message: ERRORS.body_too_large.detail },
      });
    });

    it('names the version in errors, too', async () => {
      for (const [path, version] of [
        ['/v2/models/adult/infer', 'adult/1'],
        ['/v2/models/adult/versions/2/infer', 'adult/2'],
        ['/v1/models/adult:predict', 'adult/1'],
        ['/invocations', 'adult/1'],
        [VERTEX_PREDICT, 'adult/1'],
      ] as const) {
        const answer = await ask(path, { inputs: [], x: 1 });
        expect([answer.status, answer.headers.get('x-model')]).toEqual([400, version]);
      }
    });
  });
});
