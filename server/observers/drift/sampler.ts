/** A request of more rows has that many looked at, and less than twice as many, spread evenly. */
export const MANY_ROWS = 256;
/** Rows of a model that a process looks at in a second, about. */
const ROWS_PER_SECOND = 1000;
/** Of wide rows fewer, by their cells: of a request, and in a second. */
const MANY_CELLS = 4096;
const CELLS_PER_SECOND = 20_000;

export interface SamplerOptions {
  /** Cells of a row. */
  readonly columns: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/**
 * Says which rows are looked at, so that all of them together cost little: every row up to some number a second, above it
 * each one with a probability of 1 / `stride`, and then it stands for `stride` rows. What is left out depends on chance
 * and on how many rows there are, never on what is in them.
 */
export interface Sampler {
  /** The first row to look at of a request of so many; there is none if it is no smaller. */
  first(rows: number): number;
  /** The one after it. */
  next(): number;
  /** How many rows the present one stands for. */
  readonly weight: number;
  /** Fits the stride to the rows that came since the last time. */
  tick(seconds: number): void;
}

export function createSampler({ columns, random = Math.random }: SamplerOptions): Sampler {
  const manyRows = Math.max(1, Math.min(MANY_ROWS, Math.floor(MANY_CELLS / columns)));
  const rowsPerSecond = Math.min(ROWS_PER_SECOND, CELLS_PER_SECOND / columns);
  let stride = 1;
  let seen = 0;
  let looked = 0;
  let allowance = rowsPerSecond;
  /** Rows of small requests that are left out before the next one is looked at. */
  let skip = 0;
  // Of the request at hand.
  let [rows, at, weight, step] = [0, 0, 1, 0];

  /** Geometrically distributed: it can be drawn anew at any time without favour to any row. */
  const draw = (): number =>
    stride === 1 ? 0 : Math.floor(Math.log(1 - random()) / Math.log1p(-1 / stride));
  const take = (row: number): number => {
    at = row;
    if (at < rows) {
      // A sudden crowd doesn't wait for the next tick.
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
