import { Failure, Interrupted, reasonOf } from '../../cli/faults.ts';
import { describeProblem } from '../../cli/post.ts';
import type { LoadRequest } from './requests.ts';
import { requestHeaders } from './requests.ts';
import type { Settings } from './settings.ts';

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
    if (interrupt.aborted) throw new Interrupted();
    throw new Failure(`nothing answers at ${settings.url.href}: ${reasonOf(error)}`);
  }
  if (status !== 200) {
    throw new Failure(`${settings.url.href} answers the first request with ${describeProblem(status, text)}`);
  }
}
