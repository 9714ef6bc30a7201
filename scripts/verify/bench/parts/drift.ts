import type { Model } from '../../../../server/model/model.ts';
import { createSampler } from '../../../../server/observers/drift/sampler.ts';
import type { Sampler } from '../../../../server/observers/drift/sampler.ts';
import { createTally } from '../../../../server/observers/drift/tally.ts';
import { readRepository } from '../../../../server/testing/readRepository.ts';
import { answerWidth } from '../../../../worker/protocol.ts';
import { Failure } from '../../../cli/faults.ts';
import { measure, target } from '../measure.ts';
import type { Part } from '../part.ts';
import type { Table } from '../rows.ts';
import { tablesOf } from '../rows.ts';
import { spread } from '../statistics.ts';
import { startServer } from '../subjects/server.ts';
import { runWrk } from '../wrk.ts';

const CELL = { rows: 1, connections: 64 } as const;
const WARM_UP_SECONDS = 2;
/** Of the measurements without HTTP; the fastest counts. */
const TRIALS = 30;
/** Much for one process: most rows are left out. */
const ROWS_PER_SECOND = 20_000;

/** What the drift metrics cost for requests of one row. */
interface DriftResult {
  /** CPU time of the server's whole process tree for a request, in µs; one value for each round. */
  readonly onMicroseconds: readonly number[];
  readonly offMicroseconds: readonly number[];
  /** In the process, without HTTP, in µs: of a row that is counted, and of one under load, when most are left out. */
  readonly lookedAtMicroseconds: number;
  readonly sampledMicroseconds: number;
}

/** Measures two servers in turn, with and without drift metrics, and the counting alone. */
export const drift: Part<DriftResult> = {
  name: 'drift',
  field: 'drift',
  steps: ({ plan }) => 2 * plan.rounds + 1,
  run: async ({ context, plan, repository, table, loads }, progress) => {
    const { rounds, seconds } = plan;
    const [model] = await readRepository(repository);
    if (!model) throw new Failure('the measured model is missing');
    progress.step('drift: the counting alone');
    const alone = {
      lookedAtMicroseconds: timeTally(model, table, everyRow()),
      sampledMicroseconds: timeTally(model, table, busySampler()),
    };
    const servers = {
      on: await startServer(context, { name: 'server', repository }),
      off: await startServer(context, { name: 'server', repository, drift: false }),
    };
    const script = await loads(servers.on, CELL.rows);
    const found = { on: [] as number[], off: [] as number[] };
    for (const server of Object.values(servers))
      await runWrk(context, target(server, CELL), { ...CELL, script, seconds: WARM_UP_SECONDS });
    for (let round = 1; round <= rounds; round++) {
      // Each round begins with the other one.
      for (const which of round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
        progress.step(`drift, round ${round} of ${rounds}: ${which}`);
        const sample = await measure(context, servers[which], { cell: CELL, script, seconds, round });
        found[which].push(sample.cpuMicroseconds);
      }
    }
    for (const server of Object.values(servers)) await server.stop();
    return { onMicroseconds: found.on, offMicroseconds: found.off, ...alone };
  },
  table: ({ onMicroseconds, offMicroseconds, lookedAtMicroseconds, sampledMicroseconds }) => {
    const micro = (value: number): string => `${value.toFixed(2)} µs`;
    return [
      'Drift metrics, single rows at 64 connections',
      `CPU a request: ${micro(spread(onMicroseconds).median)} with, ${micro(spread(offMicroseconds).median)} without (DRIFT_WINDOW_MS=0)`,
      `in the process alone: ${micro(lookedAtMicroseconds)} a row that is counted, ${micro(sampledMicroseconds)} a request at 20,000 rows/s`,
    ].join('\n');
  },
};

/** The fastest of the trials, in µs a row. Each row is parsed from a body of its own, as in a server. */
function timeTally(model: Model, table: Table, sampler: Sampler): number {
  const tally = createTally(model, sampler);
  const bodies = tablesOf(table, 1).map((one) => JSON.stringify(one));
  const rows = { rows: 1, cells: new Float64Array(0), texts: [], warnings: [], warningsTotal: 0 };
  const answers = new Float64Array(answerWidth(model.output));
  let fastest = Infinity;
  for (let trial = 0; trial < TRIALS; trial++) {
    const tables = bodies.map((body) => JSON.parse(body) as Table);
    const start = performance.now();
    for (const one of tables) tally.take(one, rows, answers);
    fastest = Math.min(fastest, (performance.now() - start) / tables.length);
    tally.tick(tables.length / ROWS_PER_SECOND);
  }
  return fastest * 1000;
}

const everyRow = (): Sampler => ({ first: () => 0, next: () => 1, weight: 1, tick: () => undefined });

function busySampler(): Sampler {
  const sampler = createSampler({ columns: 14 });
  sampler.first(ROWS_PER_SECOND);
  sampler.tick(1);
  return sampler;
}
