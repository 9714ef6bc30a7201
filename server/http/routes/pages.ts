import { Problem } from '../../errors/problem.ts';
import type { Assets } from '../../web/assets.ts';
import { PAGE_HEADERS } from '../../web/policy.ts';
import { IMMUTABLE, REVALIDATE, answerCached } from '../cached.ts';
import type { Methods } from '../router.ts';

/** A page of server/web. */
export function pageRoute(assets: Assets, folder: string): Methods {
  const page = assets.page(folder);
  return { GET: (c) => answerCached(c, page, REVALIDATE, PAGE_HEADERS) };
}

/** `GET /assets/:digest/:folder/:file`: what the pages load. */
export function assetsRoute(assets: Assets): Methods {
  return {
    GET: (c) => {
      const asset = assets.find(`${c.req.param('folder')}/${c.req.param('file')}`);
      if (!asset) throw new Problem('not_found');
      // During a reload a page of an old process may load files of a new one: those must not be cached for long.
      const cacheControl = c.req.param('digest') === assets.digest ? IMMUTABLE : REVALIDATE;
      return answerCached(c, asset, cacheControl, { 'x-content-type-options': 'nosniff' });
    },
  };
}
