/** Of a request with more rows, at least this many and less than twice as many are sampled, evenly spread. */
export const MANY_ROWS = 256;
/** Rows of a model that a process samples per second, about. */
const ROWS_PER_SECOND = 1000;
/** The same bounds in cells, for wide rows. */
const MANY_CELLS = 4096;
const CELLS_PER_SECOND = 20_000;

export interface SamplerOptions {
  /** Cells per row. */
  readonly columns: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/**
 * Chooses the rows that are counted, to bound their cost: every row up to some rate, above it each with a probability of
 * 1 / `stride`, and a weight of `stride`. The choice depends on chance and on the number of rows, never on their content.
 */
export interface Sampler {
  /** The first sampled row of a request with this many rows; beyond its rows if there is none. */
  first(rows: number): number;
  /** The next sampled row. */
  next(): number;
  /** How many rows the present one represents. */
  readonly weight: number;
  /** Adapts the stride to the rows since the last call. */
  tick(seconds: number): void;
}

export function createSampler({ columns, random = Math.random }: SamplerOptions): Sampler {
  const manyRows = Math.max(1, Math.min(MANY_ROWS, Math.floor(MANY_CELLS / columns)));
  const rowsPerSecond = Math.min(ROWS_PER_SECOND, CELLS_PER_SECOND / columns);
  let stride = 1;
  let seen = 0;
  let looked = 0;
  let allowance = rowsPerSecond;
  /** Rows of small requests to skip before the next sampled one. */
  let skip = 0;
  // State of the current request.
  let [rows, at, weight, step] = [0, 0, 1, 0];

  /** Geometrically distributed, so drawing again at any time favours no row. */
  const draw = (): number =>
    stride === 1 ? 0 : Math.floor(Math.log(1 - random()) / Math.log1p(-1 / stride));
  const take = (row: number): number => {
    at = row;
    if (at < rows) {
      // A sudden burst raises the stride before the next tick.
      if (++looked > allowance) {
        allowance += rowsPerSecond;
        stride *= 2;
      }
    } else if (step === 0) skip = at - rows;
    return at;
  };
  return {
    first: (offered) => {
      seen += offered;
      rows = offered;
      step = rows > manyRows ? Math.max(stride, Math.floor(rows / manyRows)) : 0;
      weight = Math.max(stride, step);
      return take(step > 0 ? Math.floor(random() * step) : skip);
    },
    next: () => {
      if (step > 0) return take(at + step);
      weight = stride;
      return take(at + 1 + draw());
    },
    get weight() {
      return weight;
    },
    tick: (seconds) => {
      stride = Math.max(1, Math.ceil(seen / seconds / rowsPerSecond));
      skip = draw();
      seen = looked = 0;
      allowance = rowsPerSecond;
    },
  };
}
