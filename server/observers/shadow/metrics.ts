import type { Registry } from 'prom-client';
import { createCounter, createHistogram } from '../../metrics/families.ts';
import type { Model } from '../../model/model.ts';
import type { RowDifference } from './compare.ts';

/** Upper bounds of score differences: from a last digit to another unit. */
const DIFFERENCE_BUCKETS = [1e-6, 1e-4, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10, 100, 1000];

/** Records the answers of shadows. */
export interface ShadowRecorder {
  compared(model: Model, shadow: Model, difference: RowDifference): void;
  /** Rows that were not scored, for want of room or time. */
  dropped(model: Model, shadow: Model, rows: number): void;
  /** Rows that the shadow refused, or failed on. */
  failed(model: Model, shadow: Model, rows: number): void;
}

/** The prefix of all their names. */
export const SHADOW_PREFIX = 'shadow_';

export function createShadowRecorder(registry: Registry): ShadowRecorder {
  const counter = (name: string, help: string) =>
    createCounter(registry, { name: `${SHADOW_PREFIX}${name}`, help });
  const rows = counter('rows_total', 'Rows that a shadow scored, too.');
  const flips = counter('flips_total', 'Rows that a shadow would have given another label.');
  const dropped = counter('dropped_rows_total', 'Rows that a shadow had no room or no time for.');
  const failed = counter('failed_rows_total', 'Rows that a shadow does not take, or failed on.');
  const difference = createHistogram(
    registry,
    {
      name: `${SHADOW_PREFIX}score_difference`,
      help: "Largest difference of a class's probability, or of the value.",
    },
    DIFFERENCE_BUCKETS,
  );
  const labels = (model: Model, shadow: Model) => ({
    model: model.name,
    version: model.version,
    shadow: shadow.version,
  });
  return {
    compared: (model, shadow, { flipped, score }) => {
      const of = labels(model, shadow);
      rows(of).add(1);
      flips(of).add(flipped ? 1 : 0);
      if (!Number.isNaN(score)) difference(of).observe(score);
    },
    dropped: (model, shadow, count) => dropped(labels(model, shadow)).add(count),
    failed: (model, shadow, count) => failed(labels(model, shadow)).add(count),
  };
}
