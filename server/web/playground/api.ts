/** A JSON value that a cell may have. */
export type Cell = string | number | boolean | null;

/** A column, as `GET /models/{name}` gives it. */
export interface Input {
  readonly name: string;
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly nullable: boolean;
  readonly categories?: readonly string[];
  readonly range?: readonly [min: number, max: number];
  readonly example?: Cell;
}

export interface ModelDetails {
  readonly name: string;
  readonly version: number;
  readonly default: boolean;
  readonly routes?: readonly string[];
  readonly description?: string;
  readonly task: 'classification' | 'regression';
  readonly inputs: readonly Input[];
}

/** A remark about a cell. Rows are counted from 0. */
export interface CellRemark {
  readonly row: number;
  readonly column?: string;
  readonly message: string;
}

/** The answer of `POST …/predict`. */
export interface Answer {
  readonly predictions: readonly (string | number | boolean | null)[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly classes?: readonly (string | number | boolean)[];
  readonly warnings?: readonly CellRemark[];
  readonly warningsTotal?: number;
}

/** An error answer (RFC 9457). */
export interface ProblemBody {
  readonly detail: string;
  readonly code?: string;
  readonly requestId?: string;
  readonly errors?: readonly CellRemark[];
  readonly errorsTotal?: number;
}

/** Milliseconds: the round trip, and the time in the server by its own account. */
export interface Timing {
  readonly roundTrip: number;
  readonly server?: number;
}

export type Outcome = { readonly timing: Timing } & (
  { readonly answer: Answer } | { readonly refusal: ProblemBody }
);

/** The path where a model answers in the native form. A model with custom routes may answer in another one elsewhere. */
export function predictPath({ name, version, default: standard, routes = [], task }: ModelDetails): string {
  const named = `/models/${encodeURIComponent(name)}/versions/${version}/predict`;
  const path = standard && routes.length === 0 ? '/predict' : named;
  return task === 'classification' ? `${path}?probabilities=true` : path;
}

/** The body of a request. */
export const requestBody = (columns: readonly string[], data: readonly (readonly Cell[])[]): string =>
  JSON.stringify({ columns, data });
