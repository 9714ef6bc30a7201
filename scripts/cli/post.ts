import { reasonOf } from './faults.ts';

interface ProblemBody {
  readonly detail?: unknown;
  readonly error?: unknown;
  readonly code?: unknown;
  readonly errors?: readonly { readonly row?: number; readonly column?: string; readonly message?: string }[];
}

const SHOWN_FAULTS = 3;

/** What an error answer says about itself: its problem detail, else the beginning of its text. */
export function describeProblem(status: number, text: string): string {
  let problem: ProblemBody | null;
  try {
    problem = JSON.parse(text) as ProblemBody | null;
  } catch {
    const beginning = text.trim().slice(0, 200);
    return beginning === '' ? `status ${status}` : `status ${status}: ${beginning}`;
  }
  const detail = problem?.detail ?? problem?.error;
  const faults = Array.isArray(problem?.errors) ? problem.errors.slice(0, SHOWN_FAULTS) : [];
  return [
    `status ${status}${typeof problem?.code === 'string' ? ` (${problem.code})` : ''}`,
    ...(typeof detail === 'string' ? [`: ${detail}`] : []),
    ...faults.map(
      ({ row, column, message }) => `\n  row ${row ?? '?'}, column ${column ?? '?'}: ${message ?? ''}`,
    ),
  ].join('');
}

/** What became of a request: the answer's JSON, or why there is none, in a few words. */
export type Outcome =
  | { readonly ok: true; readonly answer: Readonly<Record<string, unknown>>; readonly ms: number }
  | { readonly ok: false; readonly reason: string; readonly reached: boolean };

/**
 * Posts JSON and reads a JSON object; never throws.
 *
 * @param interrupt ends the request at once
 */
export async function post(
  url: URL,
  body: unknown,
  timeoutMs: number,
  interrupt: AbortSignal,
): Promise<Outcome> {
  const start = performance.now();
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), interrupt]),
    });
    const text = await response.text();
    if (response.status !== 200)
      return { ok: false, reason: describeProblem(response.status, text), reached: true };
    const answer = readObject(text);
    if (!answer) return { ok: false, reason: 'the answer is no JSON object', reached: true };
    return { ok: true, answer, ms: performance.now() - start };
  } catch (error) {
    return { ok: false, reason: reasonOf(error), reached: false };
  }
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
