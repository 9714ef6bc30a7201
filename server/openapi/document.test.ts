import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { readMlflow, writeMlflowError } from '../dialects/mlflow.ts';
import type { ErrorCode } from '../errors/problem.ts';
import { ERRORS, Problem } from '../errors/problem.ts';
import { withChosenPath } from '../inference/openTask.ts';
import { createCatalogue } from '../model/catalogue.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { fromHome } from '../platform/install.ts';
import { readShadowReports } from '../observers/shadow/report.ts';
import { loadAdult } from '../testing/adult.ts';
import { fastPathOf } from '../testing/fastPathOf.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { describeApi } from './document.ts';
import type { Json } from './json.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly examples?: Examples }>> };
}
type Examples = Readonly<Record<string, { readonly value: unknown }>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>;
  };
}

/** It can be explained. */
const adult = withChosenPath(await fastPathOf(await loadAdult()), {});

const documentOf = (catalogue: Catalogue, hasRoute: (route: string) => boolean = () => true): Document =>
  describeApi({ catalogue, errors: ERRORS, version: '1.2.3', hasRoute }) as unknown as Document;
const document = documentOf(createCatalogue([adult], adult));

const operationsOf = ({ paths }: Document): Operation[] =>
  Object.values(paths).flatMap((methods) => Object.values(methods));

/** Whether a component's schema accepts a value. */
function takes({ components }: Document, name: string): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', components });
  return (value) => ajv.validate({ $ref: `document#/components/schemas/${name}` }, value);
}

/** Every reference in the document. */
const refsOf = (part: unknown): string[] => {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]) => (key === '$ref' ? [value as string] : refsOf(value)));
};

const resolve = (root: unknown, ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>((part, key) => (part as Json | undefined)?.[key], root);

const row = { ...rowOf(adult) };
function rowOf({ golden }: Model): Record<string, unknown> {
  const { columns, data } = golden?.table ?? { columns: [], data: [] };
  return Object.fromEntries(columns.map((name, index) => [name, data[0]?.[index]]));
}

describe('the document', () => {
  it('has the target of every reference', () => {
    const missing = refsOf(document).filter((ref) => resolve(document, ref) === undefined);
    expect(missing).toEqual([]);
  });

  it('names every operation once', () => {
    const ids = operationsOf(document).map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['predict', 'predictFile', 'predictAdult', 'invoke']));
  });

  it('names each parameter of an operation once, even if a column has its name', () => {
    const inputs = [{ name: 'extra', onnx: 'extra', type: 'number', nullable: false } as const];
    const model = { ...tinyModel(), signature: { ...tinyModel().signature, inputs } };
    for (const { operationId, parameters = [] } of operationsOf(
      documentOf(createCatalogue([model], model)),
    )) {
      const names = parameters.map(({ name }) => name);
      expect(new Set(names).size, operationId).toBe(names.length);
    }
  });

  it('has every error code in an enum, and an example of each', () => {
    expect(document.components.schemas['ErrorCode']).toMatchObject({ enum: Object.keys(ERRORS) });
    const isProblem = takes(document, 'Problem');
    const shown = Object.values(document.components.responses).flatMap(({ content }) => {
      const { examples } = content['application/problem+json'] as { examples: Examples };
      for (const { value } of Object.values(examples)) expect(isProblem(value)).toBe(true);
      return Object.keys(examples);
    });
    expect(shown.sort()).toEqual(Object.keys(ERRORS).sort());
    expect(isProblem({ ...problem, code: 'made_up' })).toBe(false);
  });
  const problem = {
    type: 'about:blank',
    title: '',
    status: 400,
    detail: '',
    code: 'bad_request',
    requestId: '',
  };

  it('has no unused answer', () => {
    const given = new Set(refsOf(document.paths));
    const unused = Object.keys(document.components.responses).filter(
      (name) => !given.has(`#/components/responses/${name}`),
    );
    expect(unused).toEqual([]);
  });

  it('has the errors of any request in every operation', () => {
    for (const { operationId, responses } of operationsOf(document)) {
      expect(Object.keys(responses), operationId).toEqual(
        expect.arrayContaining(['200', '400', '413', '431', '500', '503', '504', '505']),
      );
    }
  });

  it('leaves out operations without a route in the app', () => {
    const { paths } = documentOf(createCatalogue([adult], adult), (route) => route === '/models');
    expect(Object.keys(paths)).toEqual(['/models']);
  });
});

