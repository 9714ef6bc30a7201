/**
 * Shapley values of a model of which nothing is known but its answers. A coalition is a set of columns that have the
 * row's own cells, the others those of a background row; its value is the mean answer over all background rows. Few
 * columns: all coalitions. More: the columns join in random orders, each order and its reverse, as in
 * shap.PermutationExplainer.
 */

/** Columns of which all coalitions are evaluated: 2 ** columns of them. */
export const MOST_EXACT_COLUMNS = 10;
/** Pairs of an order and its reverse. */
const MOST_PAIRS = 16;
const LEAST_PAIRS = 2;
/** Rows that the model answers to explain one. */
const MOST_ANSWERED = 2 ** 18;
/** Of one run. */
const RUN_ROWS = 256;

/** How a row's explanation is computed: in parts, each of which depends on no other. */
export interface SamplingPlan {
  readonly method: 'exact' | 'permutation';
  readonly columns: number;
  /** Coalitions, or orders. */
  readonly samples: number;
  /** Coalitions of a row; those of `permutation` pair by pair, on the way forward and then back. */
  readonly coalitions: number;
  /** Of a part: with all background rows they fill a run of the model. */
  readonly perPart: number;
  readonly parts: number;
}

/** @returns undefined for more columns than can be sampled */
export function planSampling(columns: number, backgroundRows: number): SamplingPlan | undefined {
  const perPart = Math.max(1, Math.floor(RUN_ROWS / backgroundRows));
  const planned = (method: SamplingPlan['method'], samples: number, coalitions: number): SamplingPlan => ({
    ...{ method, columns, samples, coalitions, perPart },
    parts: Math.ceil(coalitions / perPart),
  });
  if (columns <= MOST_EXACT_COLUMNS) return planned('exact', 2 ** columns, 2 ** columns);
  const ofPair = 2 * columns - 1;
  const pairs = Math.min(MOST_PAIRS, Math.floor(MOST_ANSWERED / (ofPair * backgroundRows)));
  return pairs < LEAST_PAIRS ? undefined : planned('permutation', 2 * pairs, pairs * ofPair);
}

/** FNV-1a over a row's cells and texts: a row has the same orders in any company. */
export function seedOf(
  cells: Float32Array | Float64Array,
  texts: readonly { readonly column: number; readonly text: string }[],
): number {
  let hash = 0x811c9dc5;
  const add = (byte: number): void => void (hash = Math.imul(hash ^ byte, 0x01000193));
  for (const byte of new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)) add(byte);
  for (const { column, text } of texts) {
    add(column);
    for (let at = 0; at < text.length; at++) add(text.charCodeAt(at));
  }
  return hash >>> 0;
}

/** mulberry32: numbers of [0, 1). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The order in which columns join in a pair, by the row's seed. */
function orderOf(columns: number, seed: number, pair: number): Uint32Array {
  const random = createRandom(seed ^ Math.imul(pair + 1, 0x9e3779b1));
  const order = Uint32Array.from({ length: columns }, (_, column) => column);
  for (let at = columns - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const own = order[at] as number;
    order[at] = order[other] as number;
    order[other] = own;
  }
  return order;
}

/** Whether each column has the row's own cell, in each coalition of a part: [coalitions, columns]. */
export function coalitionsOf(plan: SamplingPlan, seed: number, part: number): Uint8Array {
  const { method, columns, coalitions, perPart } = plan;
  const first = part * perPart;
  const count = Math.min(perPart, coalitions - first);
  const own = new Uint8Array(count * columns);
  const ofPair = 2 * columns - 1;
  for (let at = 0; at < count; at++) {
    const set = first + at;
    const mask = own.subarray(at * columns, (at + 1) * columns);
    if (method === 'exact') {
      for (let column = 0; column < columns; column++) mask[column] = (set >> column) & 1;
      continue;
    }
    const order = orderOf(columns, seed, Math.floor(set / ofPair));
    const step = set % ofPair;
    // Forward from one column to all, then back to front from one to all but one.
    if (step < columns) for (const column of order.subarray(0, step + 1)) mask[column] = 1;
    else for (const column of order.subarray(2 * columns - 1 - step)) mask[column] = 1;
  }
  return own;
}

/** A row's contributions, [outputs, columns], and their standard errors where they are a sample's mean. */
export interface Combined {
  readonly contributions: Float64Array;
  readonly errors?: Float64Array;
}

function combineExact({ columns, samples }: SamplingPlan, outputs: number, values: Float64Array): Combined {
  const contributions = new Float64Array(outputs * columns);
  // Of a coalition that a column joins, by its size.
  const weights = [1 / columns];
  for (let size = 1; size < columns; size++)
    weights.push(((weights[size - 1] as number) * size) / (columns - size));
  const sizes = new Uint8Array(samples);
  for (let set = 1; set < samples; set++) sizes[set] = (sizes[set >> 1] as number) + (set & 1);
  for (let set = 0; set < samples; set++)
    for (let column = 0; column < columns; column++) {
      if ((set >> column) & 1) continue;
      const weight = weights[sizes[set] as number] as number;
      const joined = set | (1 << column);
      for (let k = 0; k < outputs; k++)
        (contributions[k * columns + column] as number) +=
          weight * ((values[joined * outputs + k] as number) - (values[set * outputs + k] as number));
    }
  return { contributions };
}

/** What each column added on the way of a pair: [outputs, columns]. */
function ofPair(
  { columns }: SamplingPlan,
  order: Uint32Array,
  values: Float64Array,
  base: Float64Array,
): Float64Array {
  const outputs = base.length;
  const added = new Float64Array(outputs * columns);
  for (let k = 0; k < outputs; k++) {
    const valueOf = (step: number): number => values[step * outputs + k] as number;
    let [forward, back] = [base[k] as number, base[k] as number];
    for (let at = 0; at < columns; at++) {
      const next = valueOf(at);
      (added[k * columns + (order[at] as number)] as number) += (next - forward) / 2;
      forward = next;
      const nextBack = valueOf(at === columns - 1 ? at : columns + at);
      (added[k * columns + (order[columns - 1 - at] as number)] as number) += (nextBack - back) / 2;
      back = nextBack;
    }
  }
  return added;
}

/**
 * The contributions to a row.
 *
 * @param values of its coalitions, [coalitions, outputs]
 * @param base the mean answer to the background rows
 */
export function combine(
  plan: SamplingPlan,
  seed: number,
  values: Float64Array,
  base: Float64Array,
): Combined {
  const outputs = base.length;
  if (plan.method === 'exact') return combineExact(plan, outputs, values);
  const { columns } = plan;
  const pairs = plan.samples / 2;
  const size = (2 * columns - 1) * outputs;
  const all = Array.from({ length: pairs }, (_, pair) =>
    ofPair(plan, orderOf(columns, seed, pair), values.subarray(pair * size, (pair + 1) * size), base),
  );
  const contributions = new Float64Array(outputs * columns);
  const errors = new Float64Array(outputs * columns);
  for (let at = 0; at < contributions.length; at++) {
    const mean = all.reduce((sum, one) => sum + (one[at] as number), 0) / pairs;
    const squares = all.reduce((sum, one) => sum + ((one[at] as number) - mean) ** 2, 0);
    contributions[at] = mean;
    errors[at] = Math.sqrt(squares / (pairs - 1) / pairs);
  }
  return { contributions, errors };
}
