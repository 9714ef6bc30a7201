import type { Catalogue } from '../model/catalogue.ts';
import { ANSWER_SCHEMAS, answerSchemas } from './answers.ts';
import { DRIFT_SCHEMAS } from './drift.ts';
import { EXPLAIN_SCHEMAS, describeExplain } from './explain.ts';
import { HEADERS } from './headers.ts';
import { HEALTH } from './health.ts';
import { MLFLOW_SCHEMAS, describeMlflow } from './mlflow.ts';
import type { Json } from './json.ts';
import { MODEL_SCHEMAS, describeModels } from './models.ts';
import { nameModels } from './names.ts';
import { pathsOf } from './operation.ts';
import { customSchemas } from './customRoutes.ts';
import { PREDICT_SCHEMAS, describePredict } from './predict.ts';
import type { Errors } from './problems.ts';
import { describeProblems } from './problems.ts';
import { rowSchemas } from './rows.ts';
import { SHADOW_SCHEMAS } from './shadow.ts';

export interface DescribeOptions {
  readonly catalogue: Catalogue;
  readonly errors: Errors;
  /** Of this software. */
  readonly version: string;
  /** Whether the app has a route, by its pattern. */
  readonly hasRoute: (route: string) => boolean;
}

const DESCRIPTION = `Predictions for tabular rows, by the models that this server has at this moment.

No value is coerced silently: a mistake is named by row and column. An unknown category is answered, with a warning.
A request's \`x-request-id\` of up to 64 letters, digits, dots, dashes and underscores is kept.`;

/** The OpenAPI 3.1 document of the models that are served. Pure. */
export function describeApi({ catalogue, errors, version, hasRoute }: DescribeOptions): Json {
  const nameOf = nameModels(catalogue);
  const problems = describeProblems(errors);
  const ofModels = catalogue.models.flatMap((model) => [
    ...Object.entries(rowSchemas(nameOf(model), model)),
    ...Object.entries(answerSchemas(nameOf(model), model)),
    ...Object.entries(customSchemas(nameOf(model), model)),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'servemodel',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'predict', description: 'Rows in, predictions out.' },
      { name: 'models', description: 'What is served.' },
      { name: 'mlflow', description: "MLflow's and SageMaker's scoring protocol." },
      { name: 'health', description: 'For orchestrators.' },
    ],
    paths: pathsOf(
      [
        ...describePredict(catalogue, nameOf, hasRoute),
        ...describeExplain(catalogue, nameOf),
        ...describeModels(catalogue),
        ...describeMlflow(catalogue, nameOf),
        ...HEALTH,
      ],
      hasRoute,
    ),
    // `{}`: a server without keys needs none.
    security: [{}, { bearer: [] }, { apiKey: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
      schemas: {
        ...Object.fromEntries(ofModels),
        ...ANSWER_SCHEMAS,
        ...PREDICT_SCHEMAS,
        ...EXPLAIN_SCHEMAS,
        ...MODEL_SCHEMAS,
        ...DRIFT_SCHEMAS,
        ...SHADOW_SCHEMAS,
        ...MLFLOW_SCHEMAS,
        ...problems.schemas,
      },
      responses: problems.responses,
      headers: HEADERS,
    },
  };
}
