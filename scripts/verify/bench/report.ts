import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HOME } from '../../../server/platform/install.ts';
import type { Verdict } from './bounds/bound.ts';
import { drawChart } from './chart.ts';
import type { DriftCostResult, Results, ScrapeResult } from './results.ts';
import { spread } from './statistics.ts';
import { boundsTable, cellsTable, neighbourTable } from './table.ts';
import { many, number } from './text.ts';

/** The text of a run, for the terminal. */
export function renderReport(results: Results, verdicts: readonly Verdict[]): string {
  const { machine, settings, engine } = results;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const sections = [
    `${machine.cpuModel}, ${many(machine.cpus, 'CPU')}; ${versions.join(', ')}\n` +
      `engine ${engine}; ${settings.processes} processes of ${many(settings.threadsPerProcess, 'thread')}; ` +
      `${many(settings.rounds, 'round')} of ${settings.secondsPerSample} s: medians (min-max)`,
    noiseText(results),
    ...(results.cells.length > 0 ? [cellsTable(results)] : []),
    ...(results.neighbour.length > 0 ? [`Beside a neighbour\n${neighbourTable(results.neighbour)}`] : []),
    ...(results.scrape ? [scrapeText(results.scrape)] : []),
    ...(results.drift
      ? [`Counting how rows lie, single rows at 64 connections\n${driftText(results.drift)}`]
      : []),
    `Must hold\n${boundsTable(verdicts)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function scrapeText({ processes, series, milliseconds, cpuMilliseconds }: ScrapeResult): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): string => number(sorted[Math.ceil(share * sorted.length) - 1] ?? NaN);
  return (
    `Scrape: ${processes} processes, ${many(series, 'line')}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
    `CPU ${number(cpuMilliseconds)} ms`
  );
}

function driftText({ onMicroseconds, offMicroseconds, ...inProcess }: DriftCostResult): string {
  const micro = (value: number): string => `${value.toFixed(2)} µs`;
  return [
    `CPU a request: ${micro(spread(onMicroseconds).median)} with, ${micro(spread(offMicroseconds).median)} without (DRIFT_WINDOW_MS=0)`,
    `in the process alone: ${micro(inProcess.lookedAtMicroseconds)} a row that is looked at, ${micro(inProcess.sampledMicroseconds)} a request at 20,000 rows/s`,
  ].join('\n');
}

/** Above this, times say more about the others than about what was measured. */
const LOUD_SHARE = 0.05;

function noiseText({ noise }: Results): string {
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  const text = `Meanwhile other programs used ${percent(noise.othersShare)} of the CPUs, other machines ${percent(noise.stolenShare)}.`;
  return noise.othersShare + noise.stolenShare > LOUD_SHARE
    ? `${text} THAT IS TOO MUCH: measure again on a quiet machine.`
    : text;
}

/** Where a run's files go when nobody says. */
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
