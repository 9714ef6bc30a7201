import { escapeMarkup } from '../../cli/svg.ts';
import { histogramChart, latencyOverTimeChart, percentileChart, throughputChart } from './charts.ts';
import { formatCount, formatMs, formatSeconds, formatShare } from './format.ts';
import type { Latencies, Report } from './report.ts';
import { failureLines, hasFailed } from './report.ts';
import { STYLE } from './style.ts';

const NAMES: readonly (readonly [string, keyof Latencies])[] = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p75', 'p75'],
  ['p90', 'p90'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p99_9'],
  ['p99.99', 'p99_99'],
  ['max', 'max'],
];

const tile = (name: string, value: string, note: string, bad = false): string =>
  `<div class="tile${bad ? ' alarm' : ''}"><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}<small>${escapeMarkup(note)}</small></dd></div>`;

function tiles({ totals, latency }: Report): string {
  return `<dl class="tiles">${[
    tile('Throughput', formatCount(totals.requestsPerSecond), 'requests/s'),
    tile('Median', formatMs(latency.p50), `mean ${formatMs(latency.mean)}`),
    tile('p99', formatMs(latency.p99), `max ${formatMs(latency.max)}`),
    tile(
      'Failed',
      formatCount(totals.failed),
      `${formatShare(totals.failed, totals.requests)} of ${formatCount(totals.requests)}`,
      totals.failed > 0,
    ),
  ].join('')}</dl>`;
}

type Row = readonly string[];

function table(caption: string, head: Row, rows: readonly Row[]): string {
  const cells = (row: Row): string =>
    row
      .map((cell, index) =>
        index === 0 ? `<th scope="row">${escapeMarkup(cell)}</th>` : `<td>${escapeMarkup(cell)}</td>`,
      )
      .join('');
  const names = head.map((name) => `<th scope="col">${escapeMarkup(name)}</th>`).join('');
  return `<div class="scroll"><table><caption>${escapeMarkup(caption)}</caption><thead><tr>${names}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>`;
}

const card = (title: string, content: string, note = '', kind = 'card'): string =>
  content === ''
    ? ''
    : `<section class="${kind}"><h2>${escapeMarkup(title)}</h2>${note === '' ? '' : `<p class="note">${note}</p>`}${content}</section>`;

/** A card of the whole width. */
const WIDE = 'card wide';

const key = (kind: string, name: string): string => `<span class="key ${kind}">${escapeMarkup(name)}</span>`;

function latencyTable({ latency, service, settings }: Report): string {
  if (settings.loop === 'closed') {
    return table(
      'Latency',
      ['', 'latency'],
      NAMES.map(([name, member]) => [name, formatMs(latency[member])]),
    );
  }
  return table(
    'Latency from when a request was due, and from when it was sent',
    ['', 'latency', 'service time'],
    NAMES.map(([name, member]) => [name, formatMs(latency[member]), formatMs(service[member])]),
  );
}

function failuresCard(report: Report): string {
  const lines = failureLines(report);
  const { first } = report.failures.mismatched;
  if (lines.length === 0) {
    return card(
      'Errors',
      `<p>None${report.settings.checked ? ', and every label is as expected' : ''}.</p>`,
      '',
      WIDE,
    );
  }
  const wrong =
    first.length === 0
      ? ''
      : table(
          'First wrong labels',
          ['row', 'expected', 'got'],
          first.map(({ row, expected, got }) => [String(row), JSON.stringify(expected), got]),
        );
  const counts = table(
    'Failures by kind; an answer counts by its status and by its code',
    ['kind', 'name', 'count', 'of requests'],
    lines.map(({ kind, name, count }) => [
      kind,
      name,
      formatCount(count),
      kind === 'connecting' ? '' : formatShare(count, report.totals.requests),
    ]),
  );
  return card('Errors', counts + wrong, '', WIDE);
}

function settingsTable({ settings, totals, generator, node, version }: Report): string {
  const rows: Row[] = [
    ['URL', settings.url],
    [
      'Loop',
      settings.loop === 'open'
        ? `open, ${formatCount(settings.rate ?? 0)} requests/s, at most ${settings.connections} in flight`
        : `closed, ${settings.connections} connections`,
    ],
    ['Data', `${settings.data}, ${formatCount(settings.rows)} rows`],
    ['Rows per request', formatCount(settings.rowsPerRequest)],
    [
      'Asked for',
      settings.amount === null
        ? formatSeconds(settings.durationSeconds)
        : `${formatCount(settings.amount)} requests`,
    ],
    ['Took', formatSeconds(totals.elapsedSeconds)],
    ['Rows answered', `${formatCount(totals.rows)}, ${formatCount(totals.rowsPerSecond)}/s`],
    ['Timeout', formatSeconds(settings.timeoutSeconds)],
    ['Labels compared', settings.checked ? 'yes' : 'no'],
    ...(settings.headers.length > 0 ? [['Further headers', settings.headers.join(', ')]] : []),
    ...(totals.unfinished > 0 ? [['Unfinished', formatCount(totals.unfinished)]] : []),
    ['Load generator', `busy ${formatShare(generator.busy, 1)}, servemodel ${version}, Node ${node}`],
  ];
  return table('What was asked for', ['setting', 'value'], rows);
}

/** The result as one page that loads nothing else. */
export function htmlReport(report: Report): string {
  const { settings, latency, timeline, warnings } = report;
  const open = settings.loop === 'open';
  const failed = hasFailed(report);
  const state = `${failed ? 'failed requests' : 'all requests succeeded'}${report.interrupted ? ', interrupted' : ''}`;
  const marks = { p50: latency.p50, p90: latency.p90, p99: latency.p99 };
  const curveNote = open
    ? `${key('first', 'latency, from when due')} ${key('second', 'service time, from when sent')}`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Load test of ${escapeMarkup(settings.url)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>Load test <span class="badge${failed ? ' alarm' : ''}">${escapeMarkup(state)}</span></h1>
<p><code>POST ${escapeMarkup(settings.url)}</code></p>
<p class="note"><time datetime="${report.started}">${escapeMarkup(report.started.replace('T', ' ').replace(/\..*/, ' UTC'))}</time></p>
</header>
${warnings.map((warning) => `<p class="warning" role="note">${escapeMarkup(warning)}</p>`).join('\n')}
${tiles(report)}
<div class="grid2">
${card('Latency histogram', histogramChart(report.histogram, marks), 'Requests by latency, on a logarithmic axis.')}
${card('Percentiles', percentileChart(report.curve, open ? report.serviceCurve : []), curveNote === '' ? 'How slow the slowest are: each step to the right leaves a tenth.' : curveNote)}
${card('Throughput', throughputChart(timeline), `Requests per second. ${key('bar', 'succeeded')} ${key('bad', 'failed')}`)}
${card('Latency over time', latencyOverTimeChart(timeline), `${key('first', 'p50')} ${key('second', 'p99')}`)}
${failuresCard(report)}
${card('Latency', latencyTable(report))}
${card('Settings', settingsTable(report))}
</div>
<footer class="note">${
    open
      ? 'Latency counts from the moment at which a request was due, so that waiting for a stalled server is not left out (no coordinated omission).'
      : 'Closed loop: a connection sends when it has its answer, so a stalled server also receives less. Use --rate to see what callers on their own schedule would see.'
  } Latencies are those of answers with status 200 and of requests that were given up.</footer>
</main>
</body>
</html>
`;
}
