import { renderTable } from '../../../cli/table.ts';
import type { Bound } from '../bound.ts';
import { paired } from '../bound.ts';
import { measure, target } from '../measure.ts';
import type { Part, Stage } from '../part.ts';
import type { Progress } from '../progress.ts';
import type { Cell, CellResult, Results, Sample } from '../results.ts';
import { samplesOf } from '../results.ts';
import type { Spread } from '../statistics.ts';
import { spread, spreadText } from '../statistics.ts';
import type { Subject } from '../subjects/subject.ts';
import { cellText, count, number } from '../text.ts';
import { runWrk } from '../wrk.ts';

/** Compilers of the subjects are done by then. */
const WARM_UP_SECONDS = 3;
const LOADED = { rows: 1, connections: 64 } as const;
const LONE = { rows: 1, connections: 1 } as const;
const CROWDED = { rows: 1, connections: 512 } as const;
const HUNDRED = { rows: 100, connections: 64 } as const;

/** Measures every subject of the plan in every cell. */
export const rounds: Part<readonly CellResult[]> = {
  name: 'rounds',
  field: 'cells',
  needs: ({ subjects, cells }) => ({ subjects, rows: cells.map(({ rows }) => rows) }),
  steps: (stage) => {
    const { cells, rounds } = stage.plan;
    const ofSubject = (subject: Subject): number =>
      cells.filter((cell) => bears(subject, cell)).length * rounds + warmUpCells(subject, cells).length;
    return planned(stage).reduce((sum, subject) => sum + ofSubject(subject), 0);
  },
  run: async (stage, progress) => {
    await warmUp(stage, progress);
    return measureAll(stage, progress);
  },
  table: cellsTable,
  bounds,
};

/** Other parts may have started further subjects. */
const planned = ({ subjects, plan }: Stage): readonly Subject[] =>
  subjects.filter(({ name }) => plan.subjects.includes(name));

const bears = ({ maxConnections }: Subject, { connections }: Cell): boolean => connections <= maxConnections;

/** Cells that are warmed up: each size of body once, with most connections. */
const warmUpCells = (subject: Subject, cells: readonly Cell[]): Cell[] => {
  const possible = cells.filter((cell) => bears(subject, cell));
  return [...new Set(possible.map(({ rows }) => rows))].map((rows) => ({
    rows,
    connections: Math.max(...possible.filter((cell) => cell.rows === rows).map((cell) => cell.connections)),
  }));
};

async function warmUp(stage: Stage, progress: Progress): Promise<void> {
  const { context, plan, loads } = stage;
  for (const subject of planned(stage)) {
    for (const cell of warmUpCells(subject, plan.cells)) {
      progress.step(`warming up: ${subject.name}, ${cellText(cell)}`);
      const script = await loads(subject, cell.rows);
      const seconds = Math.min(WARM_UP_SECONDS, plan.seconds);
      await runWrk(context, target(subject, cell), { script, connections: cell.connections, seconds });
    }
  }
}

/**
 * Subjects take turns within a cell: what slows the machine down for a while slows them all. Each round begins with
 * another subject, so that none always follows the same one.
 */
async function measureAll(stage: Stage, progress: Progress): Promise<CellResult[]> {
  const { context, plan, loads } = stage;
  const { cells, rounds, seconds } = plan;
  const subjects = planned(stage);
  const results = cells.flatMap((cell) =>
    subjects
      .filter((subject) => bears(subject, cell))
      .map(({ name }) => ({ ...cell, subject: name, samples: [] as Sample[] })),
  );
  const samplesIn = ({ name }: Subject, { rows, connections }: Cell): Sample[] | undefined =>
    results.find((cell) => cell.subject === name && cell.rows === rows && cell.connections === connections)
      ?.samples;
  for (let round = 1; round <= rounds; round++) {
    for (const cell of cells) {
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(turn + round) % subjects.length] as Subject;
        if (!bears(subject, cell)) continue;
        progress.step(`round ${round} of ${rounds}: ${subject.name}, ${cellText(cell)}`);
        const script = await loads(subject, cell.rows);
        samplesIn(subject, cell)?.push(await measure(context, subject, { cell, script, seconds, round }));
      }
    }
  }
  return results;
}

