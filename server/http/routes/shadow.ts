import type { AppContext } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { AskSums } from '../../metrics/messages.ts';
import { SHADOW_PREFIX } from '../../observers/shadow/metrics.ts';
import { readShadowReports } from '../../observers/shadow/report.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';
import { findNamedModel } from '../modelOf.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';

/** `GET /models/:model/shadow`: what candidates would have answered instead of the served version. */
export function shadowRoute(catalogue: Catalogue, ask: AskSums): Methods {
  const modelOf = findNamedModel(catalogue);
  return {
    GET: async (c: AppContext) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      const { name, version } = model;
      const shadows = readShadowReports(model, await ask(SHADOW_PREFIX));
      return answerJson(c, JSON.stringify({ name, version, shadows }));
    },
  };
}
