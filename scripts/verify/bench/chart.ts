import { escapeMarkup, linear, px, svgFile, text } from '../../cli/svg.ts';
import type { CellResult, Results } from './results.ts';
import type { Spread } from './statistics.ts';
import { spread } from './statistics.ts';
import { MEASURES } from './parts/rounds.ts';
import { cellText, many, number } from './text.ts';

const WIDTH = 960;
const MARGIN = 24;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 90;
const BAR = 16;
const GAP = 4;
const GROUP_GAP = 14;
/** A bar this many times the median of its group is cut off. */
const OUTLIER = 6;
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

/** The value at the right edge of a group: its largest, without outliers beside which the others would vanish. */
function mostOf(bars: readonly Bar[]): number {
  const { median } = spread(bars.map(({ value }) => value.median));
  const usual = bars.map(({ value }) => value.max).filter((value) => value <= OUTLIER * median);
  return Math.max(...usual, median);
}

/** Draws one panel with its top at `y`; returns its elements and its height. */
function drawPanel({ title, groups }: Panel, y: number): { readonly svg: string[]; readonly height: number } {
  const svg = [text('title', MARGIN, y + 16, title)];
  const left = MARGIN + LABEL_WIDTH;
  let at = y + 30;
  for (const { label, bars } of groups) {
    const most = mostOf(bars);
    const scale = linear(0, most, left, WIDTH - MARGIN - VALUE_WIDTH);
    const x = (value: number): number => scale(Math.min(most, value));
    svg.push(text('tick', MARGIN, at + 12, label));
    at += BAR + GAP;
    for (const { subject, value } of bars) {
      const width = Math.max(1, x(value.median) - left);
      const shown = `${subject}, ${label}: ${number(value.median)} (${number(value.min)} to ${number(value.max)})`;
      svg.push(
        text('bar', left - 8, at + 12, subject, 'end'),
        `<rect x="${px(left)}" y="${px(at)}" width="${px(width)}" height="${BAR}" rx="2" fill="${COLOURS[subject] ?? '#5f6368'}"><title>${escapeMarkup(shown)}</title></rect>`,
        `<path d="M${px(x(value.min))} ${px(at + BAR / 2)}H${px(x(value.max))}" stroke="#202124" stroke-width="1.5"/>`,
        text('bar', x(Math.max(value.median, value.max)) + 6, at + 12, number(value.median)),
        // A bar that was cut off has a gap.
        ...(value.max > most
          ? [
              `<path d="M${px(x(most) - 24)} ${px(at + BAR + 2)}l8 -${BAR + 4}" stroke="#ffffff" stroke-width="4"/>`,
            ]
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
  const svg = caption.map((sentence, k) => text('tick', MARGIN, MARGIN + 8 + k * 16, sentence));
  let y = MARGIN + caption.length * 16 + 16;
  for (const panel of panels(results)) {
    const drawn = drawPanel(panel, y);
    svg.push(...drawn.svg);
    y += drawn.height + 12;
  }
  return svgFile(WIDTH, y + MARGIN, svg.join('\n'));
}
