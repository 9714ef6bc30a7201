import type { Frame, MakeScale, Scale } from '../../cli/svg.ts';
import {
  axes,
  escapeMarkup,
  linear,
  logarithmic,
  polyline,
  px,
  roundTicks,
  text,
  ticksWithin,
} from '../../cli/svg.ts';
import { formatCount, formatMs, formatSeconds } from './format.ts';
import type { Bucket } from './histogram.ts';
import type { CurvePoint } from './report.ts';
import type { Slot } from './timeline.ts';

/** Drawn small and scaled up, so that the labels stay readable on a phone. */
const WIDTH = 400;
const HEIGHT = 220;
const FRAME: Frame = { left: 52, right: WIDTH - 22, top: 20, bottom: HEIGHT - 32 };

const toX = (scale: MakeScale, from: number, to: number): Scale => scale(from, to, FRAME.left, FRAME.right);
const toY = (scale: MakeScale, from: number, to: number): Scale => scale(from, to, FRAME.bottom, FRAME.top);

/** Round latencies, 1-2-5 to a decade while they fit, around everything from `least` to `most`. */
function latencyTicks(least: number, most: number): number[] {
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power += 1) {
      ticks.push(...factors.map((factor) => factor * 10 ** power));
    }
    const below = ticks.filter((tick) => tick <= least).at(-1) ?? least;
    const above = ticks.find((tick) => tick >= most && tick > below) ?? most * 2;
    const chosen = ticks.filter((tick) => tick >= below && tick <= above);
    if (chosen.length <= 7 || factors.length === 1) return chosen;
  }
  return [least, most];
}

const tickMs = (ms: number): string =>
  ms >= 1000 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Number(ms.toPrecision(2))} ms`;

const svg = (label: string, content: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(label)}">${content}</svg>`;

/** How many requests took how long. The latency axis is logarithmic. */
export function histogramChart(buckets: readonly Bucket[], marks: Readonly<Record<string, number>>): string {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (first === undefined || last === undefined) return '';
  const xTicks = latencyTicks(first.fromMs, last.toMs);
  const yTicks = roundTicks(Math.max(...buckets.map(({ count }) => count)));
  const x = toX(logarithmic, xTicks[0] ?? first.fromMs, xTicks.at(-1) ?? last.toMs);
  const y = toY(linear, 0, yTicks.at(-1) ?? 1);
  const bars = buckets.map(({ fromMs, toMs, count }) => {
    const title = `${formatMs(fromMs)} to ${formatMs(toMs)}: ${formatCount(count)}`;
    // At least one unit high: a single slow request among a million must be seen.
    const height = Math.max(1, FRAME.bottom - y(count));
    const width = Math.max(1, x(toMs) - x(fromMs) - 0.8);
    return `<rect class="bar" x="${px(x(fromMs))}" y="${px(FRAME.bottom - height)}" width="${px(width)}" height="${px(height)}"><title>${escapeMarkup(title)}</title></rect>`;
  });
  let lastLabel = -Infinity;
  const lines = Object.entries(marks).map(([name, ms]) => {
    // Marks that lie close together keep their line and share a label.
    const fits = x(ms) - lastLabel > 28;
    if (fits) lastLabel = x(ms);
    const label = fits ? text('tick', x(ms), FRAME.top - 8, name, 'middle') : '';
    return `<line class="mark" x1="${px(x(ms))}" x2="${px(x(ms))}" y1="${FRAME.top - 4}" y2="${FRAME.bottom}"/>${label}`;
  });
  const frame = axes(
    FRAME,
    xTicks.map((ms) => ({ at: x(ms), label: tickMs(ms) })),
    yTicks.map((count) => ({ at: y(count), label: formatCount(count) })),
    'latency',
  );
  const spread = Object.entries(marks).map(([name, ms]) => `${name} ${formatMs(ms)}`);
  return svg(`Histogram of latencies: ${spread.join(', ')}`, frame + bars.join('') + lines.join(''));
}

const NINES: readonly (readonly [number, string])[] = [
  [0, '0 %'],
  [1, '90 %'],
  [2, '99 %'],
  [3, '99.9 %'],
  [4, '99.99 %'],
  [5, '99.999 %'],
  [6, '99.9999 %'],
];

const nines = (percent: number): number => -Math.log10(Math.max(1e-9, 1 - percent / 100));

