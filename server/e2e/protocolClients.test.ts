import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { fromHome } from '../platform/install.ts';
import { ADULT_ROW, adultRow } from '../testing/adult.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import type { MlflowServer } from '../testing/protocolClients.ts';
import { clientProgram, clientsMissing, needsClients, startMlflow } from '../testing/protocolClients.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

type Rows = readonly (readonly unknown[])[];

const all = readAdultRows();
const recordOf = (row: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
const split = (...data: readonly unknown[]): Record<string, unknown> => ({
  dataframe_split: { columns: ADULT_COLUMNS, data },
});
const changed = (changes: Record<string, unknown>): Record<string, unknown> => split(adultRow(changes));
const lacking = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(recordOf(ADULT_ROW)).filter(([column]) => column !== name));
const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';
const csvOf = (rows: Rows, columns = ADULT_COLUMNS): string =>
  [columns, ...rows].map((cells) => cells.join(',')).join('\n');

/** The forms in which both take data frames. */
const FORMS: Readonly<Record<string, (rows: Rows) => [body: unknown, type: string]>> = {
  dataframe_split: (rows) => [split(...rows), JSON_TYPE],
  'dataframe_split with an index': (rows) => [
    { dataframe_split: { columns: ADULT_COLUMNS, index: rows.map((_, at) => `r${at}`), data: rows } },
    JSON_TYPE,
  ],
  dataframe_records: (rows) => [{ dataframe_records: rows.map(recordOf) }, JSON_TYPE],
  'instances of objects': (rows) => [{ instances: rows.map(recordOf) }, JSON_TYPE],
  'inputs of objects': (rows) => [{ inputs: rows.map(recordOf) }, JSON_TYPE],
  'inputs by column': (rows) => [
    { inputs: Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, rows.map((row) => row[at])])) },
    JSON_TYPE,
  ],
  CSV: (rows) => [csvOf(rows), CSV_TYPE],
};

/** Rows of the official split, by how many. */
const GROUPS: readonly Rows[] = [
  [1, 2],
  [2, 12],
  [40, 140],
  [1000, 1500],
  [16_000, 16_281],
].map(([from, to]) => all.slice(from, to).map(({ cells }) => cells));

const ROW = recordOf(ADULT_ROW);

/** What both take, beside the forms. */
const SAME: [name: string, body: unknown, type?: string][] = [
  ['one more column', { dataframe_records: [{ ...ROW, zip: 1 }] }],
  [
    'more columns in a split',
    { dataframe_split: { columns: ['id', ...ADULT_COLUMNS], data: [[7, ...ADULT_ROW]] } },
  ],
  ['another order of columns', { dataframe_records: [Object.fromEntries(Object.entries(ROW).reverse())] }],
  ['a whole number written as a fraction', JSON.stringify(split(ADULT_ROW)).replace('[25,', '[25.0,')],
  ['a missing number', changed({ fnlwgt: null })],
  ['no number at all', changed({ age: null, fnlwgt: null, 'capital-gain': null })],
  ['an unknown category', changed({ workclass: 'Private' })],
  ['an empty category', changed({ occupation: '' })],
  ['text in other scripts', changed({ 'native-country': " Côte d'Ivoire", education: ' 学士' })],
  ['a negative number', changed({ age: -1 })],
  ['a large number', changed({ fnlwgt: 2 ** 31 })],
  ['params', { ...split(ADULT_ROW), params: { temperature: 0.5 } }],
  ['a charset', split(ADULT_ROW), 'application/json; charset=utf-8'],
  ['a CSV with one more column', csvOf([[7, ...ADULT_ROW]], ['id', ...ADULT_COLUMNS]), CSV_TYPE],
  ['a CSV with CRLF', csvOf([ADULT_ROW]).replaceAll('\n', '\r\n'), CSV_TYPE],
  ['a CSV with quotes', csvOf([ADULT_ROW.map((cell) => `"${String(cell)}"`)]), CSV_TYPE],
  ['a CSV with a missing number', csvOf([adultRow({ age: '' })]), CSV_TYPE],
];

