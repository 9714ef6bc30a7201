import { EXPLANATION_METHODS } from '../model/model.ts';
import type { Catalogue } from '../model/catalogue.ts';
import { TASKS } from '../model/signature.ts';
import { driftOperation } from './drift.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import { describeOrders } from './orders.ts';
import type { Operation } from './operation.ts';
import { problemResponses } from './problems.ts';
import { shadowOperation } from './shadow.ts';

const SUMMARY_PROPERTIES: Json = {
  name: { type: 'string' },
  version: { type: 'integer', minimum: 1 },
  modelName: { type: 'string', description: "With MODEL_CONTROL=explicit: SageMaker's member for the name." },
  modelUrl: { type: 'string', description: 'With MODEL_CONTROL=explicit: the folder of its files.' },
  default: { type: 'boolean', description: 'Whether it answers /predict.' },
  state: { type: 'string' },
  description: { type: 'string' },
  engine: { type: 'string', enum: ['forest', 'onnxruntime'] },
  path: { type: 'string', enum: ['lifted', 'whole'] },
  reason: { type: 'string', description: 'Why it is not on the fast path.' },
  batching: {
    type: 'string',
    enum: ['batch', 'row'],
    description: 'Whether rows share runs of the model, or each row has its own.',
  },
  batchingReason: { type: 'string', description: 'Why each row has a run of its own.' },
};

/** The components of these operations. */
export const MODEL_SCHEMAS: Json = {
  ModelSummary: { type: 'object', required: ['name', 'version', 'state'], properties: SUMMARY_PROPERTIES },
  ModelList: {
    type: 'object',
    required: ['models'],
    properties: { models: { type: 'array', items: ref('ModelSummary') } },
  },
  Column: {
    type: 'object',
    required: ['name', 'type', 'nullable'],
    properties: {
      name: { type: 'string' },
      onnx: { type: 'string', description: 'The ONNX input that it feeds.' },
      type: { type: 'string', enum: ['string', 'number', 'integer', 'boolean'] },
      nullable: { type: 'boolean' },
      categories: { type: 'array', items: { type: 'string' } },
      closed: { type: 'boolean', description: 'Whether other texts than the categories are refused.' },
      range: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'number' } },
    },
  },
  OutputValue: {
    type: 'object',
    required: ['name', 'onnx'],
    properties: {
      name: { type: 'string' },
      onnx: { type: 'string', description: 'The ONNX output that gives it.' },
      type: { type: 'string', enum: ['number', 'integer'] },
      classes: { type: 'array', items: { type: ['string', 'integer', 'boolean'] } },
    },
  },
  ModelDetails: {
    type: 'object',
    description: 'The facts of a model version, and its signature.',
    required: ['name', 'version', 'state', 'task', 'inputs', 'outputs'],
    properties: {
      ...SUMMARY_PROPERTIES,
      task: { type: 'string', enum: TASKS },
      framework: { type: 'string' },
      created: { type: 'string' },
      sha256: { type: 'string' },
      inputs: { type: 'array', items: ref('Column') },
      outputs: {
        type: 'object',
        properties: {
          label: { type: 'string' },
          probabilities: { type: 'string' },
          classes: { type: 'array', items: { type: ['string', 'integer', 'boolean'] } },
          floatClasses: { type: 'boolean', description: 'Answers have 1.0 for the class 1.' },
          value: { type: 'string' },
          values: { type: 'array', items: ref('OutputValue') },
          score: { type: 'string' },
          distances: { type: 'string' },
        },
      },
      metrics: { type: 'object', additionalProperties: { type: ['number', 'string'] } },
      explanation: {
        type: 'object',
        description: 'How answers are explained, or why they are not.',
        properties: {
          method: { type: 'string', enum: [...EXPLANATION_METHODS] },
          space: { type: 'string', enum: ['probability', 'margin', 'value'] },
          reason: { type: 'string' },
          importance: {
            type: 'object',
            additionalProperties: { type: 'number' },
            description:
              'The mean size of the contributions of each column to the background rows; absent without them, and while a first call computes it.',
          },
        },
      },
    },
  },
};

const operation = (
  operationId: string,
  summary: string,
  schema: string,
  parameters: Json[],
  statuses: number[],
): Json => ({
  operationId,
  tags: ['models'],
  summary,
  parameters,
  responses: {
    200: {
      description: 'Metadata.',
      headers: parameters.length > 0 ? headers('x-model') : headers(),
      content: content('application/json', ref(schema)),
    },
    ...problemResponses(...statuses),
  },
});

/** The operations about models. */
export function describeModels({ defaultModel }: Catalogue): Operation[] {
  const inPath = (name: string, schema: Json, example: unknown): Json => ({
    name,
    in: 'path',
    required: true,
    schema,
    example,
  });
  const model = inPath('model', { type: 'string' }, defaultModel.name);
  const version = inPath('version', { type: 'integer', minimum: 1 }, defaultModel.version);
  return [
    {
      method: 'get',
      route: '/models',
      path: '/models',
      description: operation('listModels', 'The models that are served', 'ModelList', [], []),
    },
    {
      method: 'get',
      route: '/models/:model',
      path: '/models/{model}',
      description: operation('getModel', 'A model, in the version served', 'ModelDetails', [model], [404]),
    },
    ...describeOrders(model),
    {
      method: 'get',
      route: '/models/:model/versions/:version',
      path: '/models/{model}/versions/{version}',
      description: operation(
        'getModelVersion',
        'A version of a model',
        'ModelDetails',
        [model, version],
        [404],
      ),
    },
    {
      method: 'get',
      route: '/models/:model/drift',
      path: '/models/{model}/drift',
      description: driftOperation(model),
    },
    {
      method: 'get',
      route: '/models/:model/shadow',
      path: '/models/{model}/shadow',
      description: shadowOperation(model),
    },
  ];
}
