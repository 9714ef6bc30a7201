import type { AnswerForm } from '../model/routeOwner.ts';

/** The values that each query parameter takes; the first is its default. */
export type QueryParameters = Readonly<Record<string, readonly [string, ...string[]]>>;

const probabilities = ['false', 'true'] as const;
const extra = ['error', 'ignore'] as const;
const on_error = ['fail', 'null'] as const;
const header = ['true', 'false'] as const;
/** A tab by its name or as itself. */
const delimiter = [',', ';', 'tab', '\t', '|'] as const;
const decimal = ['.', ','] as const;

/** The query parameters of predictions. `post` has its rows in the body, `get` has one row in the query. */
export const PREDICT_PARAMETERS = {
  native: {
    post: { probabilities, extra, on_error, header, delimiter, decimal },
    get: { probabilities, extra },
  },
  custom: { post: { extra, header, delimiter, decimal }, get: { extra } },
} as const satisfies Readonly<
  Record<AnswerForm, { readonly post: QueryParameters; readonly get: QueryParameters }>
>;

/** Those of explanations, beside `class` and `top`. */
export const EXPLAIN_PARAMETERS = {
  probabilities,
  ...PREDICT_PARAMETERS.custom.post,
} as const satisfies QueryParameters;

/** Those of a file. */
export const FILE_PARAMETERS = {
  ...PREDICT_PARAMETERS.native.post,
  explain: ['false', 'true'],
} as const satisfies QueryParameters;

/** The query parameters of a CSV in other protocols. */
export const CSV_PARAMETERS = { delimiter, decimal } as const satisfies QueryParameters;

/** The name of a query parameter of predictions, with files. */
export type FileParameter = keyof typeof FILE_PARAMETERS;

/** The name of a query parameter of predictions in a body. */
export type PredictParameter = keyof typeof PREDICT_PARAMETERS.native.post;
