import { driftPage } from '../drift/page.ts';
import { Problem } from '../errors.ts';
import { ownHeaders } from '../middleware/about.ts';
import { send } from '../middleware/packing.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { AskDrift } from '../questions.ts';
import type { Assets } from '../web/assets.ts';
import { PAGE_HEADERS } from '../web/policy.ts';
import { REVALIDATE } from './cached.ts';
import type { Methods } from './define.ts';
import { namedModel } from './modelOf.ts';
import { pageOrJson } from './negotiation.ts';

/** What a cache must know: the answer depends on what the client takes, and is of this moment. */
const HEADERS = { vary: 'accept', 'cache-control': REVALIDATE };

/** `GET /models/:model/drift`: how the rows of late differ from the training data; a page for browsers. */
export function driftRoute(catalogue: Catalogue, ask: AskDrift, assets: Assets): Methods {
  const modelOf = namedModel(catalogue);
  const place = `/assets/${assets.digest}`;
  return {
    GET: async (c) => {
      const model = modelOf(c);
      const form = pageOrJson(c);
      const report = await ask(model.key);
      if (!report) throw new Problem('not_ready', { detail: 'The rows of this model are not counted yet.' });
      const common = { ...HEADERS, ...ownHeaders(c) };
      if (form === 'json')
        return send(c, JSON.stringify(report), { 'content-type': 'application/json', ...common });
      return send(c, driftPage(report, place), {
        'content-type': 'text/html; charset=utf-8',
        ...PAGE_HEADERS,
        ...common,
      });
    },
  };
}
