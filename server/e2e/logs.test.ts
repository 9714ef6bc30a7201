import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { buildModel } from '../testing/buildModel.ts';
import { bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Server } from '../testing/startServer.ts';
import { freePort } from '../testing/freePort.ts';
import { CHECKOUT, startServer } from '../testing/startServer.ts';
import { putVersion } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Part of requests and settings; must not be in the logs. */
const SECRET = 'hunter2secret';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** Converts texts to numbers, and fails for other texts. */
const castModel = {
  'model.onnx': buildModel({
    inputs: [{ name: 's', element: 'string', dims: ['n', 1] }],
    outputs: [{ name: 'y', element: 'float', dims: ['n', 1] }],
    nodes: [{ op: 'Cast', domain: '', inputs: ['s'], outputs: ['y'], attributes: { to: { int: 1 } } }],
  }),
  'model.json': JSON.stringify({
    task: 'regression',
    inputs: [{ name: 's', onnx: 's', type: 'string', nullable: false, example: '1' }],
    outputs: { value: 'y' },
  }),
  'golden.json': JSON.stringify({ columns: ['s'], data: [['1']], predictions: [1] }),
};

/** Ends a thread during its next batch, once the file exists. */
const diesOnce = (flag: string): string => `
  const { isMainThread } = require('node:worker_threads');
  const { existsSync, rmSync } = require('node:fs');
  const now = performance.now.bind(performance);
  if (!isMainThread) performance.now = () => {
    if (!existsSync(${JSON.stringify(flag)})) return now();
    // Only the thread that removes the flag dies.
    try { rmSync(${JSON.stringify(flag)}); } catch { return now(); }
    process.exit(7);
  };`;

type Line = Readonly<Record<string, unknown>>;

/** The number of members in a line's text. */
const membersWritten = (line: string): number =>
  [...line.matchAll(/"(?:[^"\\]|\\.)*"(:)?/g)].filter(([, colon]) => colon).length;

/** The same after parsing: of two members with one name, the last one remains. */
const membersRead = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce<number>((sum, each) => sum + membersRead(each), 0) +
      (Array.isArray(value) ? 0 : Object.keys(value).length);

