import type { CellResult, Results } from './results.ts';
import type { Spread } from './statistics.ts';
import { spread } from './statistics.ts';
import { MEASURES } from './table.ts';
import { cellText, many, number } from './text.ts';

const WIDTH = 960;
const MARGIN = 24;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 90;
const BAR = 16;
const GAP = 4;
const GROUP_GAP = 14;
/** A bar so many times the median of its group is cut off. */
const OUTLIER = 6;
const FONT = 'font-family="system-ui, sans-serif"';
/** By subject; distinct also without colour, as every bar bears its name. */
const COLOURS: Readonly<Record<string, string>> = {
  echo: '#9aa0a6',
  server: '#1a73e8',
  direct: '#7baaf7',
  naive: '#e8a33d',
  fastapi: '#34a853',
  mlflow: '#a142f4',
};

interface Bar {
  readonly subject: string;
  readonly value: Spread;
}

interface Panel {
  readonly title: string;
  readonly groups: readonly { readonly label: string; readonly bars: readonly Bar[] }[];
}

/** Texts of others end up in a file that browsers run. */
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function panels({ cells }: Results): Panel[] {
  const panel = (
    title: string,
    chosen: readonly CellResult[],
    value: (cell: CellResult) => readonly number[],
  ): Panel => {
    const labels = new Map<string, Bar[]>();
    for (const cell of chosen) {
      const label = cellText(cell);
      const bars = labels.get(label) ?? [];
      bars.push({ subject: cell.subject, value: spread(value(cell)) });
      labels.set(label, bars);
    }
    return { title, groups: [...labels].map(([label, bars]) => ({ label, bars })) };
  };
  const single = cells.filter(({ rows }) => rows === 1);
  const large = cells.filter(({ rows }) => rows > 1);
  const [[, perSecond], [, cpu], [, p50]] = MEASURES;
  const of = (pick: (typeof MEASURES)[number][1]) => (cell: CellResult) => cell.samples.map(pick);
  return [
    panel('Single rows: requests per second (more is better)', single, of(perSecond)),
    panel('Single rows: CPU time of the process tree per request, µs (less is better)', single, of(cpu)),
    panel('Single rows: median latency, ms (less is better)', single, of(p50)),
    panel('Larger bodies: CPU time of the process tree per row, µs (less is better)', large, (cell) =>
      cell.samples.map((sample) => sample.cpuMicroseconds / cell.rows),
    ),
  ].filter(({ groups }) => groups.length > 0);
}

/** The value at the end of a group's room: its largest, but for one so large that the others would vanish. */
function scaleOf(bars: readonly Bar[]): number {
  const { median } = spread(bars.map(({ value }) => value.median));
  const usual = bars.map(({ value }) => value.max).filter((value) => value <= OUTLIER * median);
  return Math.max(...usual, median);
}

/** Draws one panel with its top at `y`; returns its elements and its height. */
function drawPanel({ title, groups }: Panel, y: number): { readonly svg: string[]; readonly height: number } {
  const room = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH;
  const svg = [`<text x="${MARGIN}" y="${y + 16}" ${FONT} font-size="15" font-weight="600">${title}</text>`];
  let at = y + 30;
  for (const { label, bars } of groups) {
    const scale = scaleOf(bars);
    const x = (value: number): number => MARGIN + LABEL_WIDTH + Math.min(1, value / scale) * room;
    svg.push(
      `<text x="${MARGIN}" y="${at + 12}" ${FONT} font-size="12" fill="#5f6368">${escape(label)}</text>`,
    );
    at += BAR + GAP;
    for (const { subject, value } of bars) {
      const middle = at + BAR / 2;
      svg.push(
        `<text x="${MARGIN + LABEL_WIDTH - 8}" y="${at + 12}" ${FONT} font-size="12" text-anchor="end">${escape(subject)}</text>`,
        `<rect x="${x(0)}" y="${at}" width="${Math.max(1, x(value.median) - x(0)).toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[subject] ?? '#5f6368'}"><title>${escape(subject)}, ${escape(label)}: ${number(value.median)} (${number(value.min)} to ${number(value.max)})</title></rect>`,
        `<path d="M${x(value.min).toFixed(1)} ${middle}H${x(value.max).toFixed(1)}" stroke="#202124" stroke-width="1.5"/>`,
        `<text x="${(x(Math.max(value.median, value.max)) + 6).toFixed(1)}" y="${at + 12}" ${FONT} font-size="12">${number(value.median)}</text>`,
        // A bar that was cut off has a gap.
        ...(value.max > scale
          ? [`<path d="M${x(scale) - 24} ${at + BAR + 2}l8 -${BAR + 4}" stroke="#ffffff" stroke-width="4"/>`]
          : []),
      );
      at += BAR + GAP;
    }
    at += GROUP_GAP;
  }
  return { svg, height: at - y };
}

/** The run as one self-contained SVG: bars are medians over the rounds, the line in each goes from min to max. */
export function drawChart(results: Results): string {
  const { machine, settings, created, version, engine } = results;
  const caption = [
    `servemodel ${version}, engine ${engine}, ${created.slice(0, 10)}`,
    `${machine.cpuModel}, ${many(machine.cpus, 'CPU')}, Node ${machine.versions['node'] ?? ''}, ONNX Runtime ${machine.versions['onnxruntime'] ?? ''}`,
    `${settings.processes} processes of ${many(settings.threadsPerProcess, 'thread')}; medians of ${many(settings.rounds, 'round')} of ${settings.secondsPerSample} s, lines from min to max; each group has its own scale`,
  ];
  const svg = caption.map(
    (text, k) =>
      `<text x="${MARGIN}" y="${MARGIN + 8 + k * 16}" ${FONT} font-size="12" fill="#5f6368">${escape(text)}</text>`,
  );
  let y = MARGIN + caption.length * 16 + 16;
  for (const panel of panels(results)) {
    const drawn = drawPanel(panel, y);
    svg.push(...drawn.svg);
    y += drawn.height + 12;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + MARGIN}" width="${WIDTH}" height="${y + MARGIN}">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...svg,
    '</svg>',
    '',
  ].join('\n');
}
