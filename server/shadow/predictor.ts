import type { Table } from '../dialects/dialect.ts';
import type { Prediction, Predictor } from '../predictor.ts';
import type { Shadow } from './shadow.ts';

/**
 * A predictor whose answered rows a shadow scores, too, later and elsewhere: those of whole requests. Files and requests
 * of which rows were refused are left out, since their answers don't stand beside their rows.
 */
export const shadowed = (predictor: Predictor, shadow: Pick<Shadow, 'offer'>): Predictor => ({
  ...predictor,
  predict: (c, model, decode, options) => {
    let table: Table | undefined;
    const offer = (prediction: Prediction): Prediction => {
      if (table && !prediction.rows.refused) shadow.offer(model, table, prediction.answers);
      return prediction;
    };
    const prediction = predictor.predict(c, model, () => (table = decode()), options);
    return prediction instanceof Promise ? prediction.then(offer) : offer(prediction);
  },
});
