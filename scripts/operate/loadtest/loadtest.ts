import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { runEngine } from './engine.ts';
import { UsageError, reasonOf } from '../../cli/faults.ts';
import { showLine } from '../../cli/liveLine.ts';
import type { Surroundings, Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { htmlReport } from './html.ts';
import { preflight, withScores } from './preflight.ts';
import { progressLine } from './progress.ts';
import { createRecorder } from './recorder.ts';
import type { Report } from './report.ts';
import { createReport, hasFailed } from './report.ts';
import { prepareRequests } from './requests.ts';
import { readRows } from './rows.ts';
import type { Settings } from './settings.ts';
import { USAGE, parseSettings } from './settings.ts';
import { summarize } from './summary.ts';

/** Paths are checked before the load, not after it. */
function requireWritable(path: string | undefined): void {
  if (path === undefined) return;
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${reasonOf(error)}`);
  }
}

function fromFolder(settings: Settings, folder: string): Settings {
  const path = (relative: string): string => resolve(folder, relative);
  const { source, expect, json, html } = settings;
  return {
    ...settings,
    source: source.kind === 'file' ? { kind: 'file', path: path(source.path) } : source,
    expect: expect?.kind === 'file' ? { kind: 'file', path: path(expect.path) } : expect,
    json: json === undefined ? undefined : path(json),
    html: html === undefined ? undefined : path(html),
  };
}

async function measure(given: Settings, { stderr, interrupt }: Surroundings): Promise<Report> {
  const rows = readRows(given);
  const settings = given.explain ? await withScores(given, rows, interrupt) : given;
  const requests = prepareRequests(rows, settings);
  const [firstRequest] = requests;
  if (firstRequest === undefined) throw new UsageError(`${rows.name} has no rows`);
  await preflight(settings, firstRequest, interrupt);

  const recorder = createRecorder(rows.data.length, settings.explain);
  const started = new Date();
  const before = performance.eventLoopUtilization();
  const startMs = performance.now();
  const endProgress = showLine(
    () => progressLine(recorder, settings, (performance.now() - startMs) / 1000),
    stderr,
  );
  try {
    const remains = await runEngine(requests, settings, recorder, interrupt);
    const busy = performance.eventLoopUtilization(before).utilization;
    return createReport({ settings, rows, recorder, remains, started, interrupted: interrupt.aborted, busy });
  } finally {
    endProgress();
  }
}

/** Runs a load test. */
export const loadtest: Tool = withUsage(USAGE, async (argv, surroundings) => {
  const settings = fromFolder(parseSettings(argv), surroundings.folder);
  requireWritable(settings.json);
  requireWritable(settings.html);
  const report = await measure(settings, surroundings);
  surroundings.stdout.write(summarize(report));
  if (settings.json !== undefined) writeFileSync(settings.json, `${JSON.stringify(report, null, 2)}\n`);
  if (settings.html !== undefined) writeFileSync(settings.html, htmlReport(report));
  return hasFailed(report) && !settings.allowErrors ? 1 : 0;
});
