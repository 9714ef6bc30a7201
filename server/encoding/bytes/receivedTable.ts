import type { Table } from '../../model/rows.ts';

/**
 * The rows of a body that was read without making them: they are made from its bytes when an observer looks at them.
 *
 * @param starts where each row begins, and where the last ends
 */
export function createReceivedTable(
  body: Buffer,
  columns: readonly string[],
  byName: boolean,
  starts: ArrayLike<number>,
): Table {
  return new ReceivedTable(body, columns, byName, starts);
}

/** A class rather than closures: every request makes one. */
class ReceivedTable implements Table {
  readonly columns: readonly string[];
  readonly byName: boolean;
  readonly rows: number;
  readonly #body: Buffer;
  readonly #starts: ArrayLike<number>;
  #data: readonly unknown[] | undefined;

  constructor(body: Buffer, columns: readonly string[], byName: boolean, starts: ArrayLike<number>) {
    this.columns = columns;
    this.byName = byName;
    this.rows = starts.length - 1;
    this.#body = body;
    this.#starts = starts;
  }

  get heldBytes(): number {
    return this.#body.length;
  }

  get data(): readonly unknown[] {
    return (this.#data ??= Array.from({ length: this.rows }, (_, row) => this.rowAt(row)));
  }

  rowAt(row: number): unknown {
    const text = this.#body.toString('utf8', this.#starts[row], this.#starts[row + 1]);
    // Behind it stand the comma and white space before the next row.
    return JSON.parse(text.slice(0, text.lastIndexOf(this.byName ? '}' : ']') + 1));
  }
}
