import { Problem } from '../errors.ts';
import type { MetricObject } from '../metrics/aggregate.ts';
import type { AppContext } from '../middleware/handler.ts';
import type { Catalogue } from '../models/catalogue.ts';
import { readReports } from '../shadow/report.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';
import { requireJsonAnswer } from './negotiation.ts';

/** Asks for the shadow metrics of all processes. */
export type AskShadow = () => Promise<readonly MetricObject[]>;

/** `GET /models/:model/shadow`: what shadows would have answered in the place of the served version. */
export const shadowRoute = (catalogue: Catalogue, ask: AskShadow): Methods => ({
  GET: async (c: AppContext) => {
    requireJsonAnswer(c);
    const model = catalogue.find(c.req.param('model') ?? '');
    if (!model) throw new Problem('model_not_found');
    const { name, version } = model;
    return answerJson(c, JSON.stringify({ name, version, shadows: readReports(model, await ask()) }));
  },
});
