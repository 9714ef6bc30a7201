import { setTimeout as delay } from 'node:timers/promises';
import { renderTable } from '../../../cli/table.ts';
import { settle, target } from '../measure.ts';
import type { Part } from '../part.ts';
import { spread, spreadOf, spreadText } from '../statistics.ts';
import type { Subject } from '../subjects/subject.ts';
import { count, many } from '../text.ts';
import { runWrk } from '../wrk.ts';

/** Rows in a body of the neighbour, which has one connection. */
const NEIGHBOUR_ROWS = 10_000;
/** How long the neighbour sends before and after the measurement. */
const MARGIN_SECONDS = 1;
const CONNECTIONS = [1, 64] as const;
/** The bound is on this load; the other one is only shown. */
const JUDGED_CONNECTIONS = 64;

/** p99 of single rows, in ms, alone and beside a client that sends 10,000-row bodies; one value for each round. */
interface NeighbourResult {
  readonly connections: number;
  readonly aloneMs: readonly number[];
  readonly besideMs: readonly number[];
}

/** How many times its p99 a single row takes beside the neighbour, for each round. */
const slowdowns = ({ aloneMs, besideMs }: NeighbourResult): number[] =>
  besideMs.map((ms, round) => ms / (aloneMs[round] as number));

/** Measures the effect of a client with large bodies on the others. */
export const neighbour: Part<readonly NeighbourResult[]> = {
  name: 'neighbour',
  field: 'neighbour',
  needs: () => ({ subjects: ['server'], rows: [1] }),
  steps: ({ plan }) => 2 * plan.rounds * CONNECTIONS.length,
  run: async ({ context, plan, loads, subjects }, progress) => {
    const { rounds, seconds } = plan;
    const server = subjects.find(({ name }) => name === 'server') as Subject;
    const single = await loads(server, 1);
    const large = await loads(server, NEIGHBOUR_ROWS);
    const p99 = async (connections: number): Promise<number> => {
      const load = { script: single, connections, seconds };
      return (await runWrk(context, target(server, { rows: 1, connections }), load)).latencyMs.p99;
    };
    const beside = async (connections: number): Promise<number> => {
      const load = { script: large, connections: 1, seconds: seconds + 2 * MARGIN_SECONDS };
      const sent = runWrk(context, target(server, { rows: NEIGHBOUR_ROWS, connections: 1 }), load);
      const measured = delay(MARGIN_SECONDS * 1000, undefined, { signal: context.signal }).then(() =>
        p99(connections),
      );
      return (await Promise.all([measured, sent]))[0];
    };
    const results = CONNECTIONS.map((connections) => ({
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
  },
  table: (results) => {
    const rows = results.map((result) => [
      count(result.connections),
      spreadText(spread(result.aloneMs)),
      spreadText(spread(result.besideMs)),
      spreadText(spread(slowdowns(result))),
    ]);
    const header = ['connections', 'p99 ms alone', 'p99 ms beside 10,000-row bodies', 'times'];
    return `Beside a neighbour\n${renderTable(header, rows, 1)}`;
  },
  bounds: (results) => {
    const judged = results?.find(({ connections }) => connections === JUDGED_CONNECTIONS);
    return [
      {
        id: 'neighbour',
        what: `single row, ${JUDGED_CONNECTIONS} connections: p99 beside a client that sends 10,000 rows a body without pause, against p99 without`,
        holds: 'at most',
        limit: 5,
        unit: '',
        measured: judged && spreadOf(slowdowns(judged)),
        needs: '--parts neighbour',
      },
    ];
  },
};
