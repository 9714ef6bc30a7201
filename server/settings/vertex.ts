import type { Setting } from './parsers.ts';
import { integer, textThat } from './parsers.ts';
import { isExplainPath, isHealthPath, isPredictPath } from './vertexPaths.ts';

/** The contract of Vertex AI for containers. */
export const VERTEX = {
  AIP_HTTP_PORT: {
    default: undefined,
    shown: 'unset',
    parse: integer([1, 65_535]),
    meaning: 'Vertex AI: the public port, unless `PORT` is set.',
  },
  AIP_HEALTH_ROUTE: {
    default: undefined,
    shown: 'unset',
    parse: textThat(
      isHealthPath,
      'a path that no other route has, such as /vertex/health, or /ping or /health/ready',
    ),
    meaning: 'Vertex AI: one more path of the health check.',
  },
  AIP_PREDICT_ROUTE: {
    default: undefined,
    shown: 'unset',
    parse: textThat(
      isPredictPath,
      'a path that no other route has, such as /vertex/predict, or /v1/models/NAME:predict',
    ),
    meaning: 'Vertex AI: path that takes `{"instances": […]}` for the default model.',
  },
  AIP_EXPLAIN_ROUTE: {
    default: undefined,
    shown: 'unset',
    parse: textThat(isExplainPath, 'a path that no other route has, such as /vertex/explain'),
    meaning: 'Path that explains `{"instances": […]}` for the default model, in the form of Vertex AI.',
  },
} satisfies Record<string, Setting>;
