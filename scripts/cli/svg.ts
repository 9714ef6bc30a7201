/** A text within HTML or SVG: file names and URLs end up in a file that browsers run. */
export const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A coordinate with one decimal. */
export const px = (value: number): string => value.toFixed(1);

/** The coordinate of a value. */
export type Scale = (value: number) => number;

/** Makes a scale from a range of values and the coordinates of its ends. */
export type MakeScale = (from: number, to: number, start: number, end: number) => Scale;

export const linear: MakeScale = (from, to, start, end) => (value) =>
  start + ((value - from) / (to - from || 1)) * (end - start);

export const logarithmic: MakeScale = (from, to, start, end) => {
  const scale = linear(Math.log(from), Math.log(to), start, end);
  return (value) => scale(Math.log(Math.max(from, value)));
};

/** 0 and some round numbers up to at least `most`. */
export function roundTicks(most: number): number[] {
  const rough = Math.max(most, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: Math.max(1, count) + 1 }, (_, index) => index * step);
}

/** The round numbers from 0 to `most`. */
export const ticksWithin = (most: number): number[] =>
  roundTicks(most).filter((tick) => tick <= most * 1.001);

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** The edges of a plot, as coordinates. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type Anchor = 'start' | 'middle' | 'end';

/** @param kind a class of the style sheet */
export const text = (kind: string, x: number, y: number, content: string, anchor: Anchor = 'start'): string =>
  `<text class="${kind}" x="${px(x)}" y="${px(y)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escapeMarkup(content)}</text>`;

const line = (
  kind: string,
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
): string => `<line class="${kind}" x1="${px(x1)}" x2="${px(x2)}" y1="${px(y1)}" y2="${px(y2)}"/>`;

export const polyline = (kind: string, points: readonly (readonly [number, number])[]): string =>
  `<polyline class="${kind}" points="${points.map(([x, y]) => `${px(x)},${px(y)}`).join(' ')}"/>`;

/** A grid line for each tick of y, a mark for each tick of x, and the title of x below the right end. */
export function axes(
  { left, right, bottom }: Frame,
  x: readonly Tick[],
  y: readonly Tick[],
  xTitle: string,
): string {
  return [
    ...y.map(
      ({ at, label }) =>
        line('grid', [left, at], [right, at]) + text('tick', left - 6, at + 3.5, label, 'end'),
    ),
    ...x.map(
      ({ at, label }) =>
        line('axis', [at, bottom], [at, bottom + 3]) + text('tick', at, bottom + 14, label, 'middle'),
    ),
    line('axis', [left, bottom], [right, bottom]),
    text('tick', right, bottom + 28, xTitle, 'end'),
  ].join('');
}

const STYLE =
  'text{font:12px system-ui,sans-serif;fill:#202124}.title{font-size:15px;font-weight:600}.tick{fill:#5f6368}' +
  '.grid{stroke:#dadce0}.axis{stroke:#5f6368}polyline{fill:none;stroke-width:1.5}' +
  '.first{stroke:#1a73e8}.second{stroke:#e8710a}text.first{fill:#1a73e8;stroke:none}text.second{fill:#e8710a;stroke:none}';

/** A file of its own that loads nothing. */
export const svgFile = (width: number, height: number, content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>${STYLE}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${content}
</svg>
`;
