import type { Logger } from 'pino';
import { deadline } from './deadline.ts';

/** A step of an orderly end. */
export interface ShutdownStep {
  readonly name: string;
  readonly deadlineMs: number;
  readonly run: () => Promise<void> | void;
}

/**
 * Runs the steps one after the other. A step that fails or takes too long is logged, and the next one runs.
 *
 * @returns whether every step was done in time
 */
export async function shutdown(steps: readonly ShutdownStep[], log: Logger): Promise<boolean> {
  let clean = true;
  for (const { name, deadlineMs, run } of steps) {
    try {
      await deadline(Promise.resolve(run()), deadlineMs, name);
      log.debug({ step: name }, 'shutdown step done');
    } catch (err) {
      clean = false;
      log.warn({ step: name, err }, 'shutdown step failed');
    }
  }
  return clean;
}
