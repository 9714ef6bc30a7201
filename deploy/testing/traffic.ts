import { readFileSync } from 'node:fs';
import { adultBody, adultRow } from '../../server/testing/adult.ts';
import { bodyOf, readAdultRows } from '../../server/testing/adultRows.ts';
import type { Server } from '../../server/testing/startServer.ts';

/** Settings with which the traffic produces every metric: a shadow, and a short queue. */
export const TRAFFIC_ENV = { SHADOW: 'adult/2', MAX_QUEUED_ROWS: '1' } as const;

/** A value that PredictionReachedThreshold reports. */
const HIGH_VALUE = 46;

interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly unknown[][];
  readonly predictions: readonly number[];
}

const goldenOf = (model: string): Golden =>
  JSON.parse(readFileSync(new URL(`../../models/${model}/1/golden.json`, import.meta.url), 'utf8')) as Golden;

export interface Traffic {
  /** Lets the last round finish. @returns the statuses of the answers */
  stop(): Promise<ReadonlySet<number>>;
  /** Ends at once. */
  abort(): void;
}

/**
 * Sends requests, round after round: a classification with a shadow, two regressions, unknown categories, refused
 * cells, explanations, one of them refused, and more rows at once than the queue takes.
 */
export function startTraffic({ port }: Server): Traffic {
  const statuses = new Set<number>();
  const ended = new AbortController();
  let stopped = false;
  const post = async (path: string, body: string): Promise<void> => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: ended.signal,
      });
      await response.arrayBuffer();
      statuses.add(response.status);
    } catch {
      // A failed request must not end the traffic: the metrics would stop silently.
    }
  };
  const rows = readAdultRows();
  const adult = (first: number, count: number): string => bodyOf(rows.slice(first, first + count));
  const housing = goldenOf('housing');
  const high = housing.data[housing.predictions.findIndex((value) => value > HIGH_VALUE)];
  if (!high) throw new Error('no golden row of housing is that high');
  const cost = goldenOf('cost');
  const round = async (number: number): Promise<void> => {
    const first = (number * 20) % (rows.length - 1000);
    await post('/predict', adult(first, 20));
    await post('/predict', JSON.stringify(adultBody(adultRow({ workclass: ' Astronaut' }))));
    await post('/predict', JSON.stringify(adultBody(adultRow({ age: 'old' }))));
    await post('/models/housing/predict', JSON.stringify({ columns: housing.columns, data: [high] }));
    await post(
      '/models/cost/predict',
      JSON.stringify({ columns: cost.columns, data: cost.data.slice(0, 3) }),
    );
    await post('/explain', adult(first, 1));
    await post('/models/text/explain', '{}');
    await Promise.all(Array.from({ length: 10 }, () => post('/predict', adult(first, 500))));
  };
  const rounds = (async () => {
    for (let number = 0; !stopped; number++) await round(number);
  })();
  return {
    stop: async () => {
      stopped = true;
      await rounds;
      return statuses;
    },
    abort: () => {
      stopped = true;
      ended.abort();
    },
  };
}
