import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { runEngine } from '../loadtest/engine.ts';
import { createHistogram } from '../loadtest/histogram.ts';
import { createRecorder } from '../loadtest/recorder.ts';
import { prepareRequests } from '../loadtest/requests.ts';
import { parseSettings } from '../loadtest/settings.ts';
import { readRows } from '../loadtest/rows.ts';
import type { Options } from './options.ts';
import { USAGE, readOptions } from './options.ts';

const ENOUGH = 0.9;
/** Of the closed loop that finds the capacity. */
const CLOSED_CONNECTIONS = 64;

/** What became of one load. Times are in milliseconds. */
interface Figures {
  readonly offeredPerSecond: number | undefined;
  readonly goodPerSecond: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Requests without an answer, by reason. */
  readonly unanswered: Readonly<Record<string, number>>;
  readonly goodP50: number;
  readonly goodP99: number;
  readonly refusedP50: number;
  readonly refusedP99: number;
  readonly mostResidentBytes: number;
  /** Of one CPU, that the generator took: near 1 it is the generator that was measured. */
  readonly generatorShare: number;
}

/** Of all server processes together; 0 where there are no metrics. */
async function residentBytes(metrics: URL): Promise<number> {
  const text = await fetch(metrics, { signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.text(),
    () => '',
  );
  const values = [...text.matchAll(/^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/gm)];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

async function load(
  options: Options,
  rate: number | undefined,
  seconds: number,
  interrupt: AbortSignal,
): Promise<Figures> {
  const argv = ['--rows-per-request', String(options.rowsPerRequest), '--duration', String(seconds)];
  const settings = {
    ...parseSettings([options.url.href, ...argv]),
    rate,
    connections: rate === undefined ? CLOSED_CONNECTIONS : options.connections,
  };
  const rows = readRows(settings);
  const recorder = createRecorder(rows.data.length);
  const [good, refused] = [createHistogram(), createHistogram()];
  let mostResidentBytes = await residentBytes(options.metrics);
  const sampling = setInterval(() => {
    void residentBytes(options.metrics).then(
      (bytes) => (mostResidentBytes = Math.max(mostResidentBytes, bytes)),
    );
  }, 1000);
  const events = {
    ...recorder,
    ended: (...[exchange, ending, nowMs]: Parameters<typeof recorder.ended>) => {
      recorder.ended(exchange, ending, nowMs);
      if ('status' in ending) (ending.status === 200 ? good : refused).record(nowMs - exchange.sentMs);
    },
  };
  const requests = prepareRequests(rows, settings);
  const [began, before] = [performance.now(), process.cpuUsage()];
  await runEngine(requests, settings, events, interrupt);
  const { user, system } = process.cpuUsage(before);
  const generatorShare = (user + system) / 1000 / (performance.now() - began);
  clearInterval(sampling);
  const { byStatus, bySocket } = recorder.failures();
  return {
    offeredPerSecond: rate,
    goodPerSecond: recorder.ok / Math.max(seconds, recorder.elapsedMs() / 1000),
    byStatus: { 200: recorder.ok, ...byStatus },
    unanswered: bySocket,
    goodP50: good.percentile(50),
    goodP99: good.percentile(99),
    refusedP50: refused.percentile(50),
    refusedP99: refused.percentile(99),
    mostResidentBytes,
    generatorShare,
  };
}

const show = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ') || 'none';

function table(capacity: Figures, overload: Figures): string {
  const rows: [string, (figures: Figures) => string][] = [
    ['offered/s', ({ offeredPerSecond }) => offeredPerSecond?.toFixed(0) ?? 'closed loop'],
    ['answered 200/s', ({ goodPerSecond }) => goodPerSecond.toFixed(0)],
    ['p50, p99 of 200', ({ goodP50, goodP99 }) => `${goodP50.toFixed(0)}, ${goodP99.toFixed(0)} ms`],
    [
      'p50, p99 of refusals',
      ({ refusedP50, refusedP99 }) => `${refusedP50.toFixed(0)}, ${refusedP99.toFixed(0)} ms`,
    ],
    ['most memory', ({ mostResidentBytes }) => `${(mostResidentBytes / 2 ** 20).toFixed(0)} MiB`],
    ['CPUs of the generator', ({ generatorShare }) => generatorShare.toFixed(2)],
    ['by status', ({ byStatus }) => show(byStatus)],
    ['unanswered', ({ unanswered }) => show(unanswered)],
  ];
  return rows.map(([name, of]) => `${name.padEnd(22)}${of(capacity).padEnd(24)}${of(overload)}\n`).join('');
}

/** Overloads a server. */
export const overload: Tool = withUsage(USAGE, async (argv, { stdout, stderr, folder, interrupt }) => {
  const options = readOptions(argv);
  const sixth = options.seconds / 6;
  // What a server that has just started answers is no capacity.
  stderr.write(`warming up: ${sixth.toFixed(0)} s\n`);
  await load(options, undefined, sixth, interrupt);
  stderr.write(`capacity: ${sixth.toFixed(0)} s\n`);
  const capacity = await load(options, undefined, sixth, interrupt);
  if (capacity.goodPerSecond === 0) {
    stderr.write(`nothing was answered at ${options.url.href}\n`);
    return 1;
  }
  const rate = capacity.goodPerSecond * options.factor;
  stderr.write(`overload: ${options.seconds.toFixed(0)} s at ${rate.toFixed(0)} requests/s\n`);
  const crowd = await load(options, rate, options.seconds, interrupt);
  const share = crowd.goodPerSecond / capacity.goodPerSecond;
  stdout.write(`${''.padEnd(22)}${'capacity'.padEnd(24)}overload\n${table(capacity, crowd)}`);
  stdout.write(`goodput: ${(share * 100).toFixed(0)} % of the capacity\n`);
  if (options.json !== undefined)
    writeFileSync(
      resolve(folder, options.json),
      JSON.stringify({ share, capacity, overload: crowd }, undefined, 2),
    );
  return share >= ENOUGH ? 0 : 1;
});
