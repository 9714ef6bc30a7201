import { Failure, Interrupted, reasonOf } from '../../cli/faults.ts';
import { describeProblem } from '../../cli/post.ts';
import type { LoadRequest } from './requests.ts';
import { prepareRequests, requestHeaders } from './requests.ts';
import type { Rows } from './rows.ts';
import type { Settings } from './settings.ts';

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function sendFirst(settings: Settings, { body }: LoadRequest, interrupt: AbortSignal): Promise<Reply> {
  const signal = AbortSignal.any([AbortSignal.timeout(settings.timeoutSeconds * 1000), interrupt]);
  try {
    const answer = await fetch(settings.url, {
      method: 'POST',
      headers: requestHeaders(settings),
      body,
      redirect: 'manual',
      signal,
    });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    if (interrupt.aborted) throw new Interrupted();
    throw new Failure(`nothing answers at ${settings.url.href}: ${reasonOf(error)}`);
  }
}

/**
 * Sends one request and waits for a 200: load is never thrown at something that isn't the server it is meant for.
 *
 * @throws {Failure} when nothing answers, or the answer isn't 200
 */
export async function preflight(
  settings: Settings,
  request: LoadRequest,
  interrupt: AbortSignal,
): Promise<void> {
  const { status, text } = await sendFirst(settings, request, interrupt);
  if (status !== 200) {
    throw new Failure(`${settings.url.href} answers the first request with ${describeProblem(status, text)}`);
  }
}

/** The settings with scores in the answers to compare outputs with, where the model and the route have them. */
export async function withScores(settings: Settings, rows: Rows, interrupt: AbortSignal): Promise<Settings> {
  const [request] = prepareRequests({ ...rows, data: rows.data.slice(0, settings.rowsPerRequest) }, settings);
  const url = new URL(settings.url);
  url.searchParams.set('probabilities', 'true');
  const more = { ...settings, url };
  return request && (await sendFirst(more, request, interrupt)).status === 200 ? more : settings;
}
