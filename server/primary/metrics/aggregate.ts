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

/** The counts of the whole server: of all present and former processes. */
export interface Aggregator {
  /**
   * Sets the newest counts of a process, by its number in node:cluster (pids can repeat). Families that are left out stay
   * as they were.
   */
  update(id: number, snapshot: Snapshot): void;
  /** The process has exited: its gauges leave the sum; its counters stay, so that no total decreases. */
  retire(id: number): void;
  /** The sums over all processes of the families whose names begin with the prefix. */
  sums(prefix: string): readonly MetricObject[];
  /** The exposition text of all processes and of the primary's own families. */
  expose(own: Snapshot): string;
}

/** The primary's number: numbers of processes begin at 1. */
const OWN = 0;

type SeriesValues = ReadonlyMap<string, Values>;

/** Merges the values of a gauge from several processes. */
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

/** JSON has no NaN: an unknown value arrives as null. */
const isKnown = ([value]: Values): boolean => Number.isFinite(value);

/**
 * Adds what each process gained since its last counts, so a total only grows, in any order of starts and exits. (A sum
 * that is computed each time can shrink in its last digit when its order changes, which Prometheus takes for a reset.)
 */
export function createAggregator(): Aggregator {
  const heads = new Map<string, FamilyHead>();
  /** Counters and histograms, since the server's start. */
  const totals = new Map<string, Map<string, number[]>>();
  /** The last counts of each living process, by family. */
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
    // Counts that arrive after the exit would bring the process back.
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
