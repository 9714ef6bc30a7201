import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from './context.ts';
import { treeCpuSeconds } from './processTree.ts';
import { Failure } from '../../cli/faults.ts';
import type { Cell, Sample } from './results.ts';
import type { Subject } from './subjects/subject.ts';
import { many } from './text.ts';
import type { Target } from './wrk.ts';
import { runWrk } from './wrk.ts';

const SETTLE_STEP_MS = 50;
const SETTLE_TIMEOUT_MS = 10_000;
/** CPU time within one step that counts as idle: timers use as much. */
const IDLE_SECONDS = 0.02;

export interface Measurement {
  readonly cell: Cell;
  readonly script: string;
  readonly seconds: number;
  readonly round: number;
}

/** Waits until a subject has finished the requests of an earlier load. */
export async function settle({ signal }: Context, { pids }: Pick<Subject, 'pids'>): Promise<void> {
  const end = performance.now() + SETTLE_TIMEOUT_MS;
  let before = treeCpuSeconds(pids);
  while (performance.now() < end) {
    await delay(SETTLE_STEP_MS, undefined, { signal });
    const now = treeCpuSeconds(pids);
    if (now - before <= IDLE_SECONDS) return;
    before = now;
  }
}

/**
 * Measures one subject once.
 *
 * @throws {Failure} when any request fails
 */
export async function measure(context: Context, subject: Subject, measurement: Measurement): Promise<Sample> {
  const { cell, script, seconds, round } = measurement;
  await settle(context, subject);
  const before = treeCpuSeconds(subject.pids);
  const load = { script, seconds, connections: cell.connections };
  const result = await runWrk(context, target(subject, cell), load);
  const cpuSeconds = treeCpuSeconds(subject.pids) - before;
  // The CPU time of a process that ended without being waited for is lost.
  if (cpuSeconds <= 0) throw new Failure(`${subject.name}: its processes changed during a measurement`);
  return {
    round,
    seconds: result.seconds,
    requests: result.requests,
    requestsPerSecond: result.requests / result.seconds,
    cpuMicroseconds: (cpuSeconds / result.requests) * 1e6,
    latencyMs: result.latencyMs,
  };
}

/** Where requests to a subject go. */
export const target = ({ name, port, path }: Subject, { rows }: Cell): Target => ({
  name: `${name}, ${many(rows, 'row')}`,
  port,
  path,
});
