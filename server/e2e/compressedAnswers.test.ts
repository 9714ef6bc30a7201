import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { ADULT_COLUMNS, bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Node 22.15 and later have it. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: (bytes: Buffer) => Buffer };
const UNPACK: Readonly<Record<string, ((bytes: Buffer) => Buffer) | undefined>> = {
  br: zlib.brotliDecompressSync,
  gzip: zlib.gunzipSync,
  zstd: zstdDecompressSync,
};

interface Asked {
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Decompressed. */
  readonly text: string;
}

const rows = readAdultRows();
const many = bodyOf(Array.from({ length: 5 }, () => rows.slice(0, 100)).flat());
const csv = [ADULT_COLUMNS, ...rows.slice(0, 200).map(({ cells }) => cells)]
  .map((row) => row.join())
  .join('\n');
const UPLOAD: Asked = { path: '/predict_file', body: csv, type: 'text/csv' };

describe.skipIf(nginxMissing)(needsNginx('packed answers through nginx'), () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({});
  });
  afterAll(() => server.clean());

  /** Unlike `fetch` it adds no Accept-Encoding. */
  const ask = ({ path, body, type = 'application/json', headers }: Asked, accept?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const outgoing = request({
        port: server.port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...(body === undefined ? {} : { 'content-type': type }),
          ...(accept === undefined ? {} : { 'accept-encoding': accept }),
          ...headers,
        },
        signal: AbortSignal.timeout(60_000),
      });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('error', reject);
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          const { statusCode: status, headers: given } = incoming;
          const bytes = Buffer.concat(chunks);
          const unpack = UNPACK[given['content-encoding'] ?? ''];
          resolve({ status, headers: given, text: (unpack ? unpack(bytes) : bytes).toString() });
        });
      });
      outgoing.end(body);
    });

  it.each([
    ['br', 'br'],
    ['br', 'gzip;q=0, br'],
    ['br', 'BR;q=0.9, gzip;q=0.8, *;q=0.1'],
    ['br', 'identity;q=0.1, br;q=0.2'],
    ['gzip', 'gzip, deflate, br, zstd'],
    ['gzip', 'br;q=0.5, gzip'],
    [undefined, undefined],
    [undefined, 'br;q=0'],
    [undefined, 'br;q=0.5, identity'],
    [undefined, 'br;q=x'],
    [undefined, 'brotli, x-br, *'],
    [zstdDecompressSync ? 'zstd' : undefined, 'zstd'],
    [zstdDecompressSync ? 'zstd' : 'br', 'zstd, br;q=0.9'],
  ])('are %s for Accept-Encoding: %s', async (coding, accept) => {
    const asked: readonly Asked[] = [
      { path: '/predict?probabilities=true', body: many },
      { path: '/openapi.json' },
      // Compressed once, then cached.
      { path: '/openapi.json' },
      { path: '/models/adult' },
      UPLOAD,
      { ...UPLOAD, headers: { accept: 'text/csv' } },
    ];
    for (const one of asked) {
      const plain = await ask(one);
      const { status, headers, text } = await ask(one, accept);
      expect([one.path, status, headers['content-encoding']]).toEqual([one.path, 200, coding]);
      expect(headers['vary']?.toLowerCase()).toBe('accept-encoding');
      expect(text).toBe(plain.text);
    }
    // Too short to be compressed.
    const short = await ask({ path: '/predict', body: bodyOf(rows.slice(0, 1)) }, accept);
    expect([short.status, short.headers['content-encoding'], short.headers['vary']]).toEqual([
      200,
      undefined,
      undefined,
    ]);
  });

  it('include errors and pages, with a complete Vary', async () => {
    const wrong = { path: '/predict', body: many.replaceAll('" Male"', '1') };
    const refused = await ask(wrong, 'br');
    expect([refused.status, refused.headers['content-encoding']]).toEqual([422, 'br']);
    expect(refused.headers).toMatchObject({
      'x-model': 'adult/1',
      'content-type': 'application/problem+json',
    });
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'invalid_rows' });
    const page = await ask({ path: '/', headers: { accept: 'text/html' } }, 'br');
    expect([page.headers['content-encoding'], page.headers['vary']]).toEqual([
      'br',
      'accept, accept-encoding',
    ]);
  });

  it('have an entity tag that gives 304 later', async () => {
    const { headers } = await ask({ path: '/openapi.json' }, 'br');
    const etag = headers['etag'] ?? '';
    expect(etag).toMatch(/^W\/"/);
    const again = { path: '/openapi.json', headers: { 'if-none-match': etag } };
    expect((await ask(again, 'br')).status).toBe(304);
  });
});