describe('rows', () => {
  const isRow = takes(document, 'AdultRow');
  const isSplit = takes(document, 'AdultSplit');

  it('has examples that fit its schemas, in each form', () => {
    const { content } = document.paths['/predict']?.['post']?.requestBody ?? { content: {} };
    const { split, record, records, columns } = content['application/json']?.examples ?? {};
    expect(isSplit(split?.value)).toBe(true);
    expect(isRow(record?.value)).toBe(true);
    expect((records?.value as unknown[]).map(isRow)).toEqual([true]);
    expect(takes(document, 'AdultColumns')(columns?.value)).toBe(true);
    expect(Object.keys(content)).toEqual(['application/json', 'text/csv']);
  });

  it.each([
    ['a known row', {}],
    ['an unknown category, which is answered', { workclass: 'Astronaut' }],
    ['a number beyond the training data, which is answered', { age: 1000 }],
    ['a missing value where the signature has one', { age: null }],
    ['the largest integer', { age: Number.MAX_SAFE_INTEGER }],
  ])('takes %s', (_, changes) => expect(isRow({ ...row, ...changes })).toBe(true));

  it.each([
    ['a fraction in an integer column', { age: 1.5 }],
    ['an integer that a double cannot hold', { age: 2 ** 53 }],
    ['text in an integer column', { age: '39' }],
    ['a boolean in an integer column', { age: true }],
    ['a number in a string column', { workclass: 4 }],
    ['null where none is taken', { workclass: null }],
    ['a missing column', { age: undefined }],
    ['an unknown column', { height: 180 }],
  ])('refuses %s', (_, changes) => {
    expect(isRow(JSON.parse(JSON.stringify({ ...row, ...changes })))).toBe(false);
  });

  it('refuses a split whose rows are too short', () => {
    const columns = Object.keys(row);
    const cells = Object.values(row);
    expect(isSplit({ columns, data: [cells] })).toBe(true);
    expect(isSplit({ columns, data: [cells.slice(1)] })).toBe(false);
    expect(isSplit({ columns: columns.slice(1), data: [] })).toBe(false);
    expect(isSplit({ columns, data: [], index: [], more: 1 })).toBe(false);
  });

  it('has known categories and ranges as annotations', () => {
    const { properties } = document.components.schemas['AdultRow'] as {
      properties: Record<string, Json>;
    };
    expect(properties['workclass']?.['x-known-categories']).toEqual(adult.signature.inputs[1]?.categories);
    expect(properties['age']).toMatchObject({ type: ['integer', 'null'], 'x-range': [17, 90] });
  });
});

describe('answers', () => {
  it('are those of the signature', () => {
    const isAnswer = takes(document, 'AdultPredictions');
    expect(isAnswer({ predictions: [' <=50K', null] })).toBe(true);
    expect(isAnswer({ predictions: ['<=50K'] })).toBe(false);
    expect(
      isAnswer({ predictions: [' >50K'], probabilities: [[0.2, 0.8]], classes: [' <=50K', ' >50K'] }),
    ).toBe(true);
  });

  it('of a regression are numbers, without probabilities', () => {
    const tiny = tinyModel();
    const regression = documentOf(createCatalogue([tiny], tiny));
    expect(takes(regression, 'TinyPredictions')({ predictions: [1.5, null] })).toBe(true);
    expect(takes(regression, 'TinyPredictions')({ predictions: ['a'] })).toBe(false);
    const names = regression.paths['/predict']?.['post']?.parameters?.map(({ name }) => name);
    expect(names).not.toContain('probabilities');
  });
});

describe('the custom form of a model', () => {
  const own = (name: string, routes: readonly string[]): Model => {
    const model = tinyModel(name);
    return {
      ...model,
      signature: { ...model.signature, routes, answer: { key: 'cost' } },
    };
  };
  const paths = ['/predict', '/predict_file', '/models/:model/predict'];
  const documentOfOwn = (...models: readonly Model[]): Document =>
    documentOf(createCatalogue(models, models[0] as Model), (route) => paths.includes(route));
  const answerAt = (document: Document, path: string, method = 'post'): string[] =>
    refsOf(document.paths[path]?.[method]).map((ref) => ref.slice(ref.lastIndexOf('/') + 1));

  it('is the form of its custom paths only, errors too', () => {
    const document = documentOfOwn(own('tiny', ['/cost', '/predict_file']));
    expect(answerAt(document, '/cost')).toEqual(expect.arrayContaining(['TinyOwn', 'OwnError']));
    for (const path of ['/predict', '/predict_file', '/models/tiny/predict']) {
      expect(answerAt(document, path), path).not.toContain('TinyOwn');
    }
    const isOwn = takes(document, 'TinyOwn');
    expect([{ cost: 1.5 }, { cost: [1, 2] }, { predictions: [1] }].map(isOwn)).toEqual([true, true, false]);
    expect(Object.keys(document.paths['/cost']?.['post']?.responses ?? {})).not.toContain('422');
  });

  it('is the form of POST /predict if the default model names that path', () => {
    const document = documentOfOwn(own('tiny', ['/predict']), own('other', ['/predict']));
    expect(answerAt(document, '/predict')).toContain('TinyOwn');
    expect(answerAt(document, '/models/tiny/predict')).not.toContain('TinyOwn');
    expect(answerAt(document, '/models/other/predict')).toContain('OtherOwn');
    // GET with a row has the same form.
    for (const [path, own] of [
      ['/predict', 'TinyOwn'],
      ['/models/other/predict', 'OtherOwn'],
    ] as const)
      expect(answerAt(document, path, 'get')).toEqual(expect.arrayContaining([own, 'OwnError', 'Usage']));
    expect(answerAt(document, '/models/tiny/predict', 'get')).not.toContain('OwnError');
  });

  it('has no path that two models name', () => {
    const document = documentOfOwn(tinyModel('a'), own('b', ['/cost']), own('c', ['/cost']));
    expect(Object.keys(document.paths)).not.toContain('/cost');
  });
});

