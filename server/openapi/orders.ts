import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content } from './json.ts';
import type { Operation } from './operation.ts';
import { problemResponses } from './problems.ts';

const done: Json = {
  description: 'All processes have done so.',
  headers: headers(),
  content: content('application/json', { type: 'object' }),
};

/** SageMaker's operations for endpoints of many models. @param model the parameter of the path */
export const describeOrders = (model: Json): Operation[] => [
  {
    method: 'post',
    route: '/models',
    path: '/models',
    description: {
      operationId: 'loadModel',
      tags: ['models'],
      summary: 'Load the model of a folder, with MODEL_CONTROL=explicit',
      requestBody: {
        required: true,
        content: content('application/json', {
          type: 'object',
          additionalProperties: false,
          required: ['model_name', 'url'],
          properties: {
            model_name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
            url: {
              type: 'string',
              description: 'The absolute path of a folder with model.onnx, or <version>/model.onnx.',
              examples: ['/opt/ml/models/churn/model'],
            },
          },
        }),
      },
      responses: { 200: done, ...problemResponses(403, 404, 409, 415, 422, 507) },
    },
  },
  {
    method: 'delete',
    route: '/models/:model',
    path: '/models/{model}',
    description: {
      operationId: 'unloadModel',
      tags: ['models'],
      summary: 'Unload a model, with MODEL_CONTROL=explicit',
      parameters: [model],
      responses: { 200: done, ...problemResponses(403, 404, 409, 415, 422) },
    },
  },
];
