import { Problem } from '../errors.ts';
import type { AppContext } from '../middleware/handler.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { AskSums } from '../questions.ts';
import { SHADOW_PREFIX } from '../shadow/metrics.ts';
import { readReports } from '../shadow/report.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';
import { requireJsonAnswer } from './negotiation.ts';

/** `GET /models/:model/shadow`: what shadows would have answered in the place of the served version. */
export const shadowRoute = (catalogue: Catalogue, ask: AskSums): Methods => ({
  GET: async (c: AppContext) => {
    requireJsonAnswer(c);
    const model = catalogue.find(c.req.param('model') ?? '');
    if (!model) throw new Problem('model_not_found');
    const { name, version } = model;
    return answerJson(
      c,
      JSON.stringify({ name, version, shadows: readReports(model, await ask(SHADOW_PREFIX)) }),
    );
  },
});
