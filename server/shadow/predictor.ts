import type { Table } from '../dialects/dialect.ts';
import type { EncodedRows } from '../encoding/encoder.ts';
import type { Scores } from '../inference.ts';
import type { Model } from '../models/model.ts';
import type { Predictor } from '../predictor.ts';
import type { Shadow } from './shadow.ts';

/** A predictor whose answered rows a shadow scores, too, later and elsewhere. */
export function shadowed(predictor: Predictor, shadow: Pick<Shadow, 'offer'>): Predictor {
  /** What rows were made of, between the two halves of a prediction. */
  const tables = new WeakMap<EncodedRows, Table>();
  const offer = <S extends Scores>(
    model: Model,
    rows: EncodedRows,
    table: Table | undefined,
    scores: S,
  ): S => {
    // Where bad rows were left out, answers and table don't stand side by side.
    if (table && !rows.refused) shadow.offer(model, table, scores.answers);
    return scores;
  };
  return {
    predict: (c, model, decode, options) => {
      let table: Table | undefined;
      const prediction = predictor.predict(c, model, () => (table = decode()), options);
      return prediction instanceof Promise
        ? prediction.then((found) => offer(model, found.rows, table, found))
        : offer(model, prediction.rows, table, prediction);
    },
    encode: (model, decode, options) => {
      let table: Table | undefined;
      const rows = predictor.encode(model, () => (table = decode()), options);
      if (table) tables.set(rows, table);
      return rows;
    },
    score: async (model, rows, options) =>
      offer(model, rows, tables.get(rows), await predictor.score(model, rows, options)),
  };
}
