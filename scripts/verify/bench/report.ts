import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HOME } from '../../../server/platform/install.ts';
import { renderTable } from '../../cli/table.ts';
import type { Verdict } from './bound.ts';
import { PARTS } from './catalogue.ts';
import { drawChart } from './chart.ts';
import type { Results } from './results.ts';
import { spreadText } from './statistics.ts';
import { many } from './text.ts';

const SIGNS = { 'at most': '<=', 'at least': '>=' } as const;
/** Above this share of CPU time used by others, the measured times are worthless. */
const LOUD_SHARE = 0.05;

/** The text of a run, for the terminal. */
export function renderReport(results: Results, verdicts: readonly Verdict[]): string {
  const { machine, settings, engine } = results;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const sections = [
    `${machine.cpuModel}, ${many(machine.cpus, 'CPU')}; ${versions.join(', ')}\n` +
      `engine ${engine}; ${settings.processes} processes of ${many(settings.threadsPerProcess, 'thread')}; ` +
      `${many(settings.rounds, 'round')} of ${settings.secondsPerSample} s: medians (min-max)`,
    noiseText(results),
    ...PARTS.flatMap(({ field, table }) => {
      const result = results[field];
      return table && !isMissing(result) ? [table(result)] : [];
    }),
    `Must hold\n${boundsTable(verdicts)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

const isMissing = (result: unknown): boolean =>
  result === undefined || (Array.isArray(result) && result.length === 0);

function noiseText({ noise }: Results): string {
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  const text = `Meanwhile other programs used ${percent(noise.othersShare)} of the CPUs, other machines ${percent(noise.stolenShare)}.`;
  return noise.othersShare + noise.stolenShare > LOUD_SHARE
    ? `${text} THAT IS TOO MUCH: measure again on a quiet machine.`
    : text;
}

function boundsTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ verdict, measured, unit, what, needs, holds, limit }) => [
    verdict,
    measured ? `${spreadText(measured)} ${unit}`.trimEnd() : '',
    `${SIGNS[holds]} ${limit} ${unit}`.trimEnd(),
    measured ? what : `${what} [needs ${needs}]`,
  ]);
  return renderTable(['', 'measured', 'bound', 'what'], rows, 4);
}

/** The file of a run without --out. */
export const defaultOut = (created: string): string =>
  join(HOME, '.bench', `${created.slice(0, 19).replaceAll(':', '-')}Z.json`);

/**
 * Writes the results and, where there is something to draw, the picture beside them.
 *
 * @returns the paths written
 */
export async function writeFiles(
  out: string,
  results: Results,
  verdicts: readonly Verdict[],
): Promise<string[]> {
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify({ ...results, bounds: verdicts }, undefined, 2)}\n`);
  if (results.cells.length === 0) return [out];
  const picture = `${out.replace(/\.json$/, '')}.svg`;
  await writeFile(picture, drawChart(results));
  return [out, picture];
}
