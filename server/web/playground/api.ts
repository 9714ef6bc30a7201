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

/** What `POST …/predict` answers. */
export interface Answer {
  readonly predictions: readonly (string | number | null)[];
  readonly probabilities?: readonly (readonly number[])[];
  readonly classes?: readonly (string | number)[];
  readonly warnings?: readonly CellRemark[];
  readonly warningsTotal?: number;
}

/** An error answer (RFC 9457). */
export interface Refusal {
  readonly detail: string;
  readonly code?: string;
  readonly requestId?: string;
  readonly errors?: readonly CellRemark[];
  readonly errorsTotal?: number;
}

/** Milliseconds: what the page saw, and what the server says it took. */
export interface Timing {
  readonly roundTrip: number;
  readonly server?: number;
}

export type Outcome = { readonly timing: Timing } & (
  { readonly answer: Answer } | { readonly refusal: Refusal }
);

async function readJson<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}

/** The names of the served models, the default one first. */
export async function readModelNames(): Promise<string[]> {
  const { models } = await readJson<{ models: readonly Pick<ModelDetails, 'name' | 'default'>[] }>('/models');
  const sorted = models.toSorted((a, b) => Number(b.default) - Number(a.default));
  return [...new Set(sorted.map(({ name }) => name))];
}

export const readModel = (name: string): Promise<ModelDetails> =>
  readJson(`/models/${encodeURIComponent(name)}`);

/** Where a model predicts, in the form that is the same for all: one with routes of its own may answer otherwise elsewhere. */
export function predictPath({ name, version, default: standard, routes = [], task }: ModelDetails): string {
  const named = `/models/${encodeURIComponent(name)}/versions/${version}/predict`;
  const path = standard && routes.length === 0 ? '/predict' : named;
  return task === 'classification' ? `${path}?probabilities=true` : path;
}

/** The body of a request. */
export const requestBody = (columns: readonly string[], data: readonly (readonly Cell[])[]): string =>
  JSON.stringify({ columns, data });

/** The sum of a Server-Timing header's durations. */
function serverTime(header: string | null): number | undefined {
  const durations = [...(header ?? '').matchAll(/;dur=([\d.]+)/g)].map(([, duration]) => Number(duration));
  return durations.length > 0 ? durations.reduce((sum, duration) => sum + duration) : undefined;
}

function readRefusal(text: string, status: number): Refusal {
  try {
    const refusal = JSON.parse(text) as Partial<Refusal>;
    if (typeof refusal.detail === 'string') return refusal as Refusal;
  } catch {
    // Something between us and the server answered in a form of its own.
  }
  return { detail: `The server answered ${status}.` };
}

/** Sends rows to a model. Never fails but by its signal. */
export async function predict(path: string, body: string, signal: AbortSignal): Promise<Outcome> {
  const start = performance.now();
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body, signal });
    const text = await response.text();
    const server = serverTime(response.headers.get('server-timing'));
    const timing = { roundTrip: performance.now() - start, ...(server !== undefined && { server }) };
    return response.ok
      ? { timing, answer: JSON.parse(text) as Answer }
      : { timing, refusal: readRefusal(text, response.status) };
  } catch (error) {
    if (signal.aborted) throw error;
    return {
      timing: { roundTrip: performance.now() - start },
      refusal: { detail: 'The server could not be reached.' },
    };
  }
}
