import type { Model } from '../model/model.ts';
import type { EncodedRows, Table } from '../model/rows.ts';

/** Rows that were answered. */
export interface Answered {
  readonly id: string;
  readonly model: Model;
  /** The rows as they were received, refused ones among them. */
  readonly table: Table;
  /** The rows that were scored; `refused` names the others. */
  readonly rows: EncodedRows;
  /** [rows.rows, answerWidth], row by row. */
  readonly answers: Float64Array;
}

/** Called with answered rows on the path of every request: it copies what it needs, never waits, and never throws. */
export type OnAnswered = (answered: Answered) => void;
