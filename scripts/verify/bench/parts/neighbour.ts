import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Loads } from '../loads.ts';
import { settle, target } from '../measure.ts';
import type { Progress } from '../progress.ts';
import type { NeighbourResult } from '../results.ts';
import type { Subject } from '../subjects/subject.ts';
import { many } from '../text.ts';
import { runWrk } from '../wrk.ts';

/** Rows in a body of the neighbour, who has one connection. */
const NEIGHBOUR_ROWS = 10_000;
/** What the neighbour sends ahead of and behind the measurement. */
const MARGIN_SECONDS = 1;

export const NEIGHBOUR_CONNECTIONS = [1, 64] as const;

export interface NeighbourOptions {
  readonly server: Subject;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: Loads;
  readonly progress: Progress;
}

export const countSteps = (rounds: number): number => 2 * rounds * NEIGHBOUR_CONNECTIONS.length;

/** Measures what a client with large bodies does to the others. */
export async function runNeighbour(context: Context, options: NeighbourOptions): Promise<NeighbourResult[]> {
  const { server, rounds, seconds, loads, progress } = options;
  const single = await loads(server, 1);
  const large = await loads(server, NEIGHBOUR_ROWS);
  const p99 = async (connections: number): Promise<number> => {
    const load = { script: single, connections, seconds };
    return (await runWrk(context, target(server, { rows: 1, connections }), load)).latencyMs.p99;
  };
  const beside = async (connections: number): Promise<number> => {
    const load = { script: large, connections: 1, seconds: seconds + 2 * MARGIN_SECONDS };
    const neighbour = runWrk(context, target(server, { rows: NEIGHBOUR_ROWS, connections: 1 }), load);
    const measured = delay(MARGIN_SECONDS * 1000, undefined, { signal: context.signal }).then(() =>
      p99(connections),
    );
    return (await Promise.all([measured, neighbour]))[0];
  };
  const results = NEIGHBOUR_CONNECTIONS.map((connections) => ({
    connections,
    aloneMs: [] as number[],
    besideMs: [] as number[],
  }));
  for (let round = 1; round <= rounds; round++) {
    for (const { connections, aloneMs, besideMs } of results) {
      const step = `neighbour, round ${round} of ${rounds}: ${many(connections, 'connection')}`;
      await settle(context, server);
      progress.step(`${step} alone`);
      aloneMs.push(await p99(connections));
      await settle(context, server);
      progress.step(`${step} beside a client with ${many(NEIGHBOUR_ROWS, 'row')} a body`);
      besideMs.push(await beside(connections));
    }
  }
  return results;
}
