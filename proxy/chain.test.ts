import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AdultRow } from '../server/testing/adultRows.ts';
import { ADULT_COLUMNS, answerOf, bodyOf, readAdultRows } from '../server/testing/adultRows.ts';
import { LOST_NOTHING, singles, startLoad, together } from '../server/testing/load.ts';
import { scrape } from '../server/testing/scrape.ts';
import type { Server } from '../server/testing/startServer.ts';
import { startServer } from '../server/testing/startServer.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';

// Each wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** The example of the README. */
const EXAMPLE =
  '{"columns":["age","workclass","fnlwgt","education","education-num","marital-status","occupation","relationship","race","sex","capital-gain","capital-loss","hours-per-week","native-country"],"data":[[25," Private",32275," Some-college",10," Married-civ-spouse"," Exec-managerial"," Wife"," Other"," Female",0,0,40," United-States"]]}';

const MAX_BODY_BYTES = 2 * 1024 * 1024;

interface Answer {
  readonly predictions: readonly string[];
  readonly probabilities: readonly (readonly number[])[];
  readonly classes: readonly string[];
}

describe.skipIf(nginxMissing)(needsNginx('the whole chain'), () => {
  let server: Server;
  let rows: AdultRow[];
  beforeAll(async () => {
    rows = readAdultRows();
    server = await startServer({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES) } });
  });
  afterAll(() => server.clean());

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { signal: AbortSignal.timeout(10_000), ...init });
  const predict = (body: string, path = '/predict'): Promise<Response> =>
    ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const predictions = async (some: readonly AdultRow[]): Promise<readonly string[]> => {
    const response = await predict(bodyOf(some));
    expect(response.status).toBe(200);
    return ((await response.json()) as Answer).predictions;
  };

  describe('answers', () => {
    it('the example', async () => {
      const response = await predict(EXAMPLE);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('x-model')).toBe('adult/1');
      expect(response.headers.get('server-timing')).toMatch(/^parse;dur=[\d.]+, queue;dur=[\d.]+, run;dur=/);
      expect(await response.text()).toBe('{"predictions":[" <=50K"]}');
    });

    it('GET /', async () => {
      const response = await ask('/');
      expect([response.status, await response.text()]).toEqual([200, 'Service is running']);
    });

    it('GET /predict, with an example that works', async () => {
      const { example, model } = (await (await ask('/predict')).json()) as { example: object; model: string };
      expect(model).toBe('adult/1');
      expect((await predict(JSON.stringify(example))).status).toBe(200);
    });

    it('GET /models and /models/adult', async () => {
      const { models } = (await (await ask('/models')).json()) as { models: unknown[] };
      expect(models[0]).toMatchObject({ name: 'adult', version: 1, default: true, state: 'ready' });
      const adult = (await (await ask('/models/adult')).json()) as { inputs: { name: string }[] };
      expect(adult.inputs.map(({ name }) => name)).toEqual(ADULT_COLUMNS);
      expect((await ask('/models/none')).status).toBe(404);
    });

    it.each(['/health/live', '/health/ready'])('GET %s', async (path) => {
      expect((await ask(path)).status).toBe(200);
    });

    it('probabilities, by class', async () => {
      const some = rows.slice(0, 50);
      const response = await predict(bodyOf(some), '/predict?probabilities=true');
      const { predictions: labels, probabilities, classes } = (await response.json()) as Answer;
      expect(classes).toEqual([' <=50K', ' >50K']);
      expect(labels).toEqual(some.map(({ label }) => label));
      some.forEach(({ probability }, row) => {
        expect(probabilities[row]?.[1]).toBeCloseTo(probability, 6);
        expect((probabilities[row]?.[0] ?? 0) + (probabilities[row]?.[1] ?? 0)).toBeCloseTo(1, 6);
      });
    });
  });

  describe('errors have the form of a problem', () => {
    const post = (path: string, length: number, body = ''): string =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
    const bare = (line: string): string => `${line} HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n`;
    const bad = EXAMPLE.replace('[[25,', '[["25",');

    it.each([
      ['a body above the limit', post('/predict', MAX_BODY_BYTES + 1), 413, 'body_too_large'],
      ['a raw byte in the path', bare('GET /\xe9'), 400, 'bad_request'],
      ['an unknown path', bare('GET /nowhere'), 404, 'not_found'],
      ['the metrics on the public port', bare('GET /metrics'), 404, 'not_found'],
      ['a method that the path does not have', bare('DELETE /predict'), 405, 'method_not_allowed'],
      ['a method that does not exist', bare('FOO /predict'), 405, 'method_not_allowed'],
      ['bad JSON', post('/predict', 1, '{'), 400, 'invalid_json'],
      ['a text in a number column', post('/predict', bad.length, bad), 422, 'invalid_rows'],
    ])('%s', async (_, bytes, status, code) => {
      const answer = await rawRequest(server.port, bytes);
      expect(answer.headers['content-type']).toEqual(['application/problem+json']);
      expect(answer.headers['x-request-id']).toEqual(['mine']);
      expect(JSON.parse(answer.body)).toMatchObject({ status, code, type: 'about:blank', requestId: 'mine' });
      expect(answer.status).toBe(status);
      if (status === 405) expect(answer.headers['allow']).toEqual(['GET, HEAD, POST']);
    });

    it('a bad cell is named by row and column, and not repeated', async () => {
      const response = await predict(bad);
      const body = await response.text();
      expect(JSON.parse(body)).toMatchObject({ errors: [{ row: 0, column: 'age' }], errorsTotal: 1 });
      // A random id may contain any number.
      expect(body.replace(/"requestId":"[^"]*"/, '')).not.toContain('25');
    });
  });

  describe('the request id', () => {
    it('is kept, and is in the answer exactly once', async () => {
      const answer = await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-1\r\n\r\n');
      expect(answer.headers['x-request-id']).toEqual(['a-1']);
    });

    it('is made if it is missing or hostile', async () => {
      for (const header of ['', 'X-Request-Id: a b\r\n']) {
        const answer = await rawRequest(server.port, `GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n`);
        expect(answer.headers['x-request-id']).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
      }
    });
  });

  describe('the metrics', () => {
    it('are the only route of their port', async () => {
      const { text } = await scrape(server);
      const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
        ([, name, type]) => `${name} ${type}`,
      );
      expect(families).toEqual(
        expect.arrayContaining([
          'app_info gauge',
          'http_requests_total counter',
          'http_request_duration_seconds histogram',
          'http_requests_in_flight gauge',
          'http_request_body_bytes histogram',
          'inference_queue_seconds histogram',
          'inference_batch_rows histogram',
          'inference_duration_seconds histogram',
          'inference_rows_total counter',
          'inference_queue_rows gauge',
          'requests_shed_total counter',
          'validation_errors_total counter',
          'model_info gauge',
          'model_ready gauge',
          'model_load_duration_seconds gauge',
          'model_predictions_total counter',
          'model_unknown_category_total counter',
          'server_processes gauge',
          'server_process_restarts_total counter',
          'nodejs_eventloop_lag_seconds gauge',
        ]),
      );
      expect(new Set(families).size).toBe(families.length);
      expect((await fetch(`http://127.0.0.1:${server.metricsPort}/`)).status).toBe(404);
    });

    it('count over all processes', async () => {
      const before = await scrape(server);
      const some = rows.slice(0, 400);
      const report = await startLoad({
        port: server.port,
        connections: 16,
        cases: singles(some),
        requests: some.length,
      }).done;
      expect(report).toMatchObject({ right: 400, ...LOST_NOTHING });
      const after = await scrape(server);
      const grew = (name: string, ...labels: string[]): number =>
        after.sum(name, ...labels) - before.sum(name, ...labels);
      expect(grew('http_requests_total', 'method="POST"', 'route="/predict"', 'status="200"')).toBe(400);
      expect(grew('http_request_duration_seconds_count', 'route="/predict"')).toBe(400);
      expect(grew('http_request_body_bytes_count')).toBe(400);
      expect(grew('inference_rows_total', 'model="adult"')).toBe(400);
      expect(grew('inference_batch_rows_sum')).toBe(400);
      const high = some.filter(({ label }) => label === ' >50K').length;
      expect(grew('model_predictions_total', 'label=" >50K"')).toBe(high);
      expect(grew('model_predictions_total', 'label=" <=50K"')).toBe(400 - high);
      expect(after.sum('server_processes')).toBe(2);
      expect(after.sum('model_ready', 'model="adult"', 'version="1"')).toBe(2);
      expect(after.sum('http_requests_in_flight')).toBe(0);
      expect(after.sum('inference_queue_rows')).toBe(0);
    });

    it('count refused cells by column', async () => {
      const before = await scrape(server);
      await predict(EXAMPLE.replace('[[25,', '[["25",'));
      const name = ['validation_errors_total', 'column="age"'] as const;
      expect((await scrape(server)).sum(...name) - before.sum(...name)).toBe(1);
    });
  });

  describe('many at once', () => {
    it('each answer belongs to its own request: 64 clients, bodies of all sizes, errors among them', async () => {
      // 1 + 2 + 3 … rows: most answers differ in their number of labels alone.
      const sizes = [1, 2, 3, 5, 8, 13, 40, 1, 300, 1];
      const cases = Array.from({ length: 500 }, (_, index) => {
        const from = (index * 29) % 15_000;
        return together(rows.slice(from, from + (sizes[index % sizes.length] as number)));
      });
      const load = startLoad({ port: server.port, connections: 64, cases, requests: 2000 });
      const refused = Array.from({ length: 200 }, async (_, index) => {
        const broken = EXAMPLE.replace(' Private', `x${index}`).replace('[[25,', '[["25",');
        const response = await predict(index % 2 === 0 ? broken : broken.slice(0, -1));
        return response.status === (index % 2 === 0 ? 422 : 400);
      });
      expect(await Promise.all(refused)).toEqual(refused.map(() => true));
      expect(await load.done).toMatchObject({ right: 2000, resent: 0, ...LOST_NOTHING });
    });

    it('single rows are answered while every process works on bodies of 10,000 rows', async () => {
      const { port } = server;
      const large = startLoad({
        port,
        connections: 4,
        cases: [together(rows.slice(0, 10_000))],
        requests: 24,
      });
      const single = startLoad({ port, connections: 4, cases: singles(rows.slice(0, 500)) });
      expect(await large.done).toMatchObject({ right: 24, resent: 0, ...LOST_NOTHING });
      const report = await single.stop();
      expect(report).toMatchObject({ resent: 0, ...LOST_NOTHING });
      // If rows waited for whole bodies, there would be one answer a body at best: 4 clients, 24 bodies.
      expect(report.right).toBeGreaterThan(4 * 24);
    });

    it('the same rows get the same answers singly, in batches and in one request', async () => {
      const some = rows.slice(2000, 3000);
      const expected = some.map(({ label }) => label);
      const probabilities = async (part: readonly AdultRow[]): Promise<readonly (readonly number[])[]> =>
        ((await (await predict(bodyOf(part), '/predict?probabilities=true')).json()) as Answer).probabilities;
      const inOne = await probabilities(some);
      const inBatches: (readonly number[])[] = [];
      for (let from = 0; from < some.length; from += 37)
        inBatches.push(...(await probabilities(some.slice(from, from + 37))));
      const singly: (readonly number[])[] = [];
      for (let from = 0; from < some.length; from += 50)
        singly.push(
          ...(await Promise.all(some.slice(from, from + 50).map((row) => probabilities([row])))).flat(),
        );
      expect(await predictions(some)).toEqual(expected);
      const within = (a: readonly (readonly number[])[]): number =>
        Math.max(...a.map((row, index) => Math.abs((row[1] as number) - (inOne[index]?.[1] as number))));
      expect(inBatches).toHaveLength(some.length);
      expect(singly).toHaveLength(some.length);
      // A batch of one may sum the trees of a forest in another order than a large batch.
      expect([within(inBatches) < 1e-6, within(singly) < 1e-6]).toEqual([true, true]);
    });

    it('a chunked body is accepted', async () => {
      const body = bodyOf(rows.slice(0, 700));
      const part = Math.ceil(body.length / 5);
      const chunks = Array.from({ length: 5 }, (_, index) => body.slice(index * part, (index + 1) * part));
      const bytes =
        'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n' +
        chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') +
        '0\r\n\r\n';
      const answer = await rawRequest(server.port, bytes);
      expect([answer.status, answer.body]).toEqual([200, answerOf(rows.slice(0, 700))]);
    });
  });

  it('ends on SIGTERM: code 0, quickly, nothing left', async () => {
    const { code, signal, ms } = await server.stop();
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(ms).toBeLessThan(9000);
    expect(await server.leftBehind()).toEqual([]);
    // Level 40 is a warning.
    expect(server.lines().filter(({ level }) => level >= 40)).toEqual([]);
  });
});
