import type { Table } from '../model/rows.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Scores } from '../inference/port.ts';
import type { Model } from '../model/model.ts';
import type { Predictor } from './predictor.ts';

/** Rows that were answered. */
export interface Observation {
  readonly requestId: string;
  readonly model: Model;
  /** The rows as they came, bad ones among them. */
  readonly table: Table;
  /** Those that were scored; `refused` names the others. */
  readonly rows: EncodedRows;
  /** [rows.rows, answerWidth], row by row. */
  readonly answers: Float64Array;
}

/** Looks at what was answered. It is on the path of every request: it takes what it needs, never waits, never throws. */
export type Observe = (observation: Observation) => void;

/** A predictor whose answered rows are shown to observers, too. */
export function observed(predictor: Predictor, observers: readonly Observe[]): Predictor {
  if (observers.length === 0) return predictor;
  /** What rows were made of, between the two halves of a prediction. */
  const tables = new WeakMap<EncodedRows, Table>();
  const show = (
    requestId: string,
    model: Model,
    table: Table | undefined,
    rows: EncodedRows,
    { answers }: Scores,
  ): void => {
    if (!table) return;
    const observation = { requestId, model, table, rows, answers };
    for (const observe of observers) observe(observation);
  };
  return {
    predict: (c, model, decode, options) => {
      let table: Table | undefined;
      const prediction = predictor.predict(c, model, () => (table = decode()), options);
      if (!(prediction instanceof Promise)) {
        show(c.get('requestId'), model, table, prediction.rows, prediction);
        return prediction;
      }
      return prediction.then((found) => {
        show(c.get('requestId'), model, table, found.rows, found);
        return found;
      });
    },
    encode: (model, decode, options) => {
      let table: Table | undefined;
      const rows = predictor.encode(model, () => (table = decode()), options);
      if (table) tables.set(rows, table);
      return rows;
    },
    score: async (model, rows, options) => {
      const scores = await predictor.score(model, rows, options);
      show(options.requestId, model, tables.get(rows), rows, scores);
      return scores;
    },
  };
}
