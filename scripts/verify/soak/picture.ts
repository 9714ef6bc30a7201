import type { Sample } from './sample.ts';

const WIDTH = 880;
const HEIGHT = 130;
const LEFT = 70;
const TOP = 34;
const FONT = 'font-family="system-ui, sans-serif"';
const MIB = 1024 ** 2;

interface Line {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly {
    readonly name: string;
    readonly colour: string;
    readonly of: (sample: Sample) => number;
  }[];
}

const PANELS: readonly Line[] = [
  {
    title: 'Memory of all processes',
    unit: 'MiB',
    lines: [{ name: 'PSS', colour: '#1a73e8', of: ({ pssBytes }) => pssBytes / MIB }],
  },
  {
    title: 'Latency of a lone row beside the load',
    unit: 'ms',
    lines: [
      { name: 'p50', colour: '#1a73e8', of: ({ p50Ms }) => p50Ms },
      { name: 'p99', colour: '#e8710a', of: ({ p99Ms }) => p99Ms },
    ],
  },
  {
    title: 'Open files and sockets of all processes',
    unit: '',
    lines: [{ name: 'descriptors', colour: '#1a73e8', of: ({ descriptors }) => descriptors }],
  },
  {
    title: 'Requests per second',
    unit: '',
    lines: [{ name: 'right answers', colour: '#188038', of: ({ requestsPerSecond }) => requestsPerSecond }],
  },
];

const short = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });

function drawPanel({ title, unit, lines }: Line, samples: readonly Sample[], y: number): string {
  const values = samples.flatMap((sample) => lines.map(({ of }) => of(sample))).filter(Number.isFinite);
  const most = Math.max(...values, 1e-9) * 1.1;
  const last = samples.at(-1)?.seconds ?? 1;
  const bottom = y + TOP + HEIGHT;
  const atX = (seconds: number): number => LEFT + (seconds / last) * (WIDTH - LEFT - 20);
  const atY = (value: number): number => bottom - (value / most) * HEIGHT;
  const grid = [0, 0.5, 1].map((part) => {
    const value = part * (most / 1.1);
    const at = atY(value).toFixed(1);
    return `<path d="M${LEFT} ${at}H${WIDTH - 20}" stroke="#dadce0"/><text x="${LEFT - 8}" y="${at}" dy="4" ${FONT} font-size="11" text-anchor="end" fill="#5f6368">${short(value)}</text>`;
  });
  const drawn = lines.map(({ name, colour, of }, index) => {
    const points = samples
      .filter((sample) => Number.isFinite(of(sample)))
      .map((sample) => `${atX(sample.seconds).toFixed(1)},${atY(of(sample)).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/><text x="${WIDTH - 20 - index * 90}" y="${y + 20}" ${FONT} font-size="12" text-anchor="end" fill="${colour}">${name}</text>`;
  });
  const minutes = `${short(last / 60)} min`;
  return [
    `<text x="${LEFT}" y="${y + 20}" ${FONT} font-size="14" font-weight="600">${title}${unit === '' ? '' : `, ${unit}`}</text>`,
    ...grid,
    ...drawn,
    `<text x="${WIDTH - 20}" y="${bottom + 16}" ${FONT} font-size="11" text-anchor="end" fill="#5f6368">${minutes}</text>`,
  ].join('\n');
}

/** The run as one self-contained SVG. */
export function drawPicture(samples: readonly Sample[]): string {
  const each = TOP + HEIGHT + 26;
  const height = PANELS.length * each + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">
<rect width="100%" height="100%" fill="#ffffff"/>
${PANELS.map((panel, index) => drawPanel(panel, samples, index * each)).join('\n')}
</svg>
`;
}
