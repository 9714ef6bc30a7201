import { setTimeout as sleep } from 'node:timers/promises';
import { post } from '../../cli/post.ts';

export interface SendOptions {
  readonly url: URL;
  /** Requests per second at most; Infinity sends each when the one before is answered. */
  readonly rate: number;
  readonly timeoutMs: number;
  /** This many requests in a row without any answer mean that the server is gone. */
  readonly giveUpAfter: number;
  readonly interrupt: AbortSignal;
  answered(answer: Readonly<Record<string, unknown>>): void;
  /** @param at index of the request, from 0 */
  failed(at: number, reason: string): void;
}

/**
 * Sends request after request, each when it is due; a late one goes at once, and none is left out.
 *
 * @returns whether it went on to the end: not given up
 */
export async function send(
  bodies: Iterable<unknown>,
  { url, rate, timeoutMs, giveUpAfter, interrupt, answered, failed }: SendOptions,
): Promise<boolean> {
  const startMs = performance.now();
  let unreached = 0;
  let at = 0;
  for (const body of bodies) {
    const wait = startMs + (at * 1000) / rate - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal: interrupt }).catch(() => undefined);
    if (interrupt.aborted) return true;
    const outcome = await post(url, body, timeoutMs, interrupt);
    if (outcome.ok) {
      unreached = 0;
      answered(outcome.answer);
    } else {
      // An interrupt cut it off: that is no failure.
      if (interrupt.aborted) return true;
      failed(at, outcome.reason);
      unreached = outcome.reached ? 0 : unreached + 1;
      if (unreached === giveUpAfter) return false;
    }
    at++;
  }
  return true;
}