describe.skipIf(nginxMissing)(needsNginx('the logs of a whole server'), () => {
  let folder: string;
  let flag: string;
  let server: Server;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'logs-'));
    flag = join(folder, 'die');
    const repository = join(folder, 'models');
    cpSync(join(CHECKOUT, 'models/adult/1'), join(repository, 'adult/1'), { recursive: true });
    putVersion(repository, 'cast/1', castModel);
    writeFileSync(join(folder, 'dies.cjs'), diesOnce(flag));
    server = await startServer({
      env: {
        MODEL_REPOSITORY: repository,
        MAX_BODY_BYTES: '100000',
        ACCESS_LOG: 'stdout',
        LOG_LEVEL: 'trace',
        NODE_OPTIONS: `--require ${join(folder, 'dies.cjs')}`,
        AWS_SECRET_ACCESS_KEY: SECRET,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${SECRET}@127.0.0.1:${await freePort()}/?key=${SECRET}`,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${SECRET},x-api-key=${SECRET}`,
      },
    });
  });
  afterEach(async () => {
    await server?.clean();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (
    path: string,
    id: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: {
        'content-type': 'application/json',
        'x-request-id': id,
        traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
        tracestate: `${SECRET}=1`,
        authorization: `Bearer ${SECRET}`,
        cookie: `session=${SECRET}`,
        referer: `http://example.org/?${SECRET}`,
        'user-agent': SECRET,
        ...headers,
      },
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  /** Every line that was logged so far, by all processes and nginx. */
  const lines = (): Line[] =>
    server
      .said()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  const find = (what: string, matches: (line: Line) => boolean): Promise<Line> =>
    eventually(what, () => lines().find(matches), 10_000);
  const about = (id: string): Line[] =>
    lines().filter(
      ({ requestId, requestIds }) => requestId === id || (requestIds as string[] | undefined)?.includes(id),
    );
  const cast = (cell: string): string => JSON.stringify({ columns: ['s'], data: [[cell]] });

  /** A request that fails in the model. */
  const fail = (): Promise<number> => ask('/models/cast/predict', 'fails', cast(SECRET));
  /** Ends a thread; the id of a request that it worked on. */
  const endThread = (): Promise<string> => {
    let asked = 0;
    // The self-test sends batches, too: one of them may meet the flag.
    return eventually(
      'a request that met the flag',
      async () => {
        const each = `deadly-${asked++}`;
        writeFileSync(flag, '');
        return (await ask('/models/cast/predict', each, cast('3'))) === 500 && each;
      },
      60_000,
    );
  };
  const isUpstreamError = ({ role, level }: Line): boolean => role === 'nginx' && level === 50;
  /** Ends processes, until nginx has logged an error. */
  const endProcess = async (): Promise<void> => {
    const [victim] = server.serverProcesses() as [number];
    process.kill(victim, 'SIGKILL');
    const body = bodyOf(readAdultRows().slice(0, 1));
    await eventually(
      'a request that met the dead process',
      async () => {
        expect(await ask(`/predict?extra=ignore&${SECRET}=1`, 'killed', body)).toBe(400);
        return lines().some(isUpstreamError);
      },
      20_000,
    );
  };

  it('a failed request is one line with its cause, request id and trace, and one line of the access log', async () => {
    expect(await ask('/models/cast/predict', 'fine', cast('2'))).toBe(200);
    // A value that the model fails on is the client's error.
    expect(await fail()).toBe(422);
    const id = await endThread();
    await find('the access log', ({ requestId, status }) => requestId === id && status === 500);
    const lines = about(id).filter(({ requestId }) => requestId === id);
    expect(lines.filter(({ level }) => level !== undefined)).toEqual([
      expect.objectContaining({
        level: 50,
        traceId: TRACE,
        msg: 'request failed',
        err: expect.objectContaining({
          message: expect.stringContaining('the thread died') as string,
          stack: expect.stringContaining('\n    at ') as string,
        }) as object,
      }),
    ]);
    expect(lines.find(({ status }) => status === 500)).toMatchObject({
      traceId: TRACE,
      path: '/models/cast/predict',
      connection: expect.any(Number) as number,
    });
  });

  it("a thread's death names the requests that it worked on", async () => {
    const id = await endThread();
    const line = await find('the death', ({ msg, requestIds }) => {
      return msg === 'a thread died and is being replaced' && (requestIds as string[]).includes(id);
    });
    expect(line).toMatchObject({ level: 50, requestIds: [id] });
    const own = about(id).filter(({ msg }) => msg === 'request failed');
    expect(own).toMatchObject([{ err: { message: expect.stringContaining('the thread died') as string } }]);
  });

  it("nginx's errors are lines, too, with the connection's number, and without the request", async () => {
    expect(await ask(`/predict?${SECRET}=1`, 'large', 'x'.repeat(100_001))).toBe(413);
    const refused = await find('the refusal', ({ msg }) => /too large body/.test(String(msg)));
    // A bad request is no error of the server.
    expect(refused).toMatchObject({ level: 30, role: 'nginx', client: '127.0.0.1' });
    const access = await find('its access log', ({ requestId }) => requestId === 'large');
    expect(refused['connection']).toBe(access['connection']);

    await endProcess();
    expect(lines().find(isUpstreamError)).toMatchObject({
      msg: expect.stringMatching(/^(?:connect\(\) to|recv\(\)|upstream prematurely)/) as string,
      upstream: expect.stringMatching(/^unix:\/.*\/process-\d\.sock$/) as string,
      connection: expect.any(Number) as number,
    });
  });

  it('no line holds a cell, a query, a header or a secret of the settings; each is JSON, and names no member twice', async () => {
    await fail();
    await endThread();
    await endProcess();
    const unknown = bodyOf(readAdultRows().slice(0, 1)).replace(/" (?:Private|State-gov)"/, `"${SECRET}"`);
    const statuses = [
      await ask(`/predict?age=${SECRET}`, 'query'),
      await ask('/predict', 'category', unknown),
      await ask('/predict', 'json', `{"${SECRET}`),
      await ask('/predict', 'column', JSON.stringify({ columns: [SECRET], data: [[SECRET]] })),
      await ask('/predict', 'csv', `${SECRET}\n${SECRET}`, { 'content-type': 'text/csv' }),
      await ask('/v2/models/adult/infer', 'v2', JSON.stringify({ inputs: [{ name: SECRET }] })),
      await ask('/predict', `${SECRET} is no id`),
    ];
    expect(statuses).toEqual([422, 200, 400, 422, 422, 400, 200]);
    await find('the access log', ({ requestId }) => requestId === 'v2');
    await server.stop();
    expect(lines().length).toBeGreaterThan(20);
    expect(
      server
        .said()
        .split('\n')
        .filter((line) => line.includes(SECRET)),
    ).toEqual([]);
    const said = server.said().split('\n').slice(0, -1);
    // Lines of the primary, of a process, of nginx.
    expect(new Set(lines().map(({ role }) => role)).size).toBeGreaterThan(2);
    expect(said.filter((line) => membersWritten(line) !== membersRead(JSON.parse(line)))).toEqual([]);
  });
});