/** Latency by percentile, each decade of nines as wide as the one before. */
export function percentileChart(latency: readonly CurvePoint[], service: readonly CurvePoint[]): string {
  const all = [...latency, ...service];
  if (latency.length === 0) return '';
  const yTicks = latencyTicks(Math.min(...all.map(({ ms }) => ms)), Math.max(...all.map(({ ms }) => ms)));
  const most = nines(latency.at(-1)?.percent ?? 0);
  const x = toX(linear, 0, Math.max(1, most));
  const y = toY(logarithmic, yTicks[0] ?? 1, yTicks.at(-1) ?? 10);
  const line = (kind: string, points: readonly CurvePoint[]): string =>
    polyline(
      kind,
      points.map(({ percent, ms }) => [x(Math.min(most, nines(percent))), y(ms)] as const),
    );
  const frame = axes(
    FRAME,
    NINES.filter(([at]) => at <= most).map(([at, label]) => ({ at: x(at), label })),
    yTicks.map((ms) => ({ at: y(ms), label: tickMs(ms) })),
    'percentile',
  );
  return svg(
    'Latency by percentile, from the median to the slowest request',
    frame + line('second', service) + line('first', latency),
  );
}

const middle = ({ fromSeconds, toSeconds }: Slot): number => (fromSeconds + toSeconds) / 2;

/** Answers a second, step by step; failures stand on top of the successes. */
export function throughputChart(slots: readonly Slot[]): string {
  const rates = slots.map((slot) => {
    const seconds = Math.max(slot.toSeconds - slot.fromSeconds, 1e-3);
    return { slot, ok: slot.ok / seconds, failed: slot.failed / seconds };
  });
  const end = slots.at(-1)?.toSeconds ?? 1;
  const yTicks = roundTicks(Math.max(...rates.map(({ ok, failed }) => ok + failed), 1));
  const x = toX(linear, 0, end);
  const y = toY(linear, 0, yTicks.at(-1) ?? 1);
  const bars = rates.map(({ slot, ok, failed }) => {
    const width = Math.max(0.8, x(slot.toSeconds) - x(slot.fromSeconds) - 0.8);
    const bar = (kind: string, from: number, to: number): string =>
      to === from
        ? ''
        : `<rect class="${kind}" x="${px(x(slot.fromSeconds))}" y="${px(y(to))}" width="${px(width)}" height="${px(y(from) - y(to))}"/>`;
    const title = `${formatSeconds(slot.fromSeconds)}: ${formatCount(ok)}/s succeeded, ${formatCount(failed)}/s failed`;
    return `<g><title>${escapeMarkup(title)}</title>${bar('bar', 0, ok)}${bar('bad', ok, ok + failed)}</g>`;
  });
  const frame = axes(
    FRAME,
    ticksWithin(end).map((seconds) => ({ at: x(seconds), label: `${Number(seconds.toFixed(2))} s` })),
    yTicks.map((rate) => ({ at: y(rate), label: formatCount(rate) })),
    'time',
  );
  return svg('Requests per second over time', frame + bars.join(''));
}

/** Median and 99th percentile, step by step. */
export function latencyOverTimeChart(slots: readonly Slot[]): string {
  const measured = slots.filter(({ p50 }) => p50 > 0);
  if (measured.length === 0) return '';
  const end = slots.at(-1)?.toSeconds ?? 1;
  const yTicks = latencyTicks(
    Math.min(...measured.map(({ p50 }) => p50)),
    Math.max(...measured.map(({ p99 }) => p99)),
  );
  const x = toX(linear, 0, end);
  const y = toY(logarithmic, yTicks[0] ?? 1, yTicks.at(-1) ?? 10);
  const line = (kind: string, value: (slot: Slot) => number): string =>
    polyline(
      kind,
      measured.map((slot) => [x(middle(slot)), y(value(slot))] as const),
    );
  const frame = axes(
    FRAME,
    ticksWithin(end).map((seconds) => ({ at: x(seconds), label: `${Number(seconds.toFixed(2))} s` })),
    yTicks.map((ms) => ({ at: y(ms), label: tickMs(ms) })),
    'time',
  );
  return svg(
    'Median and 99th percentile of the latency over time',
    frame + line('second', ({ p99 }) => p99) + line('first', ({ p50 }) => p50),
  );
}
