import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromHome } from '../platform/install.ts';
import { ADULT_COLUMNS, bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Load } from '../testing/load.ts';
import { LOST_NOTHING, singles, startLoad } from '../testing/load.ts';
import type { Redis } from '../testing/redis.ts';
import { needsRedis, redisMissing, withRedis, createRedis } from '../testing/redis.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually } from '../testing/withDeadline.ts';
import type { PredictionRecord } from '../observers/predictionLog/record.ts';
import { createRedisSink } from '../observers/predictionLog/redisSink.ts';

vi.setConfig({ testTimeout: 120_000 });

const NO_PROXY = ['--no-install', '--no-proxy'];
const rows = readAdultRows().slice(0, 500);
const [first] = rows as [(typeof rows)[number]];
const signature = JSON.parse(readFileSync(fromHome('models/adult/1/model.json'), 'utf8')) as {
  sha256: string;
};

/** A repository of one model, since a start opens all. */
function adultIn(home: string): { readonly MODEL_REPOSITORY: string } {
  const MODEL_REPOSITORY = join(home, 'models');
  cpSync(fromHome('models/adult/1'), join(MODEL_REPOSITORY, 'adult', '1'), { recursive: true });
  return { MODEL_REPOSITORY };
}

const metric = async (server: Server, name: string, ...labels: string[]) =>
  (await scrape(server)).sum(name, ...labels);

/** Waits until every answered row is logged or counted as dropped. @returns the dropped ones */
async function settled(server: Server): Promise<number> {
  return eventually(
    'every answered row is accounted for',
    async () => {
      const now = await scrape(server);
      const dropped = now.sum('prediction_log_dropped_total');
      return now.sum('prediction_log_records_total') + dropped === now.sum('inference_rows_total')
        ? dropped
        : undefined;
    },
    30_000,
  );
}

describe.skipIf(redisMissing !== undefined)(needsRedis('PREDICTION_LOG=redis://…'), () => {
  it('logs the answers of every dialect, keeps the newest, and never logs the password', async () => {
    await withTemporaryFolder((home) =>
      withRedis(home, (redis) =>
        withServer(
          {
            args: NO_PROXY,
            env: { PREDICTION_LOG: redis.url, PREDICTION_LOG_MAX_RECORDS: '200', ...adultIn(home) },
          },
          async (server) => {
            const cells = first.cells;
            const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, cells[at]]));
            const csv = `${ADULT_COLUMNS.join()}\n${cells.join()}\n`;
            const json = 'application/json';
            const tensors = ADULT_COLUMNS.map((name, at) => ({
              name,
              shape: [1],
              datatype: typeof cells[at] === 'string' ? 'BYTES' : 'INT64',
              data: [cells[at]],
            }));
            const asked: readonly (readonly [id: string, path: string, type: string, body: string])[] = [
              ['split', '/predict', json, bodyOf([first])],
              ['records', '/predict', json, JSON.stringify([record])],
              ['record', '/predict', json, JSON.stringify(record)],
              ['csv', '/predict', 'text/csv', csv],
              ['named', '/models/adult/versions/1/predict?probabilities=true', json, bodyOf([first])],
              ['mlflow', '/invocations', json, JSON.stringify({ dataframe_records: [record] })],
              ['v1', '/v1/models/adult:predict', json, JSON.stringify({ instances: [record] })],
              ['v2', '/v2/models/adult/infer', json, JSON.stringify({ inputs: tensors })],
              ['file', '/predict_file', 'text/csv', csv],
            ];
            for (const [id, path, type, body] of asked) {
              const url = `http://127.0.0.1:${server.port}${path}`;
              const headers = { 'content-type': type, 'x-request-id': id };
              const answer = await fetch(url, { method: 'POST', headers, body });
              expect([id, answer.status, await answer.clone().text()]).toEqual([id, 200, expect.anything()]);
            }
            const query = new URLSearchParams(
              Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, String(cells[at])])),
            );
            await fetch(`http://127.0.0.1:${server.port}/predict?${query.toString()}`, {
              headers: { 'x-request-id': 'query' },
            });

            const ids = [...asked.map(([id]) => id), 'query'].sort();
            const records = await eventually('all records', async () => {
              const found = await redis.records('adult');
              return found.length >= ids.length ? found : undefined;
            });
            expect(records.map(({ requestId }) => requestId).sort()).toEqual(ids);
            for (const { row, model, sha256, input, inputSha256, output, time } of records) {
              expect({ row, model, sha256, input }).toEqual({
                row: 0,
                model: 'adult/1',
                sha256: signature.sha256,
                input: record,
              });
              expect(inputSha256).toBe(records[0]?.inputSha256);
              expect(output).toMatchObject({ label: first.label });
              expect(
                (output as { probabilities: Record<string, number> }).probabilities[' >50K'],
              ).toBeCloseTo(first.probability, 6);
              expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
            }

            const url = `http://127.0.0.1:${server.port}/predict`;
            for (let at = 0; at < 5; at++)
              await fetch(url, { method: 'POST', headers: { 'content-type': json }, body: bodyOf(rows) });
            expect(await settled(server)).toBe(0);
            const kept = await redis.records('adult');
            // Redis drops whole nodes of a hundred entries.
            expect(kept.length).toBeGreaterThanOrEqual(200);
            expect(kept.length).toBeLessThan(400);
            expect(kept.at(-1)?.row).toBe(rows.length - 1);

            // Rows that are answered just before the end are stored.
            const load = startLoad({
              port: server.port,
              connections: 4,
              cases: singles(rows),
              requests: 150,
            });
            expect(await load.done).toMatchObject({ ...LOST_NOTHING, right: 150 });
            expect((await server.stop()).code).toBe(0);
            const last = (await redis.records('adult')).slice(-150).map(({ requestId }) => requestId);
            expect(new Set(last)).toEqual(new Set(Array.from({ length: 150 }, (_, at) => `load-${at}`)));
            expect(server.said()).not.toContain(redis.password);
          },
        ),
      ),
    );
  });
});

