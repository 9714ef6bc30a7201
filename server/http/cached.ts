import { answerHeaders } from './answerHeaders.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import type { Compression } from './compress.ts';
import { compressedHeaders, compressionFor } from './compress.ts';
import type { Asset } from '../web/assets.ts';

/** A cache must send the entity tag again each time; the answer may be 304. */
export const REVALIDATE = 'no-cache';
/** The body at this path never changes. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Whether If-None-Match has an entity tag (RFC 9110, section 13.1.2: weak comparison). */
const matches = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed.replace(/^W\//, '') === etag;
  });

type Compressed = ReturnType<Compression['compress']>;

/** The compressed forms of each text, kept as long as the text. */
const compressedOf = new WeakMap<Asset, Map<Compression, Compressed>>();
function compressOnce(asset: Asset, compression: Compression): Compressed {
  const forms = compressedOf.get(asset) ?? new Map<Compression, Compressed>();
  compressedOf.set(asset, forms);
  const compressed = forms.get(compression) ?? compression.compress(asset.body);
  forms.set(compression, compressed);
  return compressed;
}

/** Answers with a text and its entity tag, or with 304 and no body if the client has the text already. */
export function answerCached(
  c: AppContext,
  asset: Asset,
  cacheControl: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> | Response {
  const { type, body, etag } = asset;
  const common = { etag, 'cache-control': cacheControl, ...answerHeaders(c), ...headers };
  const known = header(c, 'if-none-match');
  if (known !== undefined && matches(known, etag))
    return new Response(null, { status: 304, headers: { vary: 'accept-encoding', ...common } });
  const full = { 'content-type': type, ...common };
  const compression = compressionFor(header(c, 'accept-encoding'), body.length);
  if (!compression) return new Response(body, { headers: full });
  // The bytes differ from the text's, so its tag becomes weak; nginx does the same for gzip.
  const weak = compressedHeaders(compression, { ...full, etag: `W/${etag}` });
  return compressOnce(asset, compression).then((bytes) => new Response(bytes, { headers: weak }));
}
