import { NotStarted, reasonOf } from '../../cli/faults.ts';
import type { LoadRequest } from './requests.ts';
import { requestHeaders } from './requests.ts';
import type { Settings } from './settings.ts';

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

/**
 * Sends one request and waits for a 200: load is never thrown at something that isn't the server it is meant for.
 *
 * @throws {NotStarted} when nothing answers, or the answer isn't 200
 */
export async function preflight(
  settings: Settings,
  request: LoadRequest,
  interrupt: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([AbortSignal.timeout(settings.timeoutSeconds * 1000), interrupt]);
  let status: number;
  let text: string;
  try {
    const answer = await fetch(settings.url, {
      method: 'POST',
      headers: requestHeaders(settings),
      body: request.body,
      redirect: 'manual',
      signal,
    });
    ({ status } = answer);
    text = await answer.text();
  } catch (error) {
    if (interrupt.aborted) throw new NotStarted('interrupted before the first answer');
    throw new NotStarted(`nothing answers at ${settings.url.href}: ${reasonOf(error)}`);
  }
  if (status !== 200) {
    throw new NotStarted(
      `${settings.url.href} answers the first request with ${describeProblem(status, text)}`,
    );
  }
}
