import { keyedFetch } from '../shared/keyed.ts';
import type { Parameter } from './document.ts';

/** A request that a form describes. */
export interface FilledRequest {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly (readonly [Parameter, value: string])[];
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly body?: string | FormData | undefined;
}

/** The answer to a request. */
export interface Received {
  readonly status: number;
  readonly statusText: string;
  readonly milliseconds: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly type: string;
  readonly text: string;
}

/** The path and query of a request. An empty value is left out of the query. */
export function targetOf({ path, parameters }: Pick<FilledRequest, 'path' | 'parameters'>): string {
  let filled = path;
  const query = new URLSearchParams();
  for (const [parameter, value] of parameters) {
    if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value !== '') query.append(parameter.name, value);
  }
  const search = query.toString();
  return search === '' ? filled : `${filled}?${search}`;
}

/** @throws {TypeError} if the server can't be reached */
export async function sendRequest(request: FilledRequest): Promise<Received> {
  const headers = new Headers();
  // The browser adds the media type of a form, with its boundary.
  if (request.contentType !== undefined && typeof request.body === 'string') {
    headers.set('content-type', request.contentType);
  }
  if (request.accept !== undefined) headers.set('accept', request.accept);
  const start = performance.now();
  const answer = await keyedFetch(targetOf(request), {
    method: request.method.toUpperCase(),
    headers,
    body: request.body ?? null,
  });
  const text = await answer.text();
  return {
    status: answer.status,
    statusText: answer.statusText,
    milliseconds: performance.now() - start,
    headers: [...answer.headers],
    type: answer.headers.get('content-type') ?? '',
    text,
  };
}
