import { answerWidth } from '../../../worker/protocol.ts';
import type { EncodedRows, Table } from '../../model/rows.ts';
import { rowOf } from '../../model/rows.ts';
import type { Model } from '../../model/model.ts';
import type { Input } from '../../model/signature.ts';
import { labelClasses } from '../../model/signature.ts';
import type { Field, Profile } from './profile.ts';
import { HEAD, binCategories, profileOf } from './profile.ts';
import type { Sampler } from './sampler.ts';
import { createSampler } from './sampler.ts';

/** The counts of one model in one process. They only grow: a window is the difference of two states. */
export interface Tally {
  readonly profile: Profile;
  /** [profile.width]. */
  readonly counts: Float64Array;
  /** @param answers [rows.rows, answerWidth] */
  take(table: Table, rows: EncodedRows, answers: Float64Array): void;
  tick(seconds: number): void;
}

/** Finds the bin of a column's cell. All have one shape, since they are read for every cell. */
interface Reader {
  readonly name: string;
  readonly start: number;
  readonly edges: Float64Array;
  /** Bins by category; undefined where the first bin holds all texts. */
  readonly codes: ReadonlyMap<string, number> | undefined;
  readonly unknown: number;
  readonly missing: number;
}

function createReader({ categories, distribution }: Input, field: Field): Reader {
  const binOf = categories && binCategories(categories, distribution?.shares).binOf;
  return {
    name: field.name,
    start: field.start,
    edges: Float64Array.from(distribution?.edges ?? []),
    codes: categories && new Map(categories.map((category, at) => [category, binOf?.[at] ?? 0])),
    unknown: field.unknown ?? 0,
    missing: field.missing ?? 0,
  };
}

/** The first bin whose upper edge is no smaller. */
function binOfNumber(edges: Float64Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (edges[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The encoder has checked the cell: anything but a number, text or boolean is missing, and so is NaN. */
function binOfCell({ edges, codes, unknown, missing }: Reader, cell: unknown): number {
  if (typeof cell === 'string') return codes ? (codes.get(cell) ?? unknown) : 0;
  if (typeof cell === 'number') return Number.isNaN(cell) ? missing : binOfNumber(edges, cell);
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  return missing;
}

export function createTally(
  model: Model,
  sampler: Sampler = createSampler({ columns: model.signature.inputs.length }),
): Tally {
  const profile = profileOf(model);
  const { predictions } = profile;
  const counts = new Float64Array(profile.width);
  const readers = model.signature.inputs.map((input, at) =>
    createReader(input, profile.columns[at] as Field),
  );
  const width = answerWidth(model.output);
  const valueEdges = Float64Array.from(model.signature.outputs.distribution?.edges ?? []);
  const isLabel = labelClasses(model.output) !== undefined;
  const values = (profile.values ?? []).map(({ edges, ...field }) => ({
    ...field,
    edges: edges && Float64Array.from(edges),
  }));
  /** The position of each column in the rows of the current request. */
  const positions = new Int32Array(readers.length);

  const add = (at: number, weight: number): void => {
    (counts[at] as number) += weight;
  };
  const look = (row: unknown, byName: boolean, weight: number): void => {
    for (let column = 0; column < readers.length; column++) {
      const reader = readers[column] as Reader;
      const cell = byName
        ? (row as Readonly<Record<string, unknown>>)[reader.name]
        : (row as readonly unknown[])[positions[column] as number];
      add(reader.start + binOfCell(reader, cell), weight);
    }
  };
  const lookAtAnswer = ({ start }: Field, answer: number, weight: number): void => {
    if (!Number.isNaN(answer)) add(start + (isLabel ? answer : binOfNumber(valueEdges, answer)), weight);
  };
  return {
    profile,
    counts,
    take: (table, { rows, refused }, answers) => {
      add(HEAD.rows, rows);
      let row = sampler.first(rows);
      if (row >= rows) return;
      const { columns, byName = false } = table;
      for (let at = 0; at < readers.length && !byName; at++) {
        const { name } = readers[at] as Reader;
        positions[at] = columns[at] === name ? at : columns.indexOf(name);
      }
      /** Refused rows so far: the table has them, the answers don't. */
      let before = 0;
      for (; row < rows; row = sampler.next()) {
        const { weight } = sampler;
        if (refused) while ((refused.rows[before] ?? Infinity) <= row + before) before++;
        look(rowOf(table, row + before), byName, weight);
        for (const { start, slot, edges } of values) {
          const value = answers[row * width + slot] as number;
          if (!Number.isNaN(value)) add(start + (edges ? binOfNumber(edges, value) : value), weight);
        }
        if (predictions) lookAtAnswer(predictions, answers[row * width] as number, weight);
        add(HEAD.weights, weight);
        add(HEAD.squares, weight * weight);
      }
    },
    tick: (seconds) => sampler.tick(seconds),
  };
}