/** What MLflow answers, having made something else of it, and we refuse. */
const COERCED: [name: string, body: unknown, ours: RegExp, type?: string][] = [
  ['a fraction in an integer column', changed({ age: 39.7 }), /row 0, column "age": .*fraction/],
  ['text in an integer column', changed({ age: '39' }), /row 0, column "age": .*string/],
  ['a boolean in an integer column', changed({ age: true }), /row 0, column "age": .*boolean/],
  ['an integer that no double holds', changed({ age: 2 ** 63 }), /row 0, column "age": .*larger/],
  ['NaN, which is no JSON', JSON.stringify(split(ADULT_ROW)).replace('[25,', '[NaN,'), /not valid JSON/],
  ['null in a text column', changed({ workclass: null }), /row 0, column "workclass": .*null/],
  ['a number in a text column', changed({ workclass: 5 }), /row 0, column "workclass": .*number/],
  ['a boolean in a text column', changed({ sex: true }), /row 0, column "sex": .*boolean/],
  ['a column that one row lacks', { dataframe_records: [ROW, lacking('age')] }, /row 1, column "age"/],
  ['params of a list', { ...split(ADULT_ROW), params: [1] }, /"params" must be an object/],
  ['params of text', { ...split(ADULT_ROW), params: 'x' }, /"params" must be an object/],
  ['an unknown key', { ...split(ADULT_ROW), foo: 1 }, /with one of/],
  [
    'a CSV with a fraction',
    csvOf([adultRow({ age: 39.7 })]),
    /\(line 2\), column "age": .*fraction/,
    CSV_TYPE,
  ],
];

/** What neither takes. */
const REFUSED: [name: string, body: unknown, type?: string][] = [
  ['no JSON', '{"dataframe_split":'],
  ['Infinity, which is no JSON', JSON.stringify(split(ADULT_ROW)).replace('[25,', '[Infinity,')],
  ['a bare list', [ROW]],
  ['a bare number', '1'],
  ['no known key', { data_frame: [] }],
  ['two forms at once', { ...split(ADULT_ROW), instances: [ROW] }],
  ['a short row', split(ADULT_ROW, ADULT_ROW.slice(1))],
  ['a long row', split([...ADULT_ROW, 1])],
  [
    'a short index',
    { dataframe_split: { columns: ADULT_COLUMNS, index: [0], data: [ADULT_ROW, ADULT_ROW] } },
  ],
  ['a missing column', { dataframe_records: [lacking('age')] }],
  [
    'a doubled column',
    { dataframe_split: { columns: [...ADULT_COLUMNS, 'age'], data: [[...ADULT_ROW, 3]] } },
  ],
  ['no names of columns', { dataframe_split: { data: [ADULT_ROW] } }],
  ['a key of another orient', { dataframe_split: { columns: ADULT_COLUMNS, data: [], dtypes: [] } }],
  ['records by column', { dataframe_records: { age: [1] } }],
  ['text in a number column', changed({ age: 'old' })],
  ['another media type', split(ADULT_ROW), 'text/plain'],
  ['another charset', split(ADULT_ROW), 'application/json; charset=latin-1'],
  ['an empty CSV', '', CSV_TYPE],
];

/** What MLflow refuses, and we take. */
const OURS_ONLY: [name: string, body: unknown, predictions: number, type?: string][] = [
  ['no rows', split(), 0],
  ['no records', { dataframe_records: [] }, 0],
  ['the bare split form of 1.x', { columns: ADULT_COLUMNS, data: [ADULT_ROW] }, 1],
  [
    'the media type of 1.x',
    { columns: ADULT_COLUMNS, data: [ADULT_ROW] },
    1,
    'application/json; format=pandas-split',
  ],
  ['instances of lists, with text in them', { instances: [ADULT_ROW] }, 1],
  ['a media type in capitals', split(ADULT_ROW), 1, 'Application/JSON'],
];

