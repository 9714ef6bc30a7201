import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import { problemResponses } from './problems.ts';

const count: Json = { type: 'integer', minimum: 0 };

/** The components of this operation. */
export const SHADOW_SCHEMAS: Json = {
  Shadows: {
    type: 'object',
    description: 'What candidates would have answered, over all server processes since the start.',
    required: ['name', 'version', 'shadows'],
    properties: {
      name: { type: 'string' },
      version: { type: 'integer', minimum: 1, description: 'The one that is served.' },
      shadows: {
        type: 'array',
        items: {
          type: 'object',
          required: ['version', 'rows', 'flips', 'flipRate', 'scoreDifference', 'dropped', 'failed'],
          properties: {
            version: { type: 'integer', minimum: 1 },
            rows: { ...count, description: 'Compared rows.' },
            flips: { ...count, description: 'Rows with another label.' },
            flipRate: { type: ['number', 'null'], minimum: 0, maximum: 1 },
            scoreDifference: {
              type: 'object',
              required: ['mean', 'buckets'],
              properties: {
                mean: { type: ['number', 'null'], minimum: 0 },
                buckets: {
                  type: 'array',
                  items: {
                    type: 'object',
                    required: ['le', 'rows'],
                    properties: { le: { type: 'string' }, rows: count },
                  },
                },
              },
            },
            dropped: { ...count, description: 'Rows that were dropped for lack of time.' },
            failed: { ...count, description: 'Rows that the candidate failed on.' },
          },
        },
      },
    },
  },
};

/** @param model the parameter that names one */
export const shadowOperation = (model: Json): Json => ({
  operationId: 'getShadow',
  tags: ['models'],
  summary: 'What candidates (SHADOW) would have answered',
  parameters: [model],
  responses: {
    200: {
      description: 'By candidate; an empty list without candidates.',
      headers: headers('x-model'),
      content: content('application/json', ref('Shadows')),
    },
    ...problemResponses(404),
  },
});
