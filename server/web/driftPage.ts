import type { DriftReport, FieldReport, Verdict } from '../observers/drift/report.ts';

const SAID: Readonly<Record<Verdict, string>> = {
  stable: 'stable',
  moderate: 'moderate shift',
  major: 'major shift',
  not_enough_rows: 'not enough rows',
  no_training_distribution: 'no training distribution',
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Escapes names of columns and categories, which may be any text. */
const escape = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES[found] as string);

const percent = (share: number | null | undefined): string =>
  share === null || share === undefined
    ? '–'
    : `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
const index = (psi: number | null): string => (psi === null ? '–' : psi.toFixed(3));
const count = (rows: number): string => Math.round(rows).toLocaleString('en');

function duration(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [name, size] = units.find(([, unit]) => ms >= unit && ms % unit === 0) ?? ['second', 1000];
  const amount = ms / size;
  return `${amount} ${name}${amount === 1 ? '' : 's'}`;
}

const badge = (verdict: Verdict): string => `<span class="verdict ${verdict}">${SAID[verdict]}</span>`;

/** Two bars, training above. A picture, since a style attribute would need a laxer policy. */
function bars(expected: number | null, observed: number | null): string {
  const bar = (name: string, y: number, share: number | null): string =>
    share === null ? '' : `<rect class="${name}" y="${y}" width="${(100 * share).toFixed(2)}" height="5"/>`;
  return `<svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">${bar('training', 0, expected)}${bar('window', 6, observed)}</svg>`;
}

function section(field: FieldReport, id: string): string {
  const rows = field.bins.map(
    ({ bin, expected, observed }) =>
      `<tr><th scope="row"><code>${escape(bin)}</code></th><td>${percent(expected)}</td><td>${percent(observed)}</td><td class="bars">${bars(expected, observed)}</td></tr>`,
  );
  const needs =
    field.verdict === 'not_enough_rows'
      ? field.leastRows === null
        ? ' The training data were too few to compare with.'
        : ` It takes ${count(field.leastRows)} rows.`
      : '';
  return `<section id="${id}">
<h2>${escape(field.name)} ${badge(field.verdict)}</h2>
<p class="faint">PSI ${index(field.psi)}.${needs}</p>
<table>
<thead><tr><th scope="col">bin</th><th scope="col">training</th><th scope="col">window</th><th scope="col"><span class="key training"></span> training <span class="key window"></span> window</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table>
</section>`;
}

const line = (field: FieldReport, id: string): string =>
  `<tr><th scope="row"><a href="#${id}">${escape(field.name)}</a></th><td>${badge(field.verdict)}</td><td>${index(field.psi)}</td><td>${percent(field.unknown?.observed)}</td><td>${percent(field.unknown?.expected)}</td><td>${percent(field.missing?.observed)}</td><td>${percent(field.missing?.expected)}</td></tr>`;

function lead({ window, verdict }: DriftReport): string {
  if (verdict === 'no_training_distribution')
    return 'Its <code>model.json</code> has no distributions of the training data. Only unknown and missing values and the mix of predictions are shown.';
  return window.sampledRows < window.leastRows
    ? `At least ${count(window.leastRows)} rows are needed for a verdict.`
    : 'Each column is compared with the training data by its population stability index (PSI).';
}

/**
 * Renders a report as a page. It has no script; the browser loads it again every 30 s.
 *
 * @param place the path of its files: `/assets/<digest>`
 */
export function driftPage(report: DriftReport, place: string): string {
  const { name, version, window, verdict, columns, predictions, values = [], thresholds } = report;
  const title = escape(`${name}/${version}`);
  const fields = [
    ...(predictions ? [{ field: predictions, id: 'predictions' }] : []),
    ...values.map((field, at) => ({
      field: { ...field, name: `predicted ${field.name}` },
      id: `value-${at}`,
    })),
    ...columns.map((field, at) => ({ field, id: `column-${at}` })),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>Drift of ${title} · servemodel</title>
<link rel="icon" href="${place}/shared/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${place}/shared/theme.css">
<link rel="stylesheet" href="${place}/drift/page.css">
</head>
<body>
<main>
<h1>Drift of ${title} ${badge(verdict)}</h1>
<p>${count(window.rows)} rows in the last ${duration(window.ms)}, of all server processes${window.sampledRows < window.rows ? `; a sample worth ${count(window.sampledRows)} of them` : ''}. ${lead(report)}</p>
<p class="faint">Below ${thresholds.moderate} stable, from ${thresholds.major} on a major shift.</p>
<table>
<thead>
<tr><th scope="col" rowspan="2">column</th><th scope="col" rowspan="2">verdict</th><th scope="col" rowspan="2">PSI</th><th scope="colgroup" colspan="2">unknown</th><th scope="colgroup" colspan="2">missing</th></tr>
<tr><th scope="col">window</th><th scope="col">training</th><th scope="col">window</th><th scope="col">training</th></tr>
</thead>
<tbody>
${fields.map(({ field, id }) => line(field, id)).join('\n')}
</tbody>
</table>
${fields.map(({ field, id }) => section(field, id)).join('\n')}
</main>
</body>
</html>
`;
}
