import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content } from './json.ts';
import type { Operation } from './operation.ts';
import { problemResponses } from './problems.ts';

const state = (operationId: string, summary: string, status: string): Json => ({
  operationId,
  tags: ['health'],
  summary,
  responses: {
    200: {
      description: summary,
      headers: headers(),
      content: content('application/json', {
        type: 'object',
        required: ['status'],
        properties: { status: { type: 'string', const: status } },
      }),
    },
    ...problemResponses(),
  },
});

const get = (route: string, description: Json): Operation => ({
  method: 'get',
  route,
  path: route,
  description,
});

/** The health checks: liveness and readiness. */
export const HEALTH: readonly Operation[] = [
  get('/health/live', state('live', 'The process answers', 'live')),
  get('/health/ready', state('ready', 'The server can predict', 'ready')),
];
