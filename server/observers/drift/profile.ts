import type { Model } from '../../model/model.ts';
import type { Distribution, Input } from '../../model/signature.ts';
import { labelClasses } from '../../model/signature.ts';

/** How a column, or the predictions, are counted. */
export interface Field {
  readonly name: string;
  /** Index of its first count. */
  readonly start: number;
  /** The name of each bin, for display. */
  readonly bins: readonly string[];
  /** The bins of texts outside the categories, and of missing values. */
  readonly unknown?: number;
  readonly missing?: number;
  /** The training data's share of each bin. */
  readonly training?: { readonly rows: number; readonly shares: readonly number[] };
}

/** How one of several values is counted. */
export interface ValueField extends Field {
  /** Its place in a row of answers. */
  readonly slot: number;
  /** A label is its bin; undefined for one. */
  readonly edges?: readonly number[];
}

/** How the rows of a model version are counted. Plain data, which a process sends to the primary. */
export interface Profile {
  readonly key: string;
  readonly model: string;
  readonly version: number;
  readonly columns: readonly Field[];
  /** Absent for values without training data, which have no bins. */
  readonly predictions?: Field;
  /** Of a model that answers with several values: those that have classes, or training data. */
  readonly values?: readonly ValueField[];
  /** Number of counts, `HEAD` included. */
  readonly width: number;
}

/** The counts ahead of the fields: answered rows; of the sampled ones the sum of weights, and of their squares. */
export const HEAD = { rows: 0, weights: 1, squares: 2, size: 3 } as const;

/** Categories with a smaller share of the training rows have one bin: alone, their shares are mostly chance. */
const RARE = 0.01;

/** The names of the bins, and the bin of each category. */
export interface Binning {
  readonly bins: readonly string[];
  readonly binOf: readonly number[];
}

/** @param shares of the training rows, if known; else all categories have one bin */
export function binCategories(categories: readonly string[], shares: readonly number[] | undefined): Binning {
  if (!shares) return { bins: ['known'], binOf: categories.map(() => 0) };
  const common = categories.filter((_, at) => (shares[at] as number) >= RARE);
  const rare = categories.length - common.length;
  const bins = rare === 0 ? common : [...common, rare === 1 ? 'a rare one' : `${rare} rare ones`];
  const places = new Map(common.map((category, bin) => [category, bin]));
  return { bins, binOf: categories.map((category) => places.get(category) ?? common.length) };
}

/** `≤ 22`, `22 – 26`, …, `> 58`. */
function nameBins(edges: readonly number[]): string[] {
  const texts = edges.map((edge) => String(Number(edge.toPrecision(6))));
  if (texts.length === 0) return ['present'];
  const inner = texts.slice(1).map((text, at) => `${texts[at] as string} – ${text}`);
  return [`≤ ${texts[0] as string}`, ...inner, `> ${texts.at(-1) as string}`];
}

/** The bins of present, known values, and the training data's shares of them. */
function valueBins({ type, categories, distribution }: Input): { bins: readonly string[]; shares: number[] } {
  const shares = distribution?.shares ?? [];
  if (type === 'boolean') return { bins: ['false', 'true'], shares: [...shares] };
  if (type !== 'string') return { bins: nameBins(distribution?.edges ?? []), shares: [...shares] };
  if (!categories) return { bins: ['present'], shares: [] };
  const { bins, binOf } = binCategories(categories, distribution?.shares);
  const sums = bins.map(() => 0);
  shares.forEach((share, at) => ((sums[binOf[at] as number] as number) += share));
  return { bins, shares: sums };
}

const trainingOf = (distribution: Distribution | undefined, shares: readonly number[]) =>
  distribution ? { training: { rows: distribution.rows, shares } } : {};

function columnField(input: Input, start: number): Field {
  const { bins, shares } = valueBins(input);
  const { distribution } = input;
  const knowsUnknown = input.type === 'string' && input.categories !== undefined;
  const unknown = knowsUnknown ? { unknown: bins.length } : {};
  const missing = input.nullable ? { missing: bins.length + (knowsUnknown ? 1 : 0) } : {};
  return {
    name: input.name,
    start,
    bins: [...bins, ...(knowsUnknown ? ['unknown'] : []), ...(input.nullable ? ['missing'] : [])],
    ...unknown,
    ...missing,
    ...trainingOf(distribution, [
      ...shares,
      ...(knowsUnknown ? [distribution?.other ?? 0] : []),
      ...(input.nullable ? [distribution?.missing ?? 0] : []),
    ]),
  };
}

/** How a model's rows are counted, by its signature. */
export function profileOf({ key, name, version, signature, output }: Model): Profile {
  let width: number = HEAD.size;
  const place = <F extends Field>(field: F): F => {
    width += field.bins.length;
    return field;
  };
  const columns = signature.inputs.map((input) => place(columnField(input, width)));
  const { distribution } = signature.outputs;
  const classes = labelClasses(output);
  const single = output.task !== 'several' || output.form === 'single';
  const bins = single
    ? (classes?.map(String) ?? (distribution && nameBins(distribution.edges ?? [])))
    : undefined;
  const predictions = bins && {
    predictions: place({
      name: 'predictions',
      start: width,
      bins,
      ...trainingOf(distribution, distribution?.shares ?? []),
    }),
  };
  const values = (single ? [] : (signature.outputs.values ?? [])).flatMap((value, slot): ValueField[] => {
    const names =
      value.classes?.map(String) ?? (value.distribution && nameBins(value.distribution.edges ?? []));
    if (!names) return [];
    const training = trainingOf(value.distribution, value.distribution?.shares ?? []);
    const edges = value.classes ? {} : { edges: value.distribution?.edges ?? [] };
    return [place({ name: value.name, start: width, bins: names, slot, ...edges, ...training })];
  });
  return { key, model: name, version, columns, ...predictions, ...(values.length > 0 && { values }), width };
}
