import type { MetricObject } from './aggregate.ts';

interface Timed {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly time: number;
}

const isTimed = (value: unknown): value is Timed =>
  typeof value === 'object' && value !== null && 'time' in value && typeof value.time === 'number';

const keyOf = (name: string, { labels }: Timed): string =>
  JSON.stringify([name, Object.entries(labels).sort()]);

/**
 * Of the series that say what was last (`createLatest`), leaves the newest among all processes: their sum, which a gauge
 * is otherwise, would mean nothing.
 */
export function keepNewest(snapshots: readonly (readonly MetricObject[])[]): (readonly MetricObject[])[] {
  const newest = new Map<string, Timed>();
  for (const { name, values } of snapshots.flat()) {
    for (const value of values) {
      if (!isTimed(value)) continue;
      const key = keyOf(name, value);
      if (value.time > (newest.get(key)?.time ?? 0)) newest.set(key, value);
    }
  }
  if (newest.size === 0) return [...snapshots];
  return snapshots.map((snapshot) =>
    snapshot.map((metric) =>
      metric.values.some(isTimed)
        ? {
            ...metric,
            values: metric.values.filter(
              (value) => !isTimed(value) || newest.get(keyOf(metric.name, value)) === value,
            ),
          }
        : metric,
    ),
  );
}
