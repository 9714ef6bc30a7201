import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { rawRequest } from '../../proxy/testing/rawRequest.ts';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import type { AdultRow } from '../testing/adultRows.ts';
import { ADULT_COLUMNS, answerOf, bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { eventually } from '../testing/withDeadline.ts';

// Each wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** The JavaScript heap of each process. The compiler needs more: build before, as `npm test` does. */
const HEAP_MIB = 64;
const CLIENTS = 64;
const REQUESTS_A_CLIENT = 6;
const JSON_TYPE = 'application/json';
const HEADER = `${ADULT_COLUMNS.join()}\n`;

const record = ({ cells }: Pick<AdultRow, 'cells'>): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]]));
const columnwise = (rows: readonly AdultRow[]): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, rows.map(({ cells }) => cells[at])]));
const csv = (rows: readonly AdultRow[]): string => rows.map(({ cells }) => `${cells.join()}\n`).join('');

/** The same rows in each form of a request. */
type Form = (rows: readonly AdultRow[]) => { path: string; init: RequestInit };
const post = (path: string, type: string, body: string): ReturnType<Form> => ({
  path,
  init: { method: 'POST', headers: { 'content-type': type }, body },
});
const FORMS: Readonly<Record<string, Form>> = {
  split: (rows) => post('/predict', JSON_TYPE, bodyOf(rows)),
  records: (rows) => post('/models/adult/predict', JSON_TYPE, JSON.stringify(rows.map(record))),
  columns: (rows) => post('/models/adult/versions/1/predict', JSON_TYPE, JSON.stringify(columnwise(rows))),
  CSV: (rows) => post('/predict', 'text/csv', HEADER + csv(rows)),
  'CSV without a header': (rows) => post('/predict?header=false', 'text/csv', csv(rows)),
  upload: (rows) => {
    const form = new FormData();
    form.append('file', new Blob([HEADER + csv(rows)]), 'rows.csv');
    return { path: '/predict_file', init: { method: 'POST', body: form } };
  },
};

