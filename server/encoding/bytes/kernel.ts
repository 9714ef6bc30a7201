import { readFileSync } from 'node:fs';
import type { Plan } from './plan.ts';
import { powersOfFive } from './powersOfFive.ts';

/** What a body may look like: as in kernel.c. */
export const FORMS = { native: 0, instances: 1, mlflow: 2 } as const;
export type Form = (typeof FORMS)[keyof typeof FORMS];

/** Bits of `shape` in kernel.c. */
export const SHAPE = { alone: 1, byName: 2, moved: 4 } as const;

// As in kernel.c.
const PAD = 64;
const RUN_WORDS = 22;
const RESULTS = 18;
const CSV = 3;
const TENSORS = 4;
/** Cells of CSV that belong to no column, as they stand in `order`. */
export const PLACE = { skipped: 2 ** 32 - 1, index: 2 ** 32 - 2 } as const;
export const UNKNOWN_WORDS = 4;

const PAGE = 65_536;
const MAX_PAGES = 2 ** 30 / PAGE;
const BLOCK = 16;
/** A body with more unknown categories goes the long way. */
const MAX_UNKNOWN = 4096;
/** Plans that stay in the memory at a time. */
const MAX_PLANS_BYTES = 16 * 2 ** 20;
/** A memory of which more was written is given back: it can't shrink. */
const MAX_KEPT_BYTES = 32 * 2 ** 20;
/** Rows that take more go the long way, which makes no matrix for what it refuses. */
const MAX_ROWS_BYTES = 64 * 2 ** 20;

const aligned = (bytes: number): number => (bytes + BLOCK - 1) & -BLOCK;

let compiled: WebAssembly.Module | undefined;

const loadModule = (): WebAssembly.Module =>
  (compiled ??= new WebAssembly.Module(readFileSync(new URL('./rowKernel.wasm', import.meta.url))));

/** Odd multipliers for hashes: they are tried until a table has no collision. */
const factorOf = (attempt: number): bigint =>
  BigInt.asUintN(64, 0x9e3779b97f4a7c15n * BigInt(2 * attempt + 1));
const MOST_ATTEMPTS = 32;
/** A table of more entries has some collisions under any multiplier. */
const MANY_ENTRIES = 1024;

/** How lines of CSV are written. */
export interface Lines {
  /** For each cell its column, or a PLACE. */
  readonly order: Uint32Array;
  /** Codes of ASCII characters. */
  readonly delimiter: number;
  readonly decimal: number;
}

/** The parser's memory: the plans in use, and behind them room for one body and its rows. Results hold until the next. */
export interface Kernel {
  /**
   * Reads a body by a plan.
   *
   * @returns the number of rows; -1 for a body that it doesn't take
   */
  parse(plan: Plan, body: Uint8Array, form: Form): number;
  /** As `parse`, for whole lines of CSV. @param first the number of their first row */
  parseLines(plan: Plan, block: Uint8Array, lines: Lines, first: number): number;
  /**
   * As `parse`, for the tensors of V2.
   *
   * @param from where their list begins
   * @param jsonLength bytes of JSON, behind which binary data stand
   */
  parseTensors(plan: Plan, body: Uint8Array, from: number, jsonLength: number): number;
  /** Whether more memory was written than is worth keeping. */
  readonly isLarge: boolean;
  // Of the last body.
  readonly shape: number;
  readonly unknownCount: number;
  /** Ends of lines in CSV; of tensors where their list ends. */
  readonly lines: number;
  readonly words: Uint32Array;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
  /** Indices into `floats`, `doubles` and `words`. */
  readonly outAt: number;
  readonly asideAt: number;
  readonly startsAt: number;
  readonly orderAt: number;
  readonly unknownAt: number;
}

interface Exports {
  powers(): number;
  place(plan: number, table: number): number;
  parse(run: number): number;
}

class WasmKernel implements Kernel {
  readonly #memory = new WebAssembly.Memory({ initial: 2, maximum: MAX_PAGES, shared: false });
  readonly #exports: Exports;
  /** Where each plan lies; all of them leave when there is no room for one more. */
  #places = new WeakMap<Plan, number>();
  readonly #run = PAGE;
  #plansEnd = PAGE + aligned(4 * RUN_WORDS);
  #bytes = new Uint8Array(0);
  words = new Uint32Array(0);
  floats = new Float32Array(0);
  doubles = new Float64Array(0);
  shape = 0;
  unknownCount = 0;
  lines = 0;
  outAt = 0;
  asideAt = 0;
  startsAt = 0;
  orderAt = 0;
  unknownAt = 0;
  isLarge = false;

