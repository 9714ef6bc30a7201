import type { Input } from '../../model/signature.ts';
import { largestNumber } from '../../model/tensorLimits.ts';
import type { CellWriter, TextEntry } from '../cellWriters.ts';

/** A number writer that the kernel leaves to its caller, in the order of their places in the other matrix. */
type WriteAside = Extract<CellWriter<Float32Array>, { kind: 'number' }>['write'];

/** How the kernel reads the rows of one model. */
export interface Plan {
  /** `Plan` of kernel.c and what belongs to it; the slots of its tables are still to be filled. */
  readonly bytes: Uint8Array;
  /** Where the tables of texts stand. */
  readonly tables: readonly number[];
  readonly columns: readonly string[];
  readonly features: number;
  readonly aside: readonly WriteAside[];
}

/** Bounds on its memory: a plan is copied whole. */
const MAX_BYTES = 8 * 2 ** 20;
const MAX_TEXTS = 65_536;
/** With more of them JSON.parse and the encoder are faster: they write only what isn't zero. */
const MAX_FEATURES = 1000;

// As in kernel.c.
const KINDS = { string: 0, number: 1, integer: 1, boolean: 2 } as const;
const FLAG = { nullable: 1, whole: 2, single: 4, aside: 8 } as const;
const ENTRY = { known: 1, reserved: 2 } as const;
const BYTES = { plan: 32, column: 64, table: 32, entry: 32, write: 8 } as const;
const BLOCK = 16;
const CHUNK = 32;

