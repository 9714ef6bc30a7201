import { setTimeout as delay } from 'node:timers/promises';
import type { Case, LoadReport } from '../../../server/testing/load.ts';
import { startLoad } from '../../../server/testing/load.ts';
import type { End, Server } from '../../../server/testing/startServer.ts';
import { withLaunched } from '../../../server/testing/startServer.ts';
import type { RehearseOptions } from './rehearse.ts';
import type { Result } from './result.ts';
import { describeLoss, lostOf, refusedOf } from './result.ts';

export const TERMS = {
  name: 'terms',
  what: 'SIGTERM at a random moment from the start on, under load once it is ready',
  times: 100,
};

/** Half of the moments lie within this time after the start, the others within it after the server is ready. */
const WITHIN_MS = 3000;
/** A drain ends within 10 s; one more second is for a busy machine. */
const LONGEST_MS = 11_000;

/** Ends a server `moment` ms after its start; with cases after it is ready, under load from then on. */
async function endAt(
  server: Server,
  moment: number,
  cases: readonly Case[] | undefined,
): Promise<{ readonly end: End; readonly report: LoadReport | undefined }> {
  if (cases) await server.ready();
  const options = { port: server.port, connections: 8, untilRefused: true, maxMs: 60_000, idPrefix: 'term' };
  const load = cases && startLoad({ ...options, cases });
  await delay(moment);
  const end = await server.stop();
  return { end, report: await load?.stop() };
}

/** Starts servers and ends each at a random moment. */
export async function rehearseTerms({ cases, chance, times, say }: RehearseOptions): Promise<Result> {
  const faults: string[] = [];
  const recoveryMs: number[] = [];
  const left: string[] = [];
  let right = 0;
  let lost = 0;
  let resent = 0;
  let refused = 0;
  for (let time = 1; time <= times; time++) {
    const underLoad = chance.next() < 0.5;
    const moment = Math.round(chance.next() * WITHIN_MS);
    await withLaunched({}, async (server) => {
      const { end, report } = await endAt(server, moment, underLoad ? cases : undefined);
      const { code, ms } = end;
      recoveryMs.push(Math.round(ms));
      // Before the script has set its traps, the signal ends it like any program: without a code.
      if (code !== 0 && code !== null && server.said().includes('ready on'))
        faults.push(`after ${moment} ms: code ${code}`);
      if (ms > LONGEST_MS) faults.push(`after ${moment} ms: it took ${Math.round(ms)} ms to end`);
      if (report) {
        right += report.right;
        lost += lostOf(report);
        resent += report.resent;
        refused += refusedOf(report);
        if (lostOf(report) > 0) faults.push(`after ${moment} ms: lost ${describeLoss(report)}`);
      }
      const still = await server.leftBehind();
      left.push(...still);
      if (still.length > 0) faults.push(`after ${moment} ms: left behind ${still.join(', ')}`);
    });
    say(`end ${time} of ${times}`);
  }
  const { name, what } = TERMS;
  return {
    name,
    what,
    times,
    right,
    lost,
    resent,
    refused,
    longestGapMs: 0,
    recoveryMs,
    lies: 0,
    left,
    faults,
  };
}
