import { HOME, softwareVersion } from '../../../server/platform/install.ts';
import { PARTS } from './catalogue.ts';
import type { Context } from './context.ts';
import { createLoads } from './loads.ts';
import { describeMachine } from './machine.ts';
import { watchNoise } from './noise.ts';
import type { Options } from './options.ts';
import type { Part } from './part.ts';
import type { Progress, ProgressOptions } from './progress.ts';
import { createProgress } from './progress.ts';
import type { Results } from './results.ts';
import { SCHEMA } from './results.ts';
import { readTestRows } from './rows.ts';
import { makeRepository } from './subjects/server.ts';
import { startSubjects } from './subjects/start.ts';
import type { Subject } from './subjects/subject.ts';
import { PROCESSES, THREADS } from './subjects/subject.ts';

/** Runs the parts that the options name. */
export async function run(
  context: Context,
  options: Options,
  output: Omit<ProgressOptions, 'steps'>,
): Promise<Results> {
  const { rounds, seconds } = options;
  const machine = describeMachine();
  const noise = watchNoise();
  const table = await readTestRows(HOME);
  const repository = await makeRepository(context);
  const stage = { context, plan: options, repository, table, loads: createLoads(context, table) };
  const measured: Record<string, unknown> = {};

  const withProgress = async <T>(steps: number, work: (progress: Progress) => Promise<T>): Promise<T> => {
    const progress = createProgress({ ...output, steps });
    try {
      return await work(progress);
    } finally {
      progress.end();
    }
  };
  const runParts = (parts: readonly Part[], subjects: readonly Subject[]): Promise<void> => {
    const steps = parts.reduce((sum, part) => sum + part.steps({ ...stage, subjects }), 0);
    return withProgress(steps, async (progress) => {
      for (const part of parts) measured[part.field] = await part.run({ ...stage, subjects }, progress);
    });
  };

  const wanted = PARTS.filter(({ name }) => options.parts.includes(name));
  const needs = wanted.flatMap((part) => part.needs?.(options) ?? []);
  // First, without the subjects: memory that Node processes share with them would count as theirs in part.
  await runParts(
    wanted.filter((part) => !part.needs),
    [],
  );
  let engine = 'unknown';
  if (needs.length > 0) {
    const started = await withProgress(0, ({ say }) =>
      startSubjects(context, {
        names: [...new Set(needs.flatMap(({ subjects }) => subjects))],
        repository,
        table,
        rows: [...new Set(needs.flatMap(({ rows }) => rows))],
        say,
      }),
    );
    engine = started.engine;
    await runParts(
      wanted.filter((part) => part.needs),
      started.subjects,
    );
  }
  return {
    schema: SCHEMA,
    created: new Date().toISOString(),
    version: softwareVersion(),
    machine,
    settings: { rounds, secondsPerSample: seconds, processes: PROCESSES, threadsPerProcess: THREADS },
    engine,
    cells: [],
    ...measured,
    noise: noise(),
  };
}
