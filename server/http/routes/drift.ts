import { driftPage } from '../../web/driftPage.ts';
import { Problem } from '../../errors/problem.ts';
import { answerHeaders } from '../answerHeaders.ts';
import { sendText } from '../compress.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { AskDrift } from '../../observers/drift/messages.ts';
import type { Assets } from '../../web/assets.ts';
import { PAGE_HEADERS } from '../../web/policy.ts';
import { REVALIDATE } from '../cached.ts';
import type { Methods } from '../router.ts';
import { findNamedModel } from '../modelOf.ts';
import { pageOrJson } from '../mediaTypes.ts';

/** For caches: the answer depends on the Accept header and changes all the time. */
const HEADERS = { vary: 'accept', 'cache-control': REVALIDATE };

/** `GET /models/:model/drift`: how recent rows differ from the training data; a page for browsers. */
export function driftRoute(catalogue: Catalogue, ask: AskDrift, assets: Assets): Methods {
  const modelOf = findNamedModel(catalogue);
  const place = `/assets/${assets.digest}`;
  return {
    GET: async (c) => {
      const model = modelOf(c);
      const form = pageOrJson(c);
      const report = await ask(model.key);
      if (!report) throw new Problem('not_ready', { detail: 'The rows of this model are not counted yet.' });
      const common = { ...HEADERS, ...answerHeaders(c) };
      if (form === 'json')
        return sendText(c, JSON.stringify(report), { 'content-type': 'application/json', ...common });
      return sendText(c, driftPage(report, place), {
        'content-type': 'text/html; charset=utf-8',
        ...PAGE_HEADERS,
        ...common,
      });
    },
  };
}
