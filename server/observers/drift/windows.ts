import type { DriftFromProcess } from './messages.ts';
import type { Profile } from './profile.ts';
import { HEAD } from './profile.ts';
import type { DriftReport } from './report.ts';
import { reportDrift } from './report.ts';

/** Steps in which a window slides. */
const SLOTS = 10;

/** The messages that carry counts. */
type Counted = Exclude<DriftFromProcess, { type: 'drift' }>;

/** The counts of recent rows of each model, over all processes. */
export interface DriftWindows {
  receive(id: number, message: Counted): void;
  /** A process has ended. Its counts stay until the window has passed them. */
  retire(id: number): void;
  /** Of every open version that has answered, by name and version. */
  reports(): DriftReport[];
  report(key: string): DriftReport | undefined;
  /** Moves the windows on by one of SLOTS steps. */
  slide(): void;
  close(): void;
}

/** Counts of one model version since the server's start. */
interface History {
  readonly profile: Profile;
  /** Of processes that have ended, or have closed the version; empty until there are counts. */
  gone: Float64Array;
  /** By process. */
  readonly live: Map<number, Float64Array>;
  /** The sums at the last SLOTS steps, the oldest first; none until there are counts. */
  readonly past: Float64Array[];
}

const addTo = (sum: Float64Array, counts: Float64Array): void =>
  counts.forEach((count, at) => ((sum[at] as number) += count));

const isCounted = ({ past }: History): boolean => past.length > 0;

const totalOf = ({ profile, gone, live }: History): Float64Array => {
  const total = new Float64Array(profile.width);
  addTo(total, gone);
  for (const counts of live.values()) addTo(total, counts);
  return total;
};

/** A process counts no more, or from zero again: its counts so far stay. */
function settle(history: History, id: number): void {
  const { profile, live } = history;
  const last = live.get(id);
  if (!last) return;
  if (history.gone.length === 0) history.gone = new Float64Array(profile.width);
  addTo(history.gone, last);
  live.delete(id);
}

/** Counts since the oldest step that is kept. */
function windowOf(history: History): Float64Array {
  const total = totalOf(history);
  const [oldest] = history.past;
  return oldest ? total.map((count, at) => count - (oldest[at] as number)) : total;
}

export function createDriftWindows(windowMs: number): DriftWindows {
  const histories = new Map<string, History>();
  /** The open versions of each process, by key. */
  const open = new Map<number, readonly string[]>();
  const retired = new Set<number>();

  const isOpen = (key: string): boolean => [...open.values()].some((keys) => keys.includes(key));
  const know = (profile: Profile): void => {
    if (histories.has(profile.key)) return;
    histories.set(profile.key, { profile, gone: new Float64Array(0), live: new Map(), past: [] });
  };
  const report = (history: History): DriftReport => reportDrift(history.profile, windowOf(history), windowMs);

  const slide = (): void => {
    for (const [key, history] of histories) {
      if (isCounted(history)) history.past.push(totalOf(history));
      if (history.past.length > SLOTS) history.past.shift();
      if (!isOpen(key) && windowOf(history)[HEAD.rows] === 0) histories.delete(key);
    }
  };
  const timer = setInterval(slide, windowMs / SLOTS).unref();

  return {
    receive: (id, message) => {
      // `retire` has settled its counts: a message that was still under way would count twice.
      if (retired.has(id)) return;
      if (message.type === 'observing') {
        message.profiles.forEach(know);
        const keys = message.profiles.map(({ key }) => key);
        open.set(id, keys);
        // A version that is opened again counts from zero.
        for (const [key, history] of histories) if (!keys.includes(key)) settle(history, id);
      } else if (message.type === 'observed') {
        for (const [key, counts] of message.counts) {
          const history = histories.get(key);
          if (history && !isCounted(history)) history.past.push(new Float64Array(history.profile.width));
          history?.live.set(id, Float64Array.from(counts));
        }
      }
    },
    retire: (id) => {
      retired.add(id);
      open.delete(id);
      for (const history of histories.values()) settle(history, id);
    },
    reports: () =>
      [...histories]
        .filter(([key, history]) => isCounted(history) && isOpen(key))
        .map(([, history]) => report(history))
        .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version)),
    report: (key) => {
      const history = histories.get(key);
      return history && report(history);
    },
    slide,
    close: () => clearInterval(timer),
  };
}
