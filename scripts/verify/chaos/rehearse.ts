import { setTimeout as delay } from 'node:timers/promises';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case, LoadReport } from '../../../server/testing/load.ts';
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
/** Bounds the load of one fault, repetitions included. */
const LONGEST_MS = 3_600_000;
const RECOVERY_MS = 40_000;
const PROCESSES = 2;

export interface RehearseOptions {
  readonly cases: readonly Case[];
  readonly chance: Chance;
  readonly times: number;
  /** Steady load before the fault and after it. */
  readonly steadyMs: number;
  readonly say: (text: string) => void;
}

/** Whether both processes are ready, none of `without` among them. */
async function isRecovered(server: Server, without: readonly number[]): Promise<boolean> {
  const pids = server.serverProcesses();
  if (pids.length !== PROCESSES || pids.some((pid) => without.includes(pid))) return false;
  const metrics = await scrape(server);
  if (metrics.sum('server_processes') !== PROCESSES || metrics.sum('server_ready') !== 1) return false;
  const response = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
  await response.arrayBuffer();
  return response.status === 200;
}

/** The sentences about a load and readiness that the fault doesn't allow. */
function judge({ mayLose, mayRefuse }: Fault, report: LoadReport, lies: readonly string[]): string[] {
  const lost = lostOf(report) + (mayRefuse === undefined ? refusedOf(report) : 0);
  return [
    ...(lost > 0 && mayLose === undefined ? [`lost: ${describeLoss(report)}`] : []),
    ...(report.wrong.length > 0 ? [`wrong answers: ${report.wrong.slice(0, 3).join('; ')}`] : []),
    ...(lies.length > 0 && mayLose === undefined ? [`not ready when it said so: ${lies.join(', ')}`] : []),
  ];
}

/** Starts a server under load, lets the fault happen, and reports its consequences. */
export async function rehearse(fault: Fault, options: RehearseOptions): Promise<Result> {
  const { cases, chance, times, steadyMs, say } = options;
  const { name, what, mayLose, mayRefuse, endsWith } = fault;
  const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
  // nginx's workers run as another user and read files in there.
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
    server = await launchServer(prepared.options);
    const started = await server.ready();
    const load = startLoad({
      port: started.port,
      connections: CONNECTIONS,
      cases,
      maxMs: LONGEST_MS,
      untilRefused: mayRefuse !== undefined,
      idPrefix: name,
    });
    const readiness = checkReadiness(started.port, cases[0] as Case);
    await delay(steadyMs);
    let struck = performance.now();
    const recovered = async (without: readonly number[] = []): Promise<void> => {
      const check = (): Promise<boolean> => isRecovered(started, without).catch(() => false);
      await eventually('the recovery of the server', check, RECOVERY_MS);
      recoveryMs.push(Math.round(performance.now() - struck));
      struck = performance.now();
    };
    try {
      await fault.strike({ server: started, load, cases, chance, times, say, recovered, prepared });
      if (endsWith === undefined) await delay(steadyMs);
      else await started.ended();
    } catch (error) {
      faults.push(reasonOf(error));
    }
    if (endsWith !== undefined) recoveryMs.push(Math.round(performance.now() - struck));
    const report = await load.stop();
    const { lies } = await readiness.stop();
    const { code } = await (endsWith === undefined ? started.stop() : started.ended());
    if (code !== (endsWith ?? 0))
      faults.push(`it ended with code ${code}, not ${endsWith ?? 0}: ${started.said().slice(-500)}`);
    const left = await started.leftBehind();
    if (left.length > 0) faults.push(`left behind: ${left.join(', ')}`);
    faults.push(...judge(fault, report, lies));
    return {
      name,
      what,
      times,
      right: report.right,
      lost: lostOf(report),
      resent: report.resent,
      refused: refusedOf(report),
      longestGapMs: Math.round(report.longestGapMs),
      recoveryMs,
      lies: lies.length,
      left,
      faults,
      ...(mayLose === undefined ? {} : { mayLose }),
      ...(mayRefuse === undefined ? {} : { mayRefuse }),
    };
  } catch (error) {
    return { ...empty, recoveryMs, left: [], faults: [...faults, reasonOf(error)] };
  } finally {
    await server?.clean();
    await prepared.end?.();
    rmSync(folder, { recursive: true, force: true });
  }
}