describe.skipIf(nginxMissing)(needsNginx('the native API through nginx'), () => {
  const rows = readAdultRows();
  let server: Server;
  beforeAll(async () => {
    server = await startServer({
      env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`, MAX_BODY_BYTES: '1000000' },
    });
  });
  afterAll(() => server.clean());

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { signal: AbortSignal.timeout(60_000), ...init });
  const send = async ({ path, init }: ReturnType<Form>): Promise<string> => (await ask(path, init)).text();

  /** The peak memory of the server processes. */
  const peakMiB = (): number =>
    Math.max(
      ...server.serverProcesses().map((pid) => {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
      }),
    );

  /** The open spools of the server processes. */
  const spools = (): string[] =>
    server.serverProcesses().flatMap((pid) =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`).match(/spool-/) ? [fd] : [];
        } catch {
          return []; // Closed in between.
        }
      }),
    );

  const good = JSON.stringify(adultBody(ADULT_ROW));
  const query = new URLSearchParams(
    ADULT_COLUMNS.map((name, at): [string, string] => [name, String(ADULT_ROW[at])]),
  ).toString();

  it.each<[string, string, string | Buffer, number, string?, Record<string, string>?]>([
    ['POST', '/predict', good, 200],
    ['POST', '/predict?probabilities=true', good, 200],
    ['POST', '/predict?on_error=null', JSON.stringify(adultBody([1])), 200],
    ['POST', '/predict', '[]', 200],
    ['GET', `/predict?${query}`, '', 200],
    ['GET', '/predict?age=1', '', 422, 'invalid_columns'],
    ['GET', '/models/adult/predict', '', 200],
    ['GET', '/models/adult/versions/1', '', 200],
    ['GET', '/models/adult/versions/9', '', 404, 'model_not_found'],
    ['POST', '/models/nope/predict', good, 404, 'model_not_found'],
    ['POST', '/models/adult/versions/x/predict', good, 404, 'model_not_found'],
    ['POST', '/predictions', good, 404, 'not_found'],
    ['PUT', '/predict_file', '', 405, 'method_not_allowed'],
    ['POST', '/predict', '{}', 422, 'invalid_columns'],
    ['POST', '/predict', '[{}]', 422, 'invalid_columns'],
    ['POST', '/predict', '{"age":[1],"sex":1}', 400, 'invalid_body'],
    ['POST', '/predict', '{', 400, 'invalid_json'],
    ['POST', '/predict', '"', 400, 'invalid_csv', { 'content-type': 'text/csv' }],
    ['POST', '/predict', 'x', 400, 'invalid_compression', { 'content-encoding': 'gzip' }],
    ['POST', '/predict', 'x', 415, 'unsupported_media_type', { 'content-encoding': 'lzma' }],
    ['POST', '/predict?header=false', good, 400, 'invalid_parameter'],
    ['POST', '/predict', Buffer.alloc(1_000_001, ' '), 413, 'body_too_large'],
    [
      'POST',
      '/predict_file',
      Buffer.alloc(3_000_000, '\n'),
      400,
      'invalid_csv',
      { 'content-type': 'text/csv' },
    ],
    [
      'POST',
      '/predict_file',
      Buffer.alloc(3_000_000, 0xff),
      400,
      'invalid_encoding',
      { 'content-type': 'text/csv' },
    ],
    ['POST', '/predict_file', Buffer.alloc(3_000_000), 415, 'unsupported_media_type'],
    [
      'POST',
      '/models/nope/predict_file',
      Buffer.alloc(3_000_000),
      404,
      'model_not_found',
      { 'content-type': 'text/csv' },
    ],
    [
      'POST',
      '/predict_file',
      HEADER,
      406,
      'not_acceptable',
      { 'content-type': 'text/csv', accept: 'image/png' },
    ],
  ])('%s %s with %.20s is %d %s', async (method, path, body, status, code, headers = {}) => {
    const answer = await ask(path, {
      method,
      headers: { 'content-type': JSON_TYPE, ...headers },
      ...(method === 'GET' ? {} : { body: body as string }),
    });
    const text = await answer.text();
    expect([answer.status, (JSON.parse(text) as { code?: string }).code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe(status === 200 ? JSON_TYPE : 'application/problem+json');
  });

  it('gives the same answers to single rows, chunks and batches, in every form', async () => {
    const some = rows.slice(0, 300);
    const whole = await send(FORMS['split']!(some));
    for (const form of Object.values(FORMS)) expect(await send(form(some))).toBe(whole);
    const withScores = async (part: readonly AdultRow[]): Promise<number[][]> => {
      const { path, init } = FORMS['split']!(part);
      const answer = (await (await ask(`${path}?probabilities=true`, init)).json()) as {
        probabilities: number[][];
      };
      return answer.probabilities;
    };
    const scores = await withScores(some);
    for (const size of [1, 3, 64]) {
      const parts: number[][] = [];
      for (let at = 0; at < 64; at += size) parts.push(...(await withScores(some.slice(at, at + size))));
      expect(parts.slice(0, 64)).toEqual(scores.slice(0, 64));
    }
  });

  it('answers the other rows unchanged beside a bad one with on_error=null', async () => {
    const some = rows.slice(0, 50).map(({ cells }) => cells);
    const scores = async (data: readonly unknown[]): Promise<unknown[]> => {
      const body = JSON.stringify({ columns: ADULT_COLUMNS, data });
      const answer = await send(post('/predict?on_error=null&probabilities=true', JSON_TYPE, body));
      return (JSON.parse(answer) as { probabilities: unknown[] }).probabilities;
    };
    // Its last cell is bad: all others are encoded before it is found.
    const spoilt = some.map((cells) => cells.with(-1, 1));
    const mixed = await scores(some.flatMap((cells, row) => [spoilt[(row + 7) % 50], cells]));
    expect(mixed).toEqual((await scores(some)).flatMap((score) => [null, score]));
  });

  it('gives each of 64 mixed clients its own answers', async () => {
    const forms = Object.values(FORMS);
    const client = async (_: unknown, index: number): Promise<void> => {
      for (let turn = 0; turn < REQUESTS_A_CLIENT; turn++) {
        const at = (index * 131 + turn * 977) % 16_000;
        // Rows that no other client sends, from one to more than a batch has.
        const part = rows.slice(at, at + [1, 1, 5, 40, 200, 1500][(index + turn) % 6]!);
        expect(await send(forms[(index + turn) % forms.length]!(part))).toBe(answerOf(part));
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  });

  it('compresses a long answer for a client that accepts it, and no other', async () => {
    const many = `${HEADER}${csv(rows.slice(0, 2000))}`;
    const length = `Content-Type: text/csv\r\nContent-Length: ${Buffer.byteLength(many)}\r\n`;
    const headersFor = async (accept: string, body: string, head: string) =>
      (await rawRequest(server.port, `POST /predict HTTP/1.1\r\nHost: x\r\n${accept}${head}\r\n${body}`))
        .headers;
    const packed = await headersFor('Accept-Encoding: br, gzip\r\n', many, length);
    expect([packed['content-encoding'], packed['vary']]).toEqual([['gzip'], ['Accept-Encoding']]);
    const plain = await headersFor('', many, length);
    expect([plain['content-encoding'], plain['vary']]).toEqual([undefined, ['Accept-Encoding']]);
    const small = await headersFor('Accept-Encoding: gzip\r\n', good, `Content-Length: ${good.length}\r\n`);
    expect(small['content-encoding']).toBeUndefined();
  });

  it('accepts a file larger than the memory of a process, answers others meanwhile, and leaves nothing', async () => {
    const block = Buffer.from(csv(rows));
    const times = Math.ceil((HEAP_MIB * 1024 * 1024) / block.length) + 1;
    const before = peakMiB();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent === 0) controller.enqueue(Buffer.from(HEADER));
        controller.enqueue(block);
        if (++sent === times) controller.close();
      },
    });
    let done = false;
    const upload = ask('/predict_file', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body,
      duplex: 'half',
      signal: AbortSignal.timeout(100_000),
    }).then(async (answer) => {
      const text = await answer.text();
      done = true;
      return { status: answer.status, text };
    });
    const waits: number[] = [];
    while (!done) {
      const start = performance.now();
      expect(
        (await ask('/predict', { method: 'POST', body: good, headers: { 'content-type': JSON_TYPE } }))
          .status,
      ).toBe(200);
      waits.push(performance.now() - start);
    }
    const { status, text } = await upload;
    expect(status).toBe(200);
    const { predictions } = JSON.parse(text) as { predictions: string[] };
    expect(predictions).toHaveLength(rows.length * times);
    expect(predictions.filter((label, row) => label !== rows[row % rows.length]?.label)).toEqual([]);
    expect(peakMiB() - before).toBeLessThan(2 * HEAP_MIB);
    // A piece takes milliseconds; waiting for the whole file would take seconds.
    expect(waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(500);

    await eventually('no spool is left', () => spools().length === 0);
    const left = readdirSync(server.tmp, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('spool-'))).toEqual([]);
  });

  it('stops working on a file whose client disconnects', async () => {
    const gone = new AbortController();
    const body = Buffer.concat([Buffer.from(HEADER), ...new Array<Buffer>(30).fill(Buffer.from(csv(rows)))]);
    const headers = { 'content-type': 'text/csv' };
    const upload = ask('/predict_file', { method: 'POST', headers, body, signal: gone.signal });
    await eventually('the file is worked on', () => spools().length > 0);
    gone.abort();
    await expect(upload).rejects.toThrow();
    // Before all its rows could be answered.
    await eventually('its spools are freed', () => spools().length === 0, 2000);
  });
});
