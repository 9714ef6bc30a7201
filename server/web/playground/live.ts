import type { Timing } from './api.ts';
import { byId } from '../shared/dom.ts';
import { quietFetch } from '../shared/keyed.ts';
import { drawing } from './dom.ts';
import { milliseconds } from './numbers.ts';

/** The load of all server processes in the last second; null before the first measurement. */
interface Load {
  readonly requestsPerSecond: number | null;
  /** Seconds; null without requests. */
  readonly p50: number | null;
  readonly p99: number | null;
}

const EVERY_MS = 1000;
/** Seconds in the drawing. */
const SECONDS = 60;
const [WIDTH, HEIGHT] = [120, 24];

const RATE = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** The rates as a line, from the left to now. */
function sparkline(rates: readonly number[]): SVGElement {
  const top = Math.max(1, ...rates);
  const points = rates.map((rate, index) => {
    const x = WIDTH - (rates.length - 1 - index) * (WIDTH / (SECONDS - 1));
    return `${x.toFixed(1)},${(HEIGHT - 2 - (rate / top) * (HEIGHT - 4)).toFixed(1)}`;
  });
  return drawing(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, focusable: 'false' },
    drawing('polyline', { points: points.join(' ') }),
  );
}

async function readLoad(): Promise<Load | undefined> {
  try {
    const response = await quietFetch('/stats', {
      headers: { accept: 'application/json' },
      cache: 'no-store',
    });
    return response.ok ? ((await response.json()) as Load) : undefined;
  } catch {
    return undefined;
  }
}

/** Polls and draws the server's load while the page is visible. Returns the function that shows the page's own timing. */
export function createLive(): (timing: Timing) => void {
  const [rate, p50, p99, own, chart] = [
    byId('rate'),
    byId('p50'),
    byId('p99'),
    byId('own'),
    byId('sparkline'),
  ];
  const rates: number[] = [];
  const time = (seconds: number | null): string => (seconds === null ? '–' : milliseconds(seconds * 1000));

  const tick = async (): Promise<void> => {
    if (document.hidden) return;
    const load = await readLoad();
    rate.textContent =
      load === undefined || load.requestsPerSecond === null ? '–' : RATE.format(load.requestsPerSecond);
    p50.textContent = time(load?.p50 ?? null);
    p99.textContent = time(load?.p99 ?? null);
    if (load === undefined || load.requestsPerSecond === null) return;
    rates.push(load.requestsPerSecond);
    if (rates.length > SECONDS) rates.shift();
    chart.replaceChildren(sparkline(rates));
  };
  const loop = (): void => void tick().then(() => setTimeout(loop, EVERY_MS));
  loop();
  return ({ roundTrip }) => (own.textContent = milliseconds(roundTrip));
}
