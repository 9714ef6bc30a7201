import { keyedFetch } from '../shared/keyed.ts';
import type { Answer, ModelDetails, Outcome, ProblemBody } from './api.ts';

async function readJson<T>(path: string): Promise<T> {
  const response = await keyedFetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}

/** The names of the served models, the default one first. */
export async function fetchModelNames(): Promise<string[]> {
  const { models } = await readJson<{ models: readonly Pick<ModelDetails, 'name' | 'default'>[] }>('/models');
  const sorted = models.toSorted((a, b) => Number(b.default) - Number(a.default));
  return [...new Set(sorted.map(({ name }) => name))];
}

export const fetchModel = (name: string): Promise<ModelDetails> =>
  readJson(`/models/${encodeURIComponent(name)}`);

/** The sum of a Server-Timing header's durations. */
function serverTime(header: string | null): number | undefined {
  const durations = [...(header ?? '').matchAll(/;dur=([\d.]+)/g)].map(([, duration]) => Number(duration));
  return durations.length > 0 ? durations.reduce((sum, duration) => sum + duration) : undefined;
}

function readRefusal(text: string, status: number): ProblemBody {
  try {
    const refusal = JSON.parse(text) as Partial<ProblemBody>;
    if (typeof refusal.detail === 'string') return refusal as ProblemBody;
  } catch {
    // An intermediary answered in another form.
  }
  return { detail: `The server answered ${status}.` };
}

/** Sends rows to a model. Throws only if its signal aborts. */
export async function send<A = Answer>(path: string, body: string, signal: AbortSignal): Promise<Outcome<A>> {
  const start = performance.now();
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await keyedFetch(path, { method: 'POST', headers, body, signal });
    const text = await response.text();
    const server = serverTime(response.headers.get('server-timing'));
    const timing = { roundTrip: performance.now() - start, ...(server !== undefined && { server }) };
    return response.ok
      ? { timing, answer: JSON.parse(text) as A }
      : { timing, refusal: readRefusal(text, response.status) };
  } catch (error) {
    if (signal.aborted) throw error;
    return {
      timing: { roundTrip: performance.now() - start },
      refusal: { detail: 'The server could not be reached.' },
    };
  }
}
