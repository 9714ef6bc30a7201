import type { AppContext } from '../middleware/handler.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { AskSums } from '../questions.ts';
import { SHADOW_PREFIX } from '../shadow/metrics.ts';
import { readReports } from '../shadow/report.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';
import { namedModel } from './modelOf.ts';
import { requireJsonAnswer } from './negotiation.ts';

/** `GET /models/:model/shadow`: what shadows would have answered in the place of the served version. */
export function shadowRoute(catalogue: Catalogue, ask: AskSums): Methods {
  const modelOf = namedModel(catalogue);
  return {
    GET: async (c: AppContext) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      const { name, version } = model;
      const shadows = readReports(model, await ask(SHADOW_PREFIX));
      return answerJson(c, JSON.stringify({ name, version, shadows }));
    },
  };
}
