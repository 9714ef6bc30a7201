import type { Server } from './startServer.ts';
import { eventually } from './withDeadline.ts';

/** The text of the server's metrics port. */
export async function scrape(server: Server): Promise<Metrics> {
  const response = await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`);
  if (response.status !== 200) throw new Error(`the scrape was answered ${response.status}`);
  return new Metrics(await response.text());
}

/** A scrape that every process answered in time; on a busy machine it may take several. */
export async function scrapeAll(server: Server): Promise<Metrics> {
  const STALE = 'metrics_stale_processes_total';
  let stale = (await scrape(server)).sum(STALE);
  const look = async (): Promise<Metrics | undefined> => {
    const metrics = await scrape(server);
    const before = stale;
    stale = metrics.sum(STALE);
    return stale === before ? metrics : undefined;
  };
  return eventually('a scrape that every process answers', look, 30_000);
}

/** A parsed exposition. */
export class Metrics {
  readonly text: string;
  /** Values by name and labels, as they stand in the text. */
  readonly samples: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.text = text;
    this.samples = new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const space = line.lastIndexOf(' ');
          return [line.slice(0, space), Number(line.slice(space + 1))] as const;
        }),
    );
  }

  /** The sum of the samples of this name whose labels hold all of the given texts, such as `status="200"`. */
  sum(name: string, ...labels: readonly string[]): number {
    let sum = 0;
    for (const [key, value] of this.samples) {
      if ((key === name || key.startsWith(`${name}{`)) && labels.every((label) => key.includes(label)))
        sum += value;
    }
    return sum;
  }

  /** The counts that may only grow: counters, and the sums, counts and buckets of histograms. */
  counts(): ReadonlyMap<string, number> {
    const families = new Set(
      [...this.text.matchAll(/^# TYPE (\S+) (?:counter|histogram)$/gm)].map(([, name]) => name),
    );
    return new Map(
      [...this.samples].filter(([key]) => {
        const name = key.replace(/\{.*$/, '');
        return families.has(name) || families.has(name.replace(/_(?:bucket|sum|count)$/, ''));
      }),
    );
  }
}

/** Counts of `before` that are smaller, or gone, in `after`. */
export function wentBackwards(before: Metrics, after: Metrics): string[] {
  const now = after.counts();
  return [...before.counts()]
    .filter(([key, value]) => (now.get(key) ?? -1) < value)
    .map(([key, value]) => `${key}: ${value} became ${now.get(key) ?? 'nothing'}`);
}
