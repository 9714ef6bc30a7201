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
  readonly task: string;
  readonly outputs: {
    readonly probabilities?: string;
    readonly classes?: readonly (string | number | boolean)[];
    readonly values?: readonly { readonly name: string }[];
  };
  readonly inputs: readonly Input[];
  /** Without it the server explains nothing. */
  readonly explanation?: {
    readonly space?: string;
    /** Why the model can't be explained. */
    readonly reason?: string;
    /** By column: the mean size of its contributions. */
    readonly importance?: Readonly<Record<string, number>>;
  };
}

/** A remark about a cell. Rows are counted from 0. */
export interface CellRemark {
  readonly row: number;
  readonly column?: string;
  readonly message: string;
}

/** A label or a value. */
export type Prediction = string | number | boolean | null;

/** The answer of `POST …/predict`. */
export interface Answer {
  /** A list each of a model that answers with several values. */
  readonly predictions: readonly (Prediction | readonly Prediction[])[];
  readonly score?: readonly (number | null)[];
  readonly distances?: readonly (readonly number[] | null)[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly classes?: readonly (string | number | boolean)[];
  readonly warnings?: readonly CellRemark[];
  readonly warningsTotal?: number;
}

/** What adds up to a score: `other` is the sum of the contributions that were not asked for. */
export interface Explanation {
  readonly class?: string | number | boolean;
  readonly base: number;
  readonly output: number;
  /** The largest first. */
  readonly contributions: Readonly<Record<string, number>>;
  readonly other?: number;
}

/** The answer of `POST …/explain`. */
export interface Explanations {
  readonly explanations: readonly Explanation[];
  readonly space: string;
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

export type Outcome<A = Answer> = { readonly timing: Timing } & (
  { readonly answer: A } | { readonly refusal: ProblemBody }
);

/** The path where a model answers in the native form. A model with custom routes may answer in another one elsewhere. */
export function predictPath({
  name,
  version,
  default: standard,
  routes = [],
  outputs,
}: ModelDetails): string {
  const named = `/models/${encodeURIComponent(name)}/versions/${version}/predict`;
  const path = standard && routes.length === 0 ? '/predict' : named;
  return outputs.probabilities !== undefined ? `${path}?probabilities=true` : path;
}

/** Columns of an explanation; the others are added up. */
const EXPLAINED = 8;

/** The path where a model is explained; undefined where it can't be. */
export const explainPath = ({ name, version, explanation }: ModelDetails): string | undefined =>
  explanation && explanation.reason === undefined
    ? `/models/${encodeURIComponent(name)}/versions/${version}/explain?top=${EXPLAINED}`
    : undefined;

/** The names of the values that a row is answered with; none of a model that answers with one. */
export const namesOfValues = ({ outputs }: ModelDetails): readonly string[] =>
  outputs.values?.map(({ name }) => name) ?? [];

/** The body of a request. */
export const requestBody = (columns: readonly string[], data: readonly (readonly Cell[])[]): string =>
  JSON.stringify({ columns, data });
