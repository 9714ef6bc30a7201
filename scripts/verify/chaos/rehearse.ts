import { setTimeout as delay } from 'node:timers/promises';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from '../../../server/testing/load.ts';
import { startLoad } from '../../../server/testing/load.ts';
import { scrape } from '../../../server/testing/scrape.ts';
import type { Server } from '../../../server/testing/startServer.ts';
import { launchServer } from '../../../server/testing/startServer.ts';
import { eventually } from '../../../server/testing/withDeadline.ts';
import { reasonOf } from '../../cli/faults.ts';
import type { Fault, Prepared } from './fault.ts';
import type { Chance } from './random.ts';
import { checkReadiness } from './readiness.ts';
import type { Result } from './result.ts';
import { describeLoss, lostOf, refusedOf } from './result.ts';

const CONNECTIONS = 8;
/** The longest that a fault may take, repeated as it may be. */
const LONGEST_MS = 3_600_000;
const RECOVERY_MS = 40_000;

export interface RehearseOptions {
  readonly cases: readonly Case[];
  readonly chance: Chance;
  readonly times: number;
  /** Steady load before the fault and after it. */
  readonly steadyMs: number;
  readonly say: (text: string) => void;
}

/** Right answers again, from so many ready processes. */
async function isWhole(server: Server, without: readonly number[], count: number): Promise<boolean> {
  const pids = server.serverProcesses();
  if (pids.length !== count || pids.some((pid) => without.includes(pid))) return false;
  const metrics = await scrape(server);
  if (metrics.sum('server_processes') !== count || metrics.sum('server_ready') !== 1) return false;
  const response = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
  await response.arrayBuffer();
  return response.status === 200;
}

/** Starts a server under load, lets the fault happen, and looks at what came of it. */
export async function rehearse(fault: Fault, options: RehearseOptions): Promise<Result> {
  const { cases, chance, times, steadyMs, say } = options;
  const { name, what, mayLose } = fault;
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
  // Whoever nginx's workers run as has to reach what is in there.
  chmodSync(folder, 0o755);
  const own = join(folder, 'own');
  mkdirSync(own);
  const recoveryMs: number[] = [];
  const faults: string[] = [];
  const empty = { name, what, times, right: 0, lost: 0, resent: 0, refused: 0, longestGapMs: 0, lies: 0 };
  let prepared: Prepared = {};
  let server: Server | undefined;
  try {
    prepared = (await fault.prepare?.(own)) ?? {};
    if (prepared.missing !== undefined)
      return { ...empty, recoveryMs, left: [], faults, skipped: prepared.missing };
    server = await launchServer(prepared.options ?? {});
    const started = await server.ready();
    const load = startLoad({
      port: started.port,
      connections: CONNECTIONS,
      cases,
      maxMs: LONGEST_MS,
      untilRefused: fault.endsWith !== undefined,
      idPrefix: name,
    });
    const readiness = checkReadiness(started.port, cases[0] as Case);
    await delay(steadyMs);
    let struck = performance.now();
    const recovered = async (without: readonly number[] = [], processes = 2): Promise<void> => {
      const whole = (): Promise<boolean> => isWhole(started, without, processes).catch(() => false);
      await eventually('the server to be itself again', whole, RECOVERY_MS);
      recoveryMs.push(Math.round(performance.now() - struck));
      struck = performance.now();
    };
    try {
      await fault.strike({ server: started, load, cases, chance, times, say, recovered, prepared });
      if (fault.endsWith !== undefined) {
        const { code } = await started.ended();
        recoveryMs.push(Math.round(performance.now() - struck));
        if (code !== fault.endsWith) faults.push(`it ended with code ${code}, not ${fault.endsWith}`);
      } else {
        await delay(steadyMs);
      }
    } catch (error) {
      faults.push(reasonOf(error));
    }
    const report = await load.stop();
    const { lies } = await readiness.stop();
    if (fault.endsWith === undefined) {
      const { code } = await started.stop();
      if (code !== 0) faults.push(`it ended with code ${code}: ${started.said().slice(-500)}`);
    }
    const left = await started.leftBehind();
    const lost = lostOf(report);
    if (lost + (fault.endsWith === undefined ? refusedOf(report) : 0) > 0 && mayLose === undefined)
      faults.push(`lost: ${describeLoss(report)}`);
    if (report.wrong.length > 0) faults.push(`wrong answers: ${report.wrong.slice(0, 3).join('; ')}`);
    if (lies.length > 0 && mayLose === undefined)
      faults.push(`not ready when it said so: ${lies.join(', ')}`);
    if (left.length > 0) faults.push(`left behind: ${left.join(', ')}`);
    return {
      name,
      what,
      times,
      right: report.right,
      lost,
      resent: report.resent,
      refused: refusedOf(report),
      longestGapMs: Math.round(report.longestGapMs),
      recoveryMs,
      lies: lies.length,
      left,
      faults,
      ...(mayLose === undefined ? {} : { mayLose }),
    };
  } catch (error) {
    return { ...empty, recoveryMs, left: [], faults: [...faults, reasonOf(error)] };
  } finally {
    await server?.clean();
    await prepared.end?.();
    rmSync(folder, { recursive: true, force: true });
  }
}
