import type { Table } from '../../model/rows.ts';

/** The rows of a body that was read without making them: each is made from its bytes when an observer looks at it. */
export abstract class ReceivedTable implements Table {
  readonly columns: readonly string[];
  protected readonly body: Buffer;
  protected readonly starts: ArrayLike<number>;
  #data: readonly unknown[] | undefined;

  /** @param starts where each row begins, and where the last ends */
  constructor(columns: readonly string[], body: Buffer, starts: ArrayLike<number>) {
    this.columns = columns;
    this.body = body;
    this.starts = starts;
  }

  get heldBytes(): number {
    return this.body.length;
  }

  get data(): readonly unknown[] {
    return (this.#data ??= Array.from({ length: this.starts.length - 1 }, (_, row) => this.rowAt(row)));
  }

  rowAt(row: number): unknown {
    return this.readRow(this.body.toString('utf8', this.starts[row], this.starts[row + 1]));
  }

  /** The row that begins a text. Behind it stands what separates it from the next. */
  protected abstract readRow(text: string): unknown;
}

/** Rows of JSON. */
export class JsonTable extends ReceivedTable {
  readonly byName: boolean;

  constructor(columns: readonly string[], body: Buffer, starts: ArrayLike<number>, byName: boolean) {
    super(columns, body, starts);
    this.byName = byName;
  }

  protected readRow(text: string): unknown {
    return JSON.parse(text.slice(0, text.lastIndexOf(this.byName ? '}' : ']') + 1));
  }
}
