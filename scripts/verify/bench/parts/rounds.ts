import type { Context } from '../context.ts';
import type { Loads } from '../loads.ts';
import { measure, target } from '../measure.ts';
import type { Progress } from '../progress.ts';
import type { Cell, CellResult, Sample } from '../results.ts';
import type { Subject } from '../subjects/subject.ts';
import { cellText } from '../text.ts';
import { runWrk } from '../wrk.ts';

/** Compilers of the subjects have done their work by then. */
const WARM_UP_SECONDS = 3;

export interface RoundsOptions {
  readonly subjects: readonly Subject[];
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: Loads;
  readonly progress: Progress;
}

const bears = ({ maxConnections }: Subject, { connections }: Cell): boolean => connections <= maxConnections;

/** Cells that are warmed up: each size of body once, with most connections. */
const warmUpCells = (subject: Subject, cells: readonly Cell[]): Cell[] => {
  const possible = cells.filter((cell) => bears(subject, cell));
  return [...new Set(possible.map(({ rows }) => rows))].map((rows) => ({
    rows,
    connections: Math.max(...possible.filter((cell) => cell.rows === rows).map((cell) => cell.connections)),
  }));
};

/** How many steps of progress the rounds take. */
export function countSteps({ subjects, cells, rounds }: Omit<RoundsOptions, 'progress' | 'loads'>): number {
  const measured = subjects.map((subject) => cells.filter((cell) => bears(subject, cell)).length * rounds);
  const warmed = subjects.map((subject) => warmUpCells(subject, cells).length);
  return [...measured, ...warmed].reduce((sum, count) => sum + count, 0);
}

/**
 * Measures every subject in every cell, again and again. Subjects take turns within a cell, so that whatever slows
 * the machine down for a while slows them all; and each round begins with another, so that none is always after
 * the same.
 */
export async function runRounds(context: Context, options: RoundsOptions): Promise<CellResult[]> {
  const { subjects, cells, rounds, seconds, loads, progress } = options;
  for (const subject of subjects) {
    for (const cell of warmUpCells(subject, cells)) {
      progress.step(`warming up: ${subject.name}, ${cellText(cell)}`);
      const script = await loads(subject, cell.rows);
      await runWrk(context, target(subject, cell), {
        script,
        connections: cell.connections,
        seconds: Math.min(WARM_UP_SECONDS, seconds),
      });
    }
  }
  const results = cells.flatMap((cell) =>
    subjects
      .filter((subject) => bears(subject, cell))
      .map(({ name }) => ({ ...cell, subject: name, samples: [] as Sample[] })),
  );
  const samplesOf = ({ name }: Subject, { rows, connections }: Cell): Sample[] | undefined =>
    results.find((cell) => cell.subject === name && cell.rows === rows && cell.connections === connections)
      ?.samples;
  for (let round = 1; round <= rounds; round++) {
    for (const cell of cells) {
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(turn + round) % subjects.length] as Subject;
        if (!bears(subject, cell)) continue;
        progress.step(`round ${round} of ${rounds}: ${subject.name}, ${cellText(cell)}`);
        const script = await loads(subject, cell.rows);
        samplesOf(subject, cell)?.push(await measure(context, subject, { cell, script, seconds, round }));
      }
    }
  }
  return results;
}
