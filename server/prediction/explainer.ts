import { Problem } from '../errors/problem.ts';
import type { Explained, Explanations } from '../inference/explanations.ts';
import { notExplainable } from '../inference/explanations.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import { explanationOf } from '../model/explanation.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Decoded } from './predictor.ts';
import type { PredictRequest } from './request.ts';

/** The one way from answered rows to their explanations, whatever the dialect. */
export interface Explainer {
  /** What adds up. @throws {Problem} not_explainable */
  spaceOf(model: Model): string;
  /** Called in `decode`: rows that aren't explained aren't predicted. @throws {Problem} too_many_rows */
  requireFewRows<D extends Decoded>(decoded: D): D;
  /** Counts requests that are refused. @throws {Problem} as `Explanations.explain` */
  explain(request: PredictRequest, model: Model, rows: EncodedRows): Promise<Explained>;
}

export function createExplainer(explanations: Explanations, { shed }: Pick<HttpRecorder, 'shed'>): Explainer {
  const { maxRows } = explanations;
  return {
    spaceOf: (model) => {
      const explanation = explanationOf(model);
      const reason = 'reason' in explanation ? explanation.reason : explanations.reasonOf(model);
      if (reason !== undefined || 'reason' in explanation) throw notExplainable(reason ?? '');
      return explanation.space;
    },
    requireFewRows: (decoded) => {
      if ((decoded.encoded?.rows ?? decoded.table.data.length) > maxRows)
        throw new Problem('too_many_rows', {
          detail: `At most ${maxRows} rows are explained at a time: send the others in further requests.`,
        });
      return decoded;
    },
    explain: async (request, model, rows) => {
      try {
        return await explanations.explain(model, rows, { requestId: request.id, signal: request.signal() });
      } catch (error) {
        if (error instanceof Problem && error.code === 'overloaded') shed('explanations');
        throw error;
      }
    },
  };
}
