import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from './context.ts';
import { treeCpuSeconds } from './processTree.ts';
import { BenchError } from '../../cli/errors.ts';
import type { Cell, Sample } from './results.ts';
import type { Subject } from './subjects/subject.ts';
import { many } from './text.ts';
import type { Target } from './wrk.ts';
import { runWrk } from './wrk.ts';

const SETTLE_STEP_MS = 50;
const SETTLE_TIMEOUT_MS = 10_000;
/** CPU time within one step that counts as rest: a timer's work. */
const REST_SECONDS = 0.02;

/** Which bodies are sent, and for how long. */
export interface Measurement {
  readonly cell: Cell;
  readonly script: string;
  readonly seconds: number;
  readonly round: number;
}

/** Waits until a subject has done with what an earlier load left unanswered. */
export async function settle({ signal }: Context, { pids }: Subject): Promise<void> {
  const end = performance.now() + SETTLE_TIMEOUT_MS;
  let before = treeCpuSeconds(pids);
  while (performance.now() < end) {
    await delay(SETTLE_STEP_MS, undefined, { signal });
    const now = treeCpuSeconds(pids);
    if (now - before <= REST_SECONDS) return;
    before = now;
  }
}

/**
 * Measures one subject once.
 *
 * @throws {BenchError} when any request fails
 */
export async function measure(context: Context, subject: Subject, measurement: Measurement): Promise<Sample> {
  const { cell, script, seconds, round } = measurement;
  await settle(context, subject);
  const before = treeCpuSeconds(subject.pids);
  const load = { script, seconds, connections: cell.connections };
  const result = await runWrk(context, target(subject, cell), load);
  const cpuSeconds = treeCpuSeconds(subject.pids) - before;
  // A process that ended without being waited for takes its time with it.
  if (cpuSeconds <= 0) throw new BenchError(`${subject.name}: its processes changed during a measurement`);
  return {
    round,
    seconds: result.seconds,
    requests: result.requests,
    requestsPerSecond: result.requests / result.seconds,
    cpuMicroseconds: (cpuSeconds / result.requests) * 1e6,
    latencyMs: result.latencyMs,
  };
}

/** Names what is asked, for messages. */
export const target = ({ name, port, path }: Subject, { rows }: Cell): Target => ({
  name: `${name}, ${many(rows, 'row')}`,
  port,
  path,
});