/** Whether a text can stand in JSON as it is. Half a surrogate pair would become another text. */
const isPlain = (text: string): boolean => !/["\\\u0000-\u001f\p{Cs}]/u.test(text);

/** Bytes that grow, little-endian. */
class Writer {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  /** @returns the offset of a new range of zeros, at a multiple of 16 */
  reserve(bytes: number): number {
    const at = this.#used;
    this.#used += Math.ceil(bytes / BLOCK) * BLOCK;
    if (this.#used > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#used);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
  words(at: number, ...words: readonly number[]): void {
    words.forEach((word, index) => this.#view.setUint32(at + 4 * index, word, true));
  }
  float(at: number, value: number): void {
    this.#view.setFloat32(at, value, true);
  }
  double(at: number, value: number): void {
    this.#view.setFloat64(at, value, true);
  }
  text(bytes: Uint8Array): number {
    const at = this.reserve(Math.max(CHUNK, Math.ceil(bytes.length / CHUNK) * CHUNK));
    this.#bytes.set(bytes, at);
    return at;
  }
  get length(): number {
    return this.#used;
  }
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#used);
  }
}

/** What an entry writes first, and where the rest of it stands. */
interface Writes {
  readonly feature: number;
  readonly value: number;
  readonly rest: number;
  readonly count: number;
}

interface EntryFacts extends Writes {
  readonly text: string;
  readonly flags: number;
}

/** @returns the offset of `Entry` */
function writeEntry(to: Writer, { text, flags, feature, value, rest, count }: EntryFacts): number {
  const bytes = Buffer.from(text);
  const at = to.reserve(BYTES.entry);
  to.words(at, bytes.length, flags, feature, 0, rest, count);
  to.float(at + 12, value);
  to.text(bytes);
  return at;
}

/** @returns the offset of `Table` */
function writeTable(to: Writer, entries: readonly EntryFacts[]): number {
  const table = to.reserve(BYTES.table);
  const slots = 2 ** Math.ceil(Math.log2(4 * entries.length + 4));
  const slotsAt = to.reserve(4 * slots);
  const first = to.length;
  for (const entry of entries) writeEntry(to, entry);
  to.words(table, slots - 1, slotsAt, first, entries.length);
  return table;
}

/** @param features where an entry that writes nothing puts a zero: behind the row */
function writeValues(to: Writer, { positions, values }: TextEntry, features: number): Writes {
  const [feature = features, ...more] = positions;
  const rest = to.reserve(BYTES.write * more.length);
  more.forEach((position, index) => {
    to.words(rest + BYTES.write * index, position);
    to.float(rest + BYTES.write * index + 4, values[index + 1] as number);
  });
  return { feature, value: values[0] ?? 0, rest, count: more.length };
}

type TextWriter = Extract<CellWriter<Float32Array>, { kind: 'text' }>;

/** The table of a text column, and its entries for null and for unknown texts: 0 where they are refused. */
function writeTexts(
  to: Writer,
  { closed = false, nullable, missing }: Input,
  { entries, other }: NonNullable<TextWriter['table']>,
  features: number,
): { table: number; none: number; unknown: number } {
  const keys = [...entries].filter(([text, { known }]) => isPlain(text) && (known || !closed));
  const all = new Map<string, TextEntry>(keys);
  if (missing !== undefined && isPlain(missing)) all.set(missing, entries.get(missing) ?? other);
  const facts = [...all].map(([text, entry]): EntryFacts => {
    const flags = (entry.known ? ENTRY.known : 0) + (text === missing ? ENTRY.reserved : 0);
    return { text, flags, ...writeValues(to, entry, features) };
  });
  const special = (entry: TextEntry): number =>
    writeEntry(to, { text: '', flags: 0, ...writeValues(to, entry, features) });
  return {
    table: writeTable(to, facts),
    none: nullable ? special(entries.get(missing ?? '') ?? other) : 0,
    unknown: closed ? 0 : special(other),
  };
}

/** What the encoder checks of a number, as flags and bounds; undefined for a check that the kernel doesn't have. */
function limitsOf({ type, tensor }: Input): { flags: number; least: number; most: number } | undefined {
  if (type !== 'integer') {
    const most = largestNumber(tensor);
    // The kernel takes whole numbers of 8 digits unchecked.
    return most < 1e8 ? undefined : { flags: 0, least: -most, most };
  }
  const most = Number.MAX_SAFE_INTEGER;
  if (tensor === undefined) return { flags: FLAG.whole, least: -most, most };
  if (tensor === 'float32') return { flags: FLAG.whole + FLAG.single, least: -most, most };
  return undefined;
}

/**
 * Plans how the kernel reads rows of these columns.
 *
 * @returns undefined where it can't: the bodies of such a model go the long way
 */
export function createPlan(
  inputs: readonly Input[],
  writers: readonly CellWriter<Float32Array>[],
  features: number,
): Plan | undefined {
  const columns = inputs.map(({ name }) => name);
  if (features > MAX_FEATURES) return undefined;
  // A body with such a key may be a row or the split form.
  if (columns.length === 0 || columns.includes('columns') || !columns.every(isPlain)) return undefined;
  const to = new Writer();
  const head = to.reserve(BYTES.plan);
  const columnsAt = to.reserve(BYTES.column * columns.length);
  const tables: number[] = [];
  const aside: WriteAside[] = [];
  for (const [index, input] of inputs.entries()) {
    const writer = writers[index] as CellWriter<Float32Array>;
    const at = columnsAt + BYTES.column * index;
    const name = Buffer.from(`${input.name}"`);
    let flags: number = input.nullable ? FLAG.nullable : 0;
    if (writer.kind === 'text') {
      if (writer.table === undefined || writer.table.entries.size > MAX_TEXTS) return undefined;
      const { table, none, unknown } = writeTexts(to, input, writer.table, features);
      tables.push(table);
      to.words(at, KINDS.string, flags, 0, to.text(name), name.length, table, none, unknown);
    } else {
      const limits = limitsOf(input);
      if (limits === undefined) return undefined;
      flags += limits.flags + (writer.plain === undefined ? FLAG.aside : 0);
      const place = writer.plain?.position ?? aside.push(writer.write) - 1;
      to.words(at, KINDS[input.type], flags, place, to.text(name), name.length);
      to.double(at + 32, limits.least);
      to.double(at + 40, limits.most);
      to.float(at + 48, writer.plain?.missing ?? NaN);
    }
    if (to.length > MAX_BYTES) return undefined;
  }
  const names = writeTable(
    to,
    columns.map((text, column): EntryFacts => ({
      text,
      flags: 0,
      feature: column,
      value: 0,
      rest: 0,
      count: 0,
    })),
  );
  tables.push(names);
  to.words(head, columnsAt, columns.length, features, aside.length, names);
  return { bytes: to.finish(), tables, columns, features, aside };
}
