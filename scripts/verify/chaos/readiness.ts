import type { Case } from '../../../server/testing/load.ts';

const PAUSE_MS = 100;
const ANSWER_MS = 10_000;

/** Polls /health/ready: after each 200 a prediction must succeed. */
export interface ReadinessCheck {
  /** @returns the predictions that failed after a 200 */
  stop(): Promise<{ readonly lies: readonly string[] }>;
}

export function checkReadiness(port: number, { body, answer }: Case): ReadinessCheck {
  let stopped = false;
  const lies: string[] = [];
  const signal = (): AbortSignal => AbortSignal.timeout(ANSWER_MS);
  const check = async (): Promise<void> => {
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: signal() });
    await ready.arrayBuffer();
    if (ready.status !== 200) return;
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`http://127.0.0.1:${port}/predict`, {
      method: 'POST',
      headers,
      body,
      signal: signal(),
    });
    const text = await response.text();
    if (response.status !== 200 || text !== answer) lies.push(`ready, and then ${response.status}`);
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      // A connection that is cut or refused is no answer about readiness.
      await check().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const done = run();
  return {
    stop: async () => {
      stopped = true;
      await done;
      return { lies };
    },
  };
}
