/** Rows of one request that are looked at; of a larger one they're spread evenly. */
export const MOST_ROWS = 256;
/** Rows of a model that a process looks at in a second, about. */
const ROWS_PER_SECOND = 1000;

/**
 * Says which rows are looked at, so that all of them together cost little: every row up to some number a second, above it
 * one of `stride`, each of which stands for as many. What is skipped doesn't depend on what is in the rows, nor on when
 * they came.
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

export function createSampler(random: () => number = Math.random): Sampler {
  let stride = 1;
  let seen = 0;
  let looked = 0;
  let allowance = ROWS_PER_SECOND;
  /** Of rows that come in small requests: how many are left out before the next one is looked at, and its weight. */
  let skip = 0;
  let skipWeight = 1;
  // Of the request at hand.
  let [rows, at, weight, step] = [0, 0, 1, 0];

  /** From 1 to 2 × stride − 1, so `stride` in the mean: a fixed one could keep step with a client's own rhythm. */
  const draw = (): number => {
    skipWeight = stride;
    return stride === 1 ? 1 : 1 + Math.floor(random() * (2 * stride - 1));
  };
  const count = (): void => {
    // A sudden crowd doesn't wait for the next tick.
    if (++looked <= allowance) return;
    allowance += ROWS_PER_SECOND;
    stride *= 2;
  };
  return {
    first: (offered) => {
      seen += offered;
      rows = offered;
      if (rows > MOST_ROWS) {
        step = weight = Math.max(stride, Math.ceil(rows / MOST_ROWS));
        at = Math.floor(random() * step);
      } else {
        step = 0;
        at = skip;
        weight = skipWeight;
        if (at >= rows) skip = at - rows;
      }
      if (at < rows) count();
      return at;
    },
    next: () => {
      if (step > 0) {
        at += step;
      } else {
        at += draw();
        weight = skipWeight;
        if (at >= rows) skip = at - rows;
      }
      if (at < rows) count();
      return at;
    },
    get weight() {
      return weight;
    },
    tick: (seconds) => {
      stride = Math.max(1, Math.ceil(seen / seconds / ROWS_PER_SECOND));
      seen = looked = 0;
      allowance = ROWS_PER_SECOND;
    },
  };
}