it.skipIf(redisMissing !== undefined)(
  needsRedis('what is no stream refuses its records for good, and no others'),
  async () => {
    await withTemporaryFolder((home) =>
      withRedis(home, async (redis) => {
        await redis.command('SET', 'servemodel:predictions:bad', 'a text');
        const sink = createRedisSink({ url: redis.url, maxRecords: 10, onLost: () => {} });
        await sink.open();
        const lines = ['good', 'bad', 'good'].map((model) => ({ model, text: '{}' }));
        expect(await sink.write(lines)).toBe(1);
        expect(await redis.records('good')).toEqual([{}, {}]);
        await sink.close();
        const { href } = Object.assign(new URL(redis.url), { password: 'wrong' });
        const stranger = createRedisSink({ url: href, maxRecords: 10, onLost: () => {} });
        await expect(stranger.open()).rejects.toMatchObject({
          reason: 'unreachable',
          message: expect.stringContaining('WRONGPASS') as string,
        });
      }),
    );
  },
);

describe.skipIf(redisMissing !== undefined)(needsRedis('a Redis that comes and goes'), () => {
  let home: string;
  let redis: Redis;
  let server: Server;
  let load: Load;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'servemodel-redis.'));
    redis = await createRedis(home);
    // It hasn't started yet.
    server = await startServer({
      args: NO_PROXY,
      env: {
        ...adultIn(home),
        PREDICTION_LOG: redis.url,
        PREDICTION_LOG_MAX_RECORDS: '1000000',
        PREDICTION_LOG_INPUT: 'none',
      },
    });
    load = startLoad({ port: server.port, connections: 4, cases: singles(rows), maxMs: 300_000 });
  });
  afterEach(async () => {
    // It may be stopped by SIGSTOP.
    redis.signal('SIGCONT');
    await server.clean();
    await redis.kill();
    rmSync(home, { recursive: true, force: true });
  });

  const up = (value: number) =>
    eventually('the gauge', async () => (await metric(server, 'prediction_log_up')) === value, 20_000);
  const start = async (): Promise<void> => {
    await redis.start();
    await up(1);
  };
  const recordsLogged = () => metric(server, 'prediction_log_records_total');
  const resumes = async (): Promise<void> => {
    const before = await recordsLogged();
    await eventually('more records', async () => (await recordsLogged()) > before + 100, 20_000);
  };
  /** Milliseconds that this many answers take. */
  const timeOf = async (answers: number): Promise<number> => {
    const began = performance.now();
    await load.more(answers, 20_000);
    return performance.now() - began;
  };
  /** Sends many rows at once, until some are dropped. */
  const overflow = (reason: string) =>
    eventually(
      `rows dropped as ${reason}`,
      async () => {
        const body = bodyOf(Array.from({ length: 10 }, () => rows).flat());
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`http://127.0.0.1:${server.port}/predict`, {
          method: 'POST',
          headers,
          body,
        });
        expect(answer.status).toBe(200);
        await answer.arrayBuffer();
        return (await metric(server, 'prediction_log_dropped_total', `reason="${reason}"`)) > 0;
      },
      30_000,
    );

  it('is not needed at the start, and receives the waiting records later', async () => {
    await load.more(200);
    await up(0);
    expect(await metric(server, 'prediction_log_dropped_total')).toBe(0);
    await start();
    await eventually('the first records', async () => {
      const ids = (await redis.records('adult')).map(({ requestId }) => requestId);
      return ids.includes('load-0') && ids.includes('load-199');
    });
  });

  it('slows no request while it is stopped', async () => {
    await start();
    let [running, stopped] = [0, 0];
    // Alternating, since other programs use this machine, too.
    for (let round = 0; round < 4; round++) {
      running += await timeOf(250);
      redis.signal('SIGSTOP');
      stopped += await timeOf(250);
      redis.signal('SIGCONT');
    }
    // A request that waited for Redis would wait forever.
    expect(stopped).toBeLessThan(4 * running + 1000);
    await resumes();
  });

  it('that is stopped for long loses records, which are counted', async () => {
    await start();
    redis.signal('SIGSTOP');
    await overflow('queue_full');
    // By then it counts as unreachable.
    await up(0);
    await overflow('unreachable');
    redis.signal('SIGCONT');
    await up(1);
    await resumes();
  });

  it('that is killed and comes back slows and fails no request, and loses no record that was not counted', async () => {
    await start();
    await resumes();
    await redis.kill();
    await up(0);
    const running = await timeOf(500);
    await overflow('unreachable');
    await start();
    await resumes();
    expect(running).toBeLessThan(10_000);
    const report = await load.stop();
    expect(report).toMatchObject(LOST_NOTHING);
    const dropped = await settled(server);
    const logged = await recordsLogged();
    const records: readonly PredictionRecord[] = await redis.records('adult');
    const distinct = new Set(records.map(({ requestId, row, time }) => `${requestId} ${row} ${time}`));
    // Records are written again if Redis was killed before its answer arrived; none is lost.
    expect(records.length).toBeGreaterThanOrEqual(logged);
    expect(distinct.size).toBe(logged);
    expect(dropped).toBeGreaterThan(0);
    const lines = server.lines().filter(({ msg }) => msg === 'predictions cannot be logged');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(20);
    expect(server.said()).not.toContain(redis.password);
  });

  it('that is full gets the records once there is room', async () => {
    await start();
    await load.stop();
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    const url = `http://127.0.0.1:${server.port}/predict`;
    const headers = { 'content-type': 'application/json', 'x-request-id': 'full' };
    await fetch(url, { method: 'POST', headers, body: bodyOf([first]) });
    await up(0);
    const said = await server.says('why', ({ reason }) => reason === 'refused');
    expect(said['detail']).toContain('OOM');
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await up(1);
    await eventually('the record', async () =>
      (await redis.records('adult')).some(({ requestId }) => requestId === 'full'),
    );
  });
});