describe("MLflow's protocol", () => {
  const { content } = document.paths['/invocations']?.['post']?.requestBody ?? { content: {} };
  const { schema, examples = {} } = content['application/json'] as { schema: Json; examples?: Examples };
  const ajv = new Ajv2020({ strict: false });
  const [columns, cells] = [Object.keys(row), Object.values(row)];

  it('has each form that the server accepts', () => {
    const forms = [
      ...Object.values(examples).map(({ value }) => value),
      { columns, data: [cells], index: [0] },
      { inputs: [cells] },
      { inputs: [row] },
      { instances: [cells] },
      { dataframe_split: { columns, data: [cells] }, params: null },
    ];
    for (const body of forms) {
      expect(ajv.validate(schema, body), JSON.stringify(body)).toBe(true);
      expect(() => readMlflow(JSON.stringify(body), adult, 'json')).not.toThrow();
    }
    expect(ajv.validate(schema, { columns, data: [], more: 1 })).toBe(false);
  });

  it('has bare cells for a model of one column', () => {
    const tiny = tinyModel();
    const one = documentOf(createCatalogue([tiny], tiny)).paths['/invocations']?.['post']?.requestBody;
    const { schema } = one?.content['application/json'] as { schema: Json };
    for (const key of ['instances', 'inputs']) expect(ajv.validate(schema, { [key]: [1, 2] })).toBe(true);
  });

  it('has exactly the codes of errors in its enum', () => {
    const { properties } = document.components.schemas['MlflowError'] as {
      properties: { error_code: { enum: string[] } };
    };
    const codes = (Object.keys(ERRORS) as ErrorCode[]).map(
      (code) =>
        (JSON.parse(writeMlflowError(new Problem(code), '').body) as { error_code: string }).error_code,
    );
    expect([...properties.error_code.enum].sort()).toEqual([...new Set(codes)].sort());
    const documented = readFileSync(fromHome('docs/protocols.md'), 'utf8');
    for (const code of codes) expect(documented).toContain(`\`${code}\``);
  });
});

describe('a candidate', () => {
  it('has a report in the described form', () => {
    expect(refsOf(document.paths['/models/{model}/shadow'])).toContain('#/components/schemas/Shadows');
    const isReport = takes(document, 'Shadows');
    expect(isReport({ name: 'adult', version: 1, shadows: [] })).toBe(true);
    const labels = { model: 'adult', version: '1', shadow: '2' };
    const [report] = readShadowReports(adult, [
      {
        name: 'shadow_rows_total',
        help: '',
        type: 'counter',
        aggregator: 'sum',
        values: [{ labels, value: 2 }],
      },
    ] as unknown as Parameters<typeof readShadowReports>[1]);
    expect(isReport({ name: 'adult', version: 1, shadows: [report] })).toBe(true);
    expect(isReport({ name: 'adult', version: 1, shadows: [{}] })).toBe(false);
  });
});

describe('several models', () => {
  const versions = [1, 2].map((version) => ({ ...tinyModel(), version, id: `tiny/${version}` }));
  const [first, second] = versions as [Model, Model];
  const odd = tinyModel('a-b.3');
  const twin = tinyModel('a_b_3');
  const models = [odd, twin, first, second];
  const catalogue: Catalogue = {
    ...createCatalogue(models, second),
    find: (name, version) =>
      models.findLast((model) => model.name === name && (version ?? model.version) === model.version),
  };
  const several = documentOf(catalogue);

  it('have paths by name, and for every version', () => {
    expect(Object.keys(several.paths)).toEqual(
      expect.arrayContaining([
        '/models/tiny/predict',
        '/models/tiny/versions/1/predict',
        '/models/tiny/versions/2/predict',
        '/models/a-b.3/predict',
      ]),
    );
  });

  it('have their own types, with the plain name for the served version', () => {
    const rows = Object.keys(several.components.schemas).filter((name) => name.endsWith('Row'));
    expect(rows).toEqual(['AB3Row', 'AB3_2Row', 'TinyV1Row', 'TinyRow']);
    expect(refsOf(several.paths['/models/tiny/versions/2/predict'])).toContain(
      '#/components/schemas/TinySplit',
    );
    expect(refsOf(several).filter((ref) => resolve(several, ref) === undefined)).toEqual([]);
  });
});
