import type { Frame } from '../../cli/svg.ts';
import { axes, linear, polyline, roundTicks, svgFile, text, ticksWithin } from '../../cli/svg.ts';
import type { Sample } from './sample.ts';

const WIDTH = 880;
/** Of a panel, its title and axis included. */
const HEIGHT = 200;
const MIB = 1024 ** 2;

interface Line {
  readonly name: string;
  readonly of: (sample: Sample) => number;
}

interface Panel {
  readonly title: string;
  /** At most two. */
  readonly lines: readonly Line[];
}

const PANELS: readonly Panel[] = [
  {
    title: 'Memory of all processes, MiB',
    lines: [{ name: 'PSS', of: ({ pssBytes }) => pssBytes / MIB }],
  },
  {
    title: 'Latency of a lone row beside the load, ms',
    lines: [
      { name: 'p50', of: ({ p50Ms }) => p50Ms },
      { name: 'p99', of: ({ p99Ms }) => p99Ms },
    ],
  },
  {
    title: 'Open files and sockets of all processes',
    lines: [{ name: 'descriptors', of: ({ descriptors }) => descriptors }],
  },
  {
    title: 'Requests per second',
    lines: [{ name: 'right answers', of: ({ requestsPerSecond }) => requestsPerSecond }],
  },
];

const short = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });

function drawPanel({ title, lines }: Panel, samples: readonly Sample[], y: number): string {
  const frame: Frame = { left: 70, right: WIDTH - 20, top: y + 34, bottom: y + HEIGHT - 36 };
  const values = samples.flatMap((sample) => lines.map(({ of }) => of(sample))).filter(Number.isFinite);
  const ticks = roundTicks(Math.max(...values, 0));
  const minutes = (samples.at(-1)?.seconds ?? 60) / 60;
  const atX = linear(0, minutes, frame.left, frame.right);
  const atY = linear(0, ticks.at(-1) ?? 1, frame.bottom, frame.top);
  const drawn = lines.map(({ name, of }, index) => {
    const kind = index === 0 ? 'first' : 'second';
    const points = samples
      .filter((sample) => Number.isFinite(of(sample)))
      .map((sample) => [atX(sample.seconds / 60), atY(of(sample))] as const);
    return polyline(kind, points) + text(kind, frame.right - index * 90, y + 20, name, 'end');
  });
  return [
    text('title', frame.left, y + 20, title),
    axes(
      frame,
      ticksWithin(minutes).map((at) => ({ at: atX(at), label: short(at) })),
      ticks.map((value) => ({ at: atY(value), label: short(value) })),
      'minutes',
    ),
    ...drawn,
  ].join('\n');
}

/** The run as one self-contained SVG. */
export const drawPicture = (samples: readonly Sample[]): string =>
  svgFile(
    WIDTH,
    PANELS.length * HEIGHT + 10,
    PANELS.map((panel, index) => drawPanel(panel, samples, index * HEIGHT)).join('\n'),
  );
