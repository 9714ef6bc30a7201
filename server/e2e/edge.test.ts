import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { rawRequest } from '../../proxy/testing/rawRequest.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import { scrapeAll } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

const KEY = 'key-of-the-bank';
const MAX_BODY_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 256 * 1024;
const rows = readAdultRows().slice(0, 20);
const labels = rows.map(({ label }) => label);
const ANSWER = { predictions: labels };
const bare = rows.map(({ cells }) => `${cells.join()}\n`).join('');
const csv = `${ADULT_COLUMNS.join()}\n${bare}`;
const records = rows.map(({ cells }) =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]])),
);
const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');

const JSON_TYPE = 'application/json';
const LINES = 'application/jsonlines';
const CURL = 'application/x-www-form-urlencoded';

describe.skipIf(nginxMissing)(needsNginx('a server behind nginx, with keys'), () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({
      env: {
        API_KEYS: `bank:${createHash('sha256').update(KEY).digest('hex')}`,
        MAX_BODY_BYTES: String(MAX_BODY_BYTES),
        MAX_FILE_BYTES: String(MAX_FILE_BYTES),
        AIP_PREDICT_ROUTE: '/vertex/predict',
      },
    });
  });
  afterAll(() => server.clean());

  const post = (path: string, type: string, body: string, headers = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      redirect: 'error',
      headers: { 'x-api-key': KEY, 'content-type': type, ...headers },
      body,
    });

  it('answers a path with a slash at its end by the same route, and counts it as that', async () => {
    const counted = async (route: string): Promise<number> =>
      (await scrapeAll(server)).sum('http_requests_total', `route="${route}"`);
    for (const [path, route, body] of [
      ['/predict/', '/predict', JSON.stringify(records)],
      ['/invocations/', '/invocations', JSON.stringify({ dataframe_records: records })],
      ['/vertex/predict/', '/vertex/predict', JSON.stringify({ instances: records })],
      ['/models/adult/predict/?', '/models/:model/predict', JSON.stringify(records)],
      ['/v1/models/adult:predict/', '/v1/models/:target', JSON.stringify({ instances: records })],
    ] as const) {
      const before = await counted(route);
      const answer = await post(path, JSON_TYPE, body);
      expect([path, answer.status, await answer.json()]).toEqual([path, 200, ANSWER]);
      expect([path, await counted(route)]).toEqual([path, before + 1]);
    }
    for (const path of ['/ping/', '/health/ready/', '/v2/', '/v2/health/live/', '/models/', '/apidocs/']) {
      const headers = { 'x-api-key': KEY };
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers, redirect: 'error' });
      expect([path, answer.status]).toEqual([path, 200]);
    }
    expect(await counted('none')).toBe(0);
  });

  it('takes a file at the path with a slash, beyond the limit of a body', async () => {
    const many = csv + bare.repeat(40);
    expect(many.length).toBeGreaterThan(MAX_BODY_BYTES);
    const answer = await post('/predict_file/', 'text/csv', many);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { predictions: [] }).predictions).toHaveLength(41 * rows.length);
  });

  it('lets no slash past a key', async () => {
    for (const path of ['/predict/', '/predict_file/', '/invocations/', '/vertex/predict/', '/v2/'])
      expect([path, (await post(path, JSON_TYPE, '{}', { 'x-api-key': '' })).status]).toEqual([path, 401]);
    for (const path of [
      '//predict',
      '/predict//',
      '/predict%2F',
      '/%2Fpredict',
      '/ping/../predict',
      '//ping',
      '/ping%2F',
    ]) {
      const { status } = await rawRequest(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect([path, status]).toEqual([path, 401]);
    }
    expect((await rawRequest(server.port, 'GET /ping/ HTTP/1.1\r\nHost: x\r\n\r\n')).status).toBe(200);
  });

  it('answers uploads that nginx refuses in its own form', async () => {
    const head = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: x\r\n`;
    for (const path of ['/predict_file', '/predict_file/', '/models/adult/predict_file'])
      for (const more of [
        `Content-Length: ${1024 ** 4}\r\n\r\n`,
        `Transfer-Encoding: chunked\r\n\r\n${(MAX_FILE_BYTES + 1).toString(16)}\r\na,b`,
      ]) {
        const { status, headers, body } = await rawRequest(server.port, head(path) + more);
        expect([path, status, headers['content-type']]).toEqual([path, 413, ['application/problem+json']]);
        expect(JSON.parse(body)).toMatchObject({ code: 'body_too_large', status: 413 });
      }
    const vertex = await rawRequest(
      server.port,
      `${head('/vertex/predict/')}Content-Length: ${1024 ** 4}\r\n\r\n`,
    );
    expect(JSON.parse(vertex.body)).toEqual({ error: 'The body is larger than this server accepts.' });
  });

  it('reads each type of body as what it is', async () => {
    for (const [path, type, body] of [
      ['/predict', CURL, JSON.stringify(records)],
      ['/invocations', CURL, JSON.stringify({ dataframe_records: records })],
      ['/v1/models/adult:predict', CURL, JSON.stringify({ instances: records })],
      ['/vertex/predict', CURL, JSON.stringify({ instances: records })],
      ['/predict', 'application/json; charset=UTF8', JSON.stringify(records)],
      ['/predict', 'text/csv; header=absent', bare],
      ['/predict_file', 'text/csv; header=absent; charset=UTF8', bare],
      ['/invocations', 'text/csv; header=present', csv],
      ['/invocations', 'text/csv', bare],
      ['/predict', LINES, lines],
      ['/invocations', 'application/x-ndjson', lines],
    ] as const) {
      const answer = await post(path, type, body);
      expect([path, type, answer.status, await answer.json()]).toEqual([path, type, 200, ANSWER]);
    }
    expect((await scrapeAll(server)).sum('csv_header_absent_total', 'model="adult"')).toBe(1);
  });

  it('answers in JSON Lines, compressed too', async () => {
    const wanted = labels.map((prediction) => `${JSON.stringify({ prediction })}\n`).join('');
    for (const path of ['/predict', '/invocations'])
      for (const [body, type] of [
        [lines, LINES],
        [bare, 'text/csv; header=absent'],
      ] as const) {
        const headers = { accept: LINES, 'accept-encoding': 'gzip' };
        const answer = await post(path, type, body, headers);
        expect([path, answer.headers.get('content-type'), await answer.text()]).toEqual([
          path,
          LINES,
          wanted,
        ]);
      }
    const long = await post('/predict', LINES, lines.repeat(8), { accept: LINES, 'accept-encoding': 'gzip' });
    expect(long.headers.get('content-encoding')).toBe('gzip');
    expect(await long.text()).toBe(wanted.repeat(8));
  });
});