/** The columns that the table and a comparison share: a title, and the value of a sample. */
export const MEASURES = [
  ['requests/s', (sample: Sample) => sample.requestsPerSecond],
  ['CPU µs/request', (sample: Sample) => sample.cpuMicroseconds],
  ['p50 ms', (sample: Sample) => sample.latencyMs.p50],
  ['p99 ms', (sample: Sample) => sample.latencyMs.p99],
] as const;

/** Every cell and subject, with medians over the rounds. */
export function cellsTable(cells: readonly CellResult[]): string {
  const header = [
    'rows',
    'connections',
    'subject',
    ...MEASURES.map(([title]) => title),
    'rows/s',
    'CPU µs/row',
  ];
  const rows = cells.map((cell) => [
    count(cell.rows),
    count(cell.connections),
    cell.subject,
    ...MEASURES.map(([, value]) => spreadText(spread(cell.samples.map(value)))),
    number(spread(cell.samples.map((sample) => sample.requestsPerSecond * cell.rows)).median),
    number(spread(cell.samples.map((sample) => sample.cpuMicroseconds / cell.rows)).median),
  ]);
  return renderTable(header, rows, 3);
}

/** Limits are tighter when the model is compiled. */
function bounds(_: unknown, results: Results): Bound[] {
  const compiled = results.engine !== 'onnxruntime';
  const needs = '--parts rounds with the subjects server and echo';
  const against = (other: string, cell: Cell, compare: (sample: Sample, other: Sample) => number) =>
    paired(results, ['server', other], cell, compare);
  return [
    {
      id: 'cpu-per-request',
      what: 'single row, 64 connections: CPU per request against the echo',
      holds: 'at most',
      limit: compiled ? 1.08 : 1.45,
      unit: '',
      measured: against('echo', LOADED, (server, echo) => server.cpuMicroseconds / echo.cpuMicroseconds),
      needs,
    },
    {
      id: 'throughput',
      what: 'the same, requests/s',
      holds: 'at least',
      limit: compiled ? 0.94 : 0.7,
      unit: '',
      measured: against('echo', LOADED, (server, echo) => server.requestsPerSecond / echo.requestsPerSecond),
      needs,
    },
    {
      id: 'against-fastapi',
      what: 'the same, requests/s against FastAPI + ONNX Runtime without a proxy',
      holds: 'at least',
      limit: compiled ? 2.5 : 2.2,
      unit: '',
      measured: against(
        'fastapi',
        LOADED,
        (server, peer) => server.requestsPerSecond / peer.requestsPerSecond,
      ),
      needs: '--peers',
    },
    {
      id: 'hundred-rows',
      what: '100 rows, 64 connections: CPU per request against FastAPI + ONNX Runtime without a proxy',
      holds: 'at most',
      limit: compiled ? 0.25 : 1,
      unit: '',
      measured: against('fastapi', HUNDRED, (server, peer) => server.cpuMicroseconds / peer.cpuMicroseconds),
      needs: '--peers with 100 rows',
    },
    {
      id: 'lone-row',
      what: "single row, 1 connection: p50 minus the echo's p50",
      holds: 'at most',
      limit: compiled ? 0.01 : 0.2,
      unit: 'ms',
      measured: against('echo', LONE, (server, echo) => server.latencyMs.p50 - echo.latencyMs.p50),
      needs,
    },
    {
      id: 'crowd',
      what: 'requests/s at 512 connections against the best of all',
      holds: 'at least',
      limit: 0.95,
      unit: '',
      measured: crowd(results),
      needs: '--parts rounds with 512 and other connections',
    },
  ];
}

/** The server's requests/s with most connections, against the number of connections that is best for it. */
function crowd(results: Results): Spread | undefined {
  const rates = results.cells
    .filter(({ subject, rows }) => subject === 'server' && rows === 1)
    .map(({ samples }) => spread(samples.map((sample) => sample.requestsPerSecond)).median);
  const crowded = samplesOf(results, 'server', CROWDED);
  if (crowded.length === 0 || rates.length < 2) return undefined;
  const best = Math.max(...rates);
  return spread(crowded.map(({ requestsPerSecond }) => requestsPerSecond / best));
}
