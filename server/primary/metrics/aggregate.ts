import { createExposition } from './exposition.ts';
import type {
  FamilyHead,
  FamilySnapshot,
  Merge,
  MetricObject,
  Snapshot,
  Values,
} from '../../metrics/snapshot.ts';
import { toMetricObject } from '../../metrics/snapshot.ts';

/** The counts of the whole server: of all processes that there were. */
export interface Aggregator {
  /**
   * The newest counts of a process, by a number that none had before it (a pid can come back). Families that it leaves
   * out stay as they were.
   */
  update(id: number, snapshot: Snapshot): void;
  /** The process is gone: its gauges leave the sum. Its counters stay, so that none goes backwards. */
  retire(id: number): void;
  /** The sums over all processes of the families whose names begin so. */
  sums(prefix: string): readonly MetricObject[];
  /** The exposition text of all processes and of `own`, which are the primary's. */
  expose(own: Snapshot): string;
}

/** The primary's number: those of processes begin at 1. */
const OWN = 0;

type SeriesValues = ReadonlyMap<string, Values>;

/** Of several processes' values of a gauge, each with what it says beside it. */
const MERGES: Readonly<Record<Merge, (all: readonly Values[]) => number>> = {
  sum: (all) => all.reduce((sum, [value = 0]) => sum + value, 0),
  average: (all) => MERGES.sum(all) / all.length,
  min: (all) => Math.min(...all.map(([value = Infinity]) => value)),
  max: (all) => Math.max(...all.map(([value = -Infinity]) => value)),
  first: ([first]) => first?.[0] ?? NaN,
  newest: (all) =>
    all.reduce((newest, next) => ((next[1] ?? 0) > (newest[1] ?? 0) ? next : newest))[0] ?? NaN,
  omit: () => NaN,
};

/** JSON has no NaN: what isn't known arrives as null. */
const isKnown = ([value]: Values): boolean => Number.isFinite(value);

/**
 * Adds up what the processes count, by what each gained since it last told: so a total only grows, in whatever order
 * processes come and go. (A sum that is made anew each time can shrink in its last digit when its order changes, which
 * looks like a reset to Prometheus.)
 */
export function createAggregator(): Aggregator {
  const heads = new Map<string, FamilyHead>();
  /** Counters and histograms, since the server's start. */
  const totals = new Map<string, Map<string, number[]>>();
  /** What each living process last told, by family. */
  const last = new Map<number, Map<string, SeriesValues>>();
  const gone = new Set<number>();
  const expose = createExposition();

  const grow = (name: string, before: SeriesValues | undefined, { series }: FamilySnapshot): void => {
    let family = totals.get(name);
    if (!family) totals.set(name, (family = new Map<string, number[]>()));
    for (const [key, values] of series) {
      let total = family.get(key);
      if (!total) family.set(key, (total = values.map(() => 0)));
      const previous = before?.get(key);
      for (let at = 0; at < total.length; at++) {
        const value = values[at] as number;
        if (Number.isFinite(value)) (total[at] as number) += value - (previous?.[at] ?? 0);
      }
    }
  };
  const update: Aggregator['update'] = (id, snapshot) => {
    // What was under way when the process ended would bring it back.
    if (gone.has(id)) return;
    let known = last.get(id);
    if (!known) last.set(id, (known = new Map<string, SeriesValues>()));
    for (const family of snapshot) {
      const { series, ...head } = family;
      if (!heads.has(head.name)) heads.set(head.name, head);
      if (head.type !== 'gauge') grow(head.name, known.get(head.name), family);
      known.set(head.name, new Map(series));
    }
  };
  const mergeGauge = ({ name, merge }: FamilyHead): FamilySnapshot['series'] => {
    const all = new Map<string, Values[]>();
    for (const families of last.values()) {
      for (const [key, values] of families.get(name) ?? []) {
        if (!isKnown(values)) continue;
        const known = all.get(key);
        if (known) known.push(values);
        else all.set(key, [values]);
      }
    }
    return merge === 'omit' ? [] : [...all].map(([key, values]) => [key, [MERGES[merge](values)]]);
  };
  const merged = (prefix = ''): FamilySnapshot[] =>
    [...heads.values()]
      .filter(({ name }) => name.startsWith(prefix))
      .map((head) => ({
        ...head,
        series: head.type === 'gauge' ? mergeGauge(head) : [...(totals.get(head.name) ?? [])],
      }));

  return {
    update,
    retire: (id) => {
      gone.add(id);
      last.delete(id);
    },
    sums: (prefix) => merged(prefix).map(toMetricObject),
    expose: (own) => {
      update(OWN, own);
      return expose(merged());
    },
  };
}