const REQUESTS =
  Object.keys(FORMS).length * GROUPS.length +
  SAME.length +
  COERCED.length +
  REFUSED.length +
  OURS_ONLY.length;

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function invoke(port: number, body: unknown, type = JSON_TYPE): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${port}/invocations`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: response.status, text: await response.text() };
}

const missing = nginxMissing ?? clientsMissing;
const title = (what: string): string => needsClients(needsNginx(what));

describe.skipIf(missing)(title('real clients and servers of the protocols'), () => {
  let server: Server;
  let mlflow: MlflowServer;
  beforeAll(async () => {
    [server, mlflow] = await Promise.all([
      startServer({ env: { DEFAULT_MODEL: 'adult', MODEL_CONTROL: 'explicit' } }),
      startMlflow(),
    ]);
  });
  afterAll(async () => {
    mlflow.stop();
    await server.clean();
  });

  describe("MLflow's own scoring server, asked the same", () => {
    const both = (body: unknown, type?: string): Promise<[theirs: Reply, ours: Reply]> =>
      Promise.all([invoke(mlflow.port, body, type), invoke(server.port, body, type)]);
    const predictionsOf = ({ text }: Reply): unknown =>
      (JSON.parse(text) as { predictions: unknown }).predictions;

    it('is asked often enough', () => expect(REQUESTS).toBeGreaterThanOrEqual(60));

    it.each(Object.entries(FORMS))('predicts the same for %s', async (_, form) => {
      for (const rows of GROUPS) {
        const [theirs, ours] = await both(...form(rows));
        expect([theirs.status, ours.status]).toEqual([200, 200]);
        expect(predictionsOf(ours)).toEqual(predictionsOf(theirs));
        expect(predictionsOf(ours)).toHaveLength(rows.length);
      }
    });

    it.each(SAME)('predicts the same for %s', async (_, body, type) => {
      const [theirs, ours] = await both(body, type);
      expect([theirs.status, ours.status], `${theirs.text} / ${ours.text}`).toEqual([200, 200]);
      expect(predictionsOf(ours)).toEqual(predictionsOf(theirs));
    });

    it.each(COERCED)('silently takes what we refuse: %s', async (_, body, message, type) => {
      const [theirs, ours] = await both(body, type);
      expect([theirs.status, ours.status], `${theirs.text} / ${ours.text}`).toEqual([200, 400]);
      expect((JSON.parse(ours.text) as { message: string }).message).toMatch(message);
    });

    it.each(REFUSED)('refuses what we refuse, with the same status: %s', async (_, body, type) => {
      const [theirs, ours] = await both(body, type);
      expect(theirs.status, theirs.text).toBeGreaterThanOrEqual(400);
      expect(ours.status).toBe(theirs.status);
      if (theirs.status !== 415) {
        // It may have more members, among them a stack trace.
        for (const { text } of [theirs, ours]) {
          expect(JSON.parse(text)).toMatchObject({
            error_code: expect.stringMatching(/^(BAD_REQUEST|INVALID_PARAMETER_VALUE)$/) as string,
            message: expect.any(String) as string,
          });
        }
      }
    });

    it.each(OURS_ONLY)('refuses what we take: %s', async (_, body, predictions, type) => {
      const [theirs, ours] = await both(body, type);
      expect(theirs.status).toBeGreaterThanOrEqual(400);
      expect(ours.status, ours.text).toBe(200);
      expect(predictionsOf(ours)).toHaveLength(predictions);
    });
  });

  describe('clients, unchanged', () => {
    const ROWS = all.slice(100, 125);
    const labels = ROWS.map(({ label }) => label);
    interface TensorAnswer {
      readonly labels: string[];
      readonly probabilities: number[][];
      readonly dtype?: string;
      readonly id?: string | null;
    }
    interface Observed {
      readonly triton: {
        readonly metadata: { readonly inputs: unknown[] };
        readonly index: readonly unknown[];
        readonly answers: Readonly<Record<string, TensorAnswer>>;
        readonly errors: Readonly<Record<string, [status: string, message: string]>>;
        readonly config: Readonly<Record<string, unknown>>;
        readonly control: { readonly states: unknown; readonly refused: unknown };
        readonly statistics: Readonly<Record<string, unknown>>;
        readonly scheduled: Readonly<Record<string, unknown>>;
        readonly top: readonly (readonly string[][])[];
      };
      readonly mlserver: Readonly<Record<string, TensorAnswer>>;
      readonly mlflow: Readonly<Record<string, unknown>>;
    }
    let observed: Observed;
    beforeAll(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'clients-'));
      const rows = join(folder, 'rows.json');
      writeFileSync(rows, JSON.stringify({ columns: ADULT_COLUMNS, data: ROWS.map(({ cells }) => cells) }));
      const script = fromHome('scripts/testing/protocolClients.py');
      try {
        const args = ['-W', 'ignore', script, String(server.port), rows];
        const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' };
        const { stdout } = await promisify(execFile)(clientProgram('python'), args, {
          env,
          timeout: 100_000,
        });
        observed = JSON.parse(stdout) as Observed;
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    function expectAnswers(answers: Readonly<Record<string, TensorAnswer>>): void {
      for (const [name, answer] of Object.entries(answers)) {
        expect(answer.labels, name).toEqual(labels);
        expect(answer.probabilities).toHaveLength(labels.length);
        ROWS.forEach(({ probability }, at) =>
          expect(answer.probabilities[at]?.[1]).toBeCloseTo(probability, 5),
        );
      }
    }

    it("NVIDIA's tritonclient finds the server, its model and its state", () => {
      expect(observed.triton).toMatchObject({
        live: true,
        ready: true,
        modelReady: [true, true, false],
        server: 'servemodel',
      });
      expect(observed.triton.index).toContainEqual({
        name: 'adult',
        version: '1',
        state: 'READY',
        reason: '',
      });
      expect(observed.triton.metadata.inputs).toHaveLength(14);
    });

    it('tritonclient predicts over JSON and binary tensors, packed or not, of several datatypes', () => {
      const { answers } = observed.triton;
      expect(Object.keys(answers)).toEqual([
        ...['binary', 'version', 'json', 'mixed', 'column vectors', 'INT32', 'FP32', 'gzip'],
      ]);
      expectAnswers(answers);
      for (const { dtype } of Object.values(answers)) expect(dtype).toBe('float32');
      expect(answers['binary']?.id).toBe('mine');
    });

    it('tritonclient loads and unloads models', () => {
      const { states, refused } = observed.triton.control;
      expect(states).toEqual([
        ['READY', true],
        ['UNAVAILABLE', false],
        ['READY', true],
      ]);
      expect(refused).toEqual([
        ['409', expect.stringMatching(/names adult, so it stays loaded/)],
        ['404', 'The repository holds no such model or version.'],
        ['400', expect.stringMatching(/"config" and files are not taken/)],
      ]);
    });

    it('tritonclient reads statistics and configuration', () => {
      const { config, statistics } = observed.triton;
      expect(statistics).toMatchObject({
        rows: ROWS.length,
        gained: { success: 1, compute_input: 1, compute_infer: 1, queue: 1 },
        all: expect.arrayContaining(['adult', 'iris']) as string[],
      });
      expect(statistics['batches']).toBe(statistics['executions']);
      expect(Math.abs(Date.now() - Number(statistics['last']))).toBeLessThan(120_000);
      expect(config).toMatchObject({
        name: 'adult',
        platform: 'onnxruntime_onnx',
        max_batch_size: 0,
        output: [
          { name: 'label', data_type: 'TYPE_STRING', dims: [-1] },
          { name: 'probabilities', data_type: 'TYPE_FP32', dims: [-1, 2] },
        ],
      });
    });

    it('tritonclient gets the likeliest classes', () => {
      for (const rows of observed.triton.top) {
        expect(rows).toHaveLength(ROWS.length);
        rows.forEach((texts, at) => {
          const parts = texts.map((text) => text.split(':'));
          expect(parts.map(([, , label]) => label).sort()).toEqual([' <=50K', ' >50K']);
          expect(parts[0]?.[2]).toBe(labels[at]);
          expect(Number(parts[0]?.[0])).toBeGreaterThanOrEqual(Number(parts[1]?.[0]));
        });
      }
    });

    it('tritonclient gives a request its time, and learns which parameters have no effect', () => {
      expect(observed.triton.scheduled).toEqual({
        parameters: { ignored: 'priority, mine' },
        labels,
        late: ['504', 'The prediction did not finish in time.'],
        sequence: ['400', expect.stringMatching(/^The parameter "sequence_id" is for models with a state/)],
      });
    });

    it('tritonclient raises our errors', () => {
      const { errors } = observed.triton;
      expect(errors['model']?.[0]).toBe('404');
      expect(errors['output']).toEqual([
        '400',
        'Output 0 is none of the model\'s: "label", "probabilities", "contributions".',
      ]);
      expect(errors['column']?.[1]).toContain('missing: "age"');
      expect(errors['cell']?.[1]).toContain('row 0, column "age": expected an integer, found a fraction');
    });

    it("MLServer's codecs write and read what we speak", () => {
      expect(Object.keys(observed.mlserver)).toEqual(['pandas', 'columns']);
      expectAnswers(observed.mlserver);
    });

    it("MLflow's own client, and what pandas writes, get their predictions", () => {
      const { version, ...answers } = observed.mlflow;
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(Object.keys(answers)).toHaveLength(7);
      for (const [name, predictions] of Object.entries(answers)) expect(predictions, name).toEqual(labels);
    });
  });
});
