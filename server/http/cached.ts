import { answerHeaders } from './answerHeaders.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import type { Packing } from './compress.ts';
import { packedHeaders, packingFor } from './compress.ts';
import type { Asset } from '../web/assets.ts';

/** Must be asked for anew each time; the answer may be 304. */
export const REVALIDATE = 'no-cache';
/** Never changes under its path. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Whether a client already has what an entity tag stands for (RFC 9110, section 13.1.2: weak comparison). */
const has = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed.replace(/^W\//, '') === etag;
  });

type Packed = ReturnType<Packing['pack']>;

/** Each text is packed once in each way that is asked for, and kept as long as itself. */
const kept = new WeakMap<Asset, Map<Packing, Packed>>();
function packOnce(asset: Asset, packing: Packing): Packed {
  const ways = kept.get(asset) ?? new Map<Packing, Packed>();
  kept.set(asset, ways);
  const packed = ways.get(packing) ?? packing.pack(asset.body);
  ways.set(packing, packed);
  return packed;
}

/** Answers with a text that has an entity tag: 304, without it, where the client has it already. */
export function answerCached(
  c: AppContext,
  asset: Asset,
  cacheControl: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> | Response {
  const { type, body, etag } = asset;
  const common = { etag, 'cache-control': cacheControl, ...answerHeaders(c), ...headers };
  const known = header(c, 'if-none-match');
  if (known !== undefined && has(known, etag))
    return new Response(null, { status: 304, headers: { vary: 'accept-encoding', ...common } });
  const full = { 'content-type': type, ...common };
  const packing = packingFor(c, body.length);
  if (!packing) return new Response(body, { headers: full });
  // Other bytes under the tag of the text: a weak one, as nginx makes of it for gzip.
  const weak = packedHeaders(packing, { ...full, etag: `W/${etag}` });
  return packOnce(asset, packing).then((packed) => new Response(packed, { headers: weak }));
}