  constructor() {
    const number = (from: number, length: number): number =>
      Number(Buffer.from(this.#memory.buffer, from, length).toString('latin1'));
    const instance = new WebAssembly.Instance(loadModule(), { env: { memory: this.#memory, number } });
    this.#exports = instance.exports as unknown as Exports;
    this.#view();
    new BigUint64Array(this.#memory.buffer, this.#exports.powers()).set(powersOfFive());
  }

  parse(plan: Plan, body: Uint8Array, form: Form): number {
    const count = plan.columns.length;
    // The shortest row is a list of digits, with a comma behind it.
    return this.#read(plan, body, form, count, Math.ceil((body.length + 1) / (2 * count + 2)));
  }

  parseLines(plan: Plan, block: Uint8Array, lines: Lines, first: number): number {
    const width = lines.order.length;
    // The shortest row is a line of empty cells; alone, one has quotes.
    return this.#read(
      plan,
      block,
      CSV,
      width,
      Math.ceil((block.length + 1) / Math.max(width, 2)),
      lines,
      first,
    );
  }

  parseTensors(plan: Plan, body: Uint8Array, from: number, jsonLength: number): number {
    const words = this.#run >> 2;
    this.words[words + 16] = from;
    this.words[words + 17] = jsonLength;
    const count = plan.columns.length;
    // The shortest row is a byte a column, of binary data.
    return this.#read(plan, body, TENSORS, count, Math.ceil(body.length / count));
  }

  #read(
    plan: Plan,
    body: Uint8Array,
    form: number,
    width: number,
    rowsAtMost: number,
    lines?: Lines,
    first = 0,
  ): number {
    const planAt = this.#places.get(plan) ?? this.#place(plan);
    const count = plan.columns.length;
    const { features } = plan;
    const aside = plan.aside.length;
    const order = this.#plansEnd;
    const seen = order + aligned(4 * width);
    const unknown = seen + aligned(4 * count);
    const bodyAt = unknown + 4 * UNKNOWN_WORDS * MAX_UNKNOWN;
    const starts = bodyAt + aligned(body.length + PAD);
    const rowBytes = 4 + 8 * aside + 4 * features;
    const room = Math.min(MAX_ROWS_BYTES, MAX_PAGES * PAGE - starts - 8 * BLOCK);
    const mostRows = Math.min(rowsAtMost, Math.floor(room / rowBytes));
    if (mostRows < 1) return -1;
    const asideAt = starts + aligned(4 * (mostRows + 1));
    const out = asideAt + aligned(8 * mostRows * aside);
    if (!this.#reserve(out + aligned(4 * mostRows * features + BLOCK))) return -1;
    this.#bytes.set(body, bodyAt);
    const { words } = this;
    const run = this.#run >> 2;
    words[run] = planAt;
    words[run + 1] = bodyAt;
    words[run + 2] = body.length;
    words[run + 3] = form;
    words[run + 4] = out;
    words[run + 5] = asideAt;
    words[run + 6] = starts;
    words[run + 7] = mostRows;
    words[run + 8] = unknown;
    words[run + 9] = MAX_UNKNOWN;
    words[run + 10] = order;
    words[run + 11] = seen;
    if (lines !== undefined) {
      words.set(lines.order, order >> 2);
      words[run + 12] = width;
      words[run + 13] = lines.delimiter;
      words[run + 14] = lines.decimal;
      words[run + 15] = first;
    }
    const rows = this.#exports.parse(this.#run);
    this.shape = words[run + RESULTS + 2] as number;
    this.unknownCount = words[run + RESULTS + 1] as number;
    this.lines = words[run + RESULTS + 3] as number;
    this.outAt = out >> 2;
    this.asideAt = asideAt >> 3;
    this.startsAt = starts >> 2;
    this.orderAt = order >> 2;
    this.unknownAt = unknown >> 2;
    this.isLarge = body.length + (words[run + RESULTS] as number) * rowBytes > MAX_KEPT_BYTES;
    return rows;
  }

  /** Copies a plan into the memory and fills its tables. */
  #place(plan: Plan): number {
    const { bytes, tables } = plan;
    if (this.#plansEnd + bytes.length > MAX_PLANS_BYTES) {
      this.#places = new WeakMap();
      this.#plansEnd = PAGE + aligned(4 * RUN_WORDS);
    }
    const at = this.#plansEnd;
    this.#reserve(at + aligned(bytes.length));
    this.#plansEnd += aligned(bytes.length);
    this.#bytes.set(bytes, at);
    const view = new DataView(this.#memory.buffer);
    for (const table of tables) {
      const attempts = view.getUint32(at + table + 12, true) > MANY_ENTRIES ? 1 : MOST_ATTEMPTS;
      for (let attempt = 0; attempt < attempts; attempt++) {
        view.setBigUint64(at + table + 16, factorOf(attempt), true);
        if (this.#exports.place(at, at + table) === 0) break;
      }
    }
    this.#places.set(plan, at);
    return at;
  }

  /** Whether there is room up to this address. */
  #reserve(end: number): boolean {
    const lacking = end - this.#bytes.length;
    if (lacking <= 0) return true;
    try {
      this.#memory.grow(Math.ceil(lacking / PAGE));
    } catch {
      return false;
    }
    this.#view();
    return true;
  }

  #view(): void {
    const { buffer } = this.#memory;
    this.#bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.floats = new Float32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }
}

let kernel: Kernel | undefined;

/** The kernel of this thread. Its last user calls `releaseKernel`. */
export const takeKernel = (): Kernel => (kernel ??= new WasmKernel());

/** Gives its memory back, if that is large. */
export function releaseKernel(): void {
  if (kernel?.isLarge) kernel = undefined;
}
