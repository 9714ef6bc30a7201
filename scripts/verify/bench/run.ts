import { HOME, softwareVersion } from '../../../server/platform/install.ts';
import type { Context } from './context.ts';
import { createLoads } from './loads.ts';
import { describeMachine } from './machine.ts';
import type { Options, Part } from './options.ts';
import { watchNoise } from './noise.ts';
import { runCompiler, STEPS as COMPILER_STEPS } from './parts/compiler.ts';
import { countSteps as countDriftSteps, runDrift } from './parts/drift.ts';
import { runLoad, STEPS as LOAD_STEPS } from './parts/load.ts';
import { runMemory, STEPS as MEMORY_STEPS } from './parts/memory.ts';
import { countSteps as countNeighbourSteps, runNeighbour } from './parts/neighbour.ts';
import { countSteps as countRoundSteps, runRounds } from './parts/rounds.ts';
import { runScrapes, STEPS as SCRAPE_STEPS } from './parts/scrape.ts';
import { runStarts, STEPS as START_STEPS } from './parts/start.ts';
import type { Progress, ProgressOptions } from './progress.ts';
import { createProgress } from './progress.ts';
import type { Results } from './results.ts';
import { SCHEMA } from './results.ts';
import { readTestRows } from './rows.ts';
import { makeRepository } from './subjects/server.ts';
import { startSubjects } from './subjects/start.ts';
import { PROCESSES, THREADS } from './subjects/subject.ts';

/** Does all that the options ask for. */
export async function run(
  context: Context,
  options: Options,
  output: Omit<ProgressOptions, 'steps'>,
): Promise<Results> {
  const { parts, cells, rounds, seconds } = options;
  const machine = describeMachine();
  const noise = watchNoise();
  const table = await readTestRows(HOME);
  const repository = await makeRepository(context);
  const loads = createLoads(context, table);
  const wants = (part: Part): boolean => parts.includes(part);
  const within = async <T>(steps: number, work: (progress: Progress) => Promise<T>): Promise<T> => {
    const progress = createProgress({ ...output, steps });
    try {
      return await work(progress);
    } finally {
      progress.end();
    }
  };

  // Ahead of the subjects: theirs are Node processes too, and memory shared with them would count as theirs in part.
  const alone =
    (wants('start') ? START_STEPS : 0) +
    (wants('load') ? LOAD_STEPS : 0) +
    (wants('memory') ? MEMORY_STEPS : 0) +
    (wants('compiler') ? COMPILER_STEPS : 0) +
    (wants('scrape') ? SCRAPE_STEPS : 0) +
    (wants('drift') ? countDriftSteps(rounds) : 0);
  const measured = await within(alone, async (progress) => ({
    startSeconds: wants('start') ? await runStarts(context, { repository, progress }) : [],
    load: wants('load') ? await runLoad(context, { repository, progress }) : undefined,
    memory: wants('memory') ? [await runMemory(context, { repository, loads, progress })] : [],
    scrape: wants('scrape') ? await runScrapes(context, { table, progress }) : undefined,
    compiler: wants('compiler') ? await runCompiler({ repository, table, progress }) : undefined,
    drift: wants('drift')
      ? await runDrift(context, { repository, table, rounds, seconds, loads, progress })
      : undefined,
  }));

  const base = {
    schema: SCHEMA,
    created: new Date().toISOString(),
    version: softwareVersion(),
    machine,
    settings: { rounds, secondsPerSample: seconds, processes: PROCESSES, threadsPerProcess: THREADS },
    ...measured,
  } as const;
  if (!wants('rounds') && !wants('neighbour')) {
    return { ...base, engine: 'unknown', cells: [], neighbour: [], noise: noise() };
  }

  const { subjects, engine } = await within(0, (progress) =>
    startSubjects(context, {
      names: wants('rounds') ? options.subjects : ['server'],
      repository,
      table,
      rows: wants('rounds') ? [...new Set(cells.map(({ rows }) => rows))] : [1],
      say: progress.say,
    }),
  );
  const server = wants('neighbour') ? subjects.find(({ name }) => name === 'server') : undefined;
  const plan = { subjects, cells: wants('rounds') ? cells : [], rounds, seconds };
  const steps = countRoundSteps(plan) + (server ? countNeighbourSteps(rounds) : 0);
  return within(steps, async (progress) => ({
    ...base,
    engine,
    cells: await runRounds(context, { ...plan, loads, progress }),
    neighbour: server ? await runNeighbour(context, { server, rounds, seconds, loads, progress }) : [],
    noise: noise(),
  }));
}
