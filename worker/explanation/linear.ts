import type { Link, Space } from './space.ts';

/** A linear model: each column's contribution is the sum of w * (x - mean) over the features made of it. */
export interface LinearExplanation extends Omit<Space, 'scale'> {
  readonly kind: 'linear';
  readonly link: Link;
  readonly features: number;
  readonly columns: number;
  /** [outputs, features]. */
  readonly weights: Float64Array;
  /** Of each feature over the background rows. */
  readonly means: Float64Array;
  /** The column that each feature is made of. */
  readonly columnOf: Uint32Array;
  /** The scores of the means: the mean score of the background rows. */
  readonly base: readonly number[];
}

/**
 * @param cells [rows, features]
 * @returns [rows, outputs, columns]
 */
export function explainLinear(
  { features, columns, outputs, weights, means, columnOf }: LinearExplanation,
  cells: Float32Array,
  rows: number,
): Float64Array {
  const contributions = new Float64Array(rows * outputs * columns);
  for (let row = 0; row < rows; row++)
    for (let f = 0; f < features; f++) {
      const off = (cells[row * features + f] as number) - (means[f] as number);
      const column = columnOf[f] as number;
      for (let k = 0; k < outputs; k++)
        (contributions[(row * outputs + k) * columns + column] as number) +=
          (weights[k * features + f] as number) * off;
    }
  return contributions;
}
