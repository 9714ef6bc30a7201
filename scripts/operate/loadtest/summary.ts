import { formatCount, formatMs, formatSeconds, formatShare } from './format.ts';
import type { Explained } from './recorder.ts';
import type { Latencies, Report } from './report.ts';
import { failureLines } from './report.ts';

const SHOWN: readonly (readonly [string, keyof Latencies])[] = [
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p99.9', 'p99_9'],
  ['max', 'max'],
];

const pad = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(11))).join('');

function howSent({ settings }: Report): string {
  const { loop, rate, connections, rowsPerRequest } = settings;
  const rows = rowsPerRequest === 1 ? '1 row' : `${formatCount(rowsPerRequest)} rows`;
  const pace =
    loop === 'open'
      ? `open loop, ${formatCount(rate ?? 0)} requests/s, at most ${connections} in flight`
      : `closed loop, ${connections} connections`;
  return `${pace}, ${rows} a request from ${settings.data}`;
}

function describeExplained({ requests, sum, score }: Explained): string {
  const scores =
    score === undefined
      ? 'no scores were in the answers to compare outputs with'
      : `outputs differ from scores by at most ${score.toExponential(1)}`;
  return `${formatCount(requests)} answers with explanations: sums differ from outputs by at most ${sum.toExponential(1)}, ${scores}`;
}

/** The result for a terminal. */
export function summarize(report: Report): string {
  const { totals, latency, service, failures, settings } = report;
  const lines = [
    '',
    `POST ${settings.url}`,
    howSent(report),
    '',
    `${formatCount(totals.requests)} requests in ${formatSeconds(totals.elapsedSeconds)}${report.interrupted ? ' (interrupted)' : ''}, ${formatCount(totals.ok)} succeeded, ${formatCount(totals.failed)} failed${totals.failed > 0 ? ` (${formatShare(totals.failed, totals.requests)})` : ''}${totals.unfinished > 0 ? `, ${formatCount(totals.unfinished)} unfinished` : ''}`,
    `${formatCount(totals.requestsPerSecond)} requests/s, ${formatCount(totals.rowsPerSecond)} rows/s`,
    '',
    pad(['', ...SHOWN.map(([name]) => name)]),
    pad(['latency', ...SHOWN.map(([, key]) => formatMs(latency[key]))]),
  ];
  if (settings.loop === 'open') {
    lines.push(pad(['service time', ...SHOWN.map(([, key]) => formatMs(service[key]))]));
    lines.push('latency counts from when a request was due, service time from when it was sent');
  }
  const failed = failureLines(report);
  if (failed.length > 0) {
    lines.push('', 'Failures');
    for (const { kind, name, count } of failed) {
      lines.push(`  ${kind.padEnd(11)}${name.padEnd(24)}${formatCount(count).padStart(9)}`);
    }
  }
  for (const { row, expected, got } of failures.mismatched.first) {
    lines.push(`  row ${row}: expected ${JSON.stringify(expected)}, got ${got}`);
  }
  if (settings.checked && failures.mismatched.requests === 0 && failures.unreadable === 0) {
    lines.push(`all ${formatCount(totals.rows)} labels as expected`);
  }
  if (report.explained) lines.push(describeExplained(report.explained));
  for (const warning of report.warnings) lines.push(`warning: ${warning}`);
  return `${lines.join('\n')}\n`;
}
