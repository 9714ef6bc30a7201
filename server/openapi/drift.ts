import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import { problemResponses } from './problems.ts';

const VERDICT: Json = {
  type: 'string',
  enum: ['stable', 'moderate', 'major', 'not_enough_rows', 'no_training_distribution'],
};
const share = (description: string): Json => ({
  type: ['number', 'null'],
  minimum: 0,
  maximum: 1,
  description,
});
const SHARES: Json = {
  expected: share('Of the training rows; null if model.json has no distribution.'),
  observed: share('Of the rows in the window; null without any.'),
};
const shares: Json = { type: 'object', required: ['expected', 'observed'], properties: SHARES };

/** The components of this operation. */
export const DRIFT_SCHEMAS: Json = {
  DriftField: {
    type: 'object',
    required: ['name', 'verdict', 'psi', 'leastRows', 'bins'],
    properties: {
      name: { type: 'string' },
      verdict: VERDICT,
      psi: {
        type: ['number', 'null'],
        description: 'Population stability index; null with too few rows or without a training distribution.',
      },
      leastRows: {
        type: ['integer', 'null'],
        description: 'Rows that the index needs; null if no number is enough.',
      },
      unknown: { ...shares, description: "Cells that are none of the column's categories." },
      missing: { ...shares, description: 'Cells without a value.' },
      bins: {
        type: 'array',
        items: {
          type: 'object',
          required: ['bin', 'expected', 'observed'],
          properties: { bin: { type: 'string' }, ...SHARES },
        },
      },
    },
  },
  Drift: {
    type: 'object',
    description: 'How the rows of the last minutes differ from the training data, over all server processes.',
    required: ['name', 'version', 'verdict', 'window', 'thresholds', 'columns', 'predictions'],
    properties: {
      name: { type: 'string' },
      version: { type: 'integer', minimum: 1 },
      verdict: { ...VERDICT, description: 'The worst of all columns and of the predictions.' },
      window: {
        type: 'object',
        required: ['ms', 'rows', 'sampledRows', 'leastRows'],
        properties: {
          ms: { type: 'integer' },
          rows: { type: 'integer', description: 'Answered rows.' },
          sampledRows: { type: 'integer', description: 'The effective number of sampled rows.' },
          leastRows: { type: 'integer', description: 'Rows that a verdict needs.' },
        },
      },
      thresholds: {
        type: 'object',
        properties: { moderate: { type: 'number' }, major: { type: 'number' } },
      },
      columns: { type: 'array', items: ref('DriftField') },
      predictions: { anyOf: [ref('DriftField'), { type: 'null' }] },
      values: {
        type: 'array',
        items: ref('DriftField'),
        description:
          'Of a model that answers with several values: those that have classes or a training distribution.',
      },
    },
  },
};

/** @param model the parameter that names one */
export const driftOperation = (model: Json): Json => ({
  operationId: 'getDrift',
  tags: ['models'],
  summary: 'How recent rows differ from the training data',
  parameters: [model],
  responses: {
    200: {
      description: 'By column, and for the predictions.',
      headers: headers('x-model'),
      content: { ...content('application/json', ref('Drift')), ...content('text/html', { type: 'string' }) },
    },
    ...problemResponses(404),
  },
});
