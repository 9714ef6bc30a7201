import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import type { Golden } from '../model/signature.ts';
import { fromHome } from '../platform/install.ts';
import type { Ask } from '../testing/allDialects.ts';
import { ask, inEveryDialect } from '../testing/allDialects.ts';
import { checkMetrics, needsPromtool, promtoolMissing } from '../testing/promtool.ts';
import type { Metrics } from '../testing/scrape.ts';
import { scrape, scrapeAll, wentBackwards } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { signalIfThere } from '../testing/signalIfThere.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';

/** Turns on all features that have families of their own. */
const EVERYTHING = {
  SHADOW: 'adult/2',
  CORS_ORIGINS: '*',
  PREDICTION_LOG: `file:${mkdtempSync(join(tmpdir(), 'whole-server-log.'))}`,
  // No collector listens there.
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
};
/** Families that stay off: with keys, every request and scrape of the tests would need one; gRPC has tests of its own. */
const TURNED_OFF = ['api_key_requests_total', 'grpc_requests_total'];

/** A family, as a row of docs/metrics.md describes it. */
interface Documented {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly meaning: string;
}

const documented: readonly Documented[] = readFileSync(fromHome('docs/metrics.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [name, type = '', labels = '', , meaning = ''] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    if (!/^`\w+`$/.test(name ?? '')) return [];
    const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
    return [{ name: (name as string).slice(1, -1), type, labels: names.sort(), meaning }];
  });

/** Name and labels of a series. */
function readSeries(key: string): { name: string; labels: Readonly<Record<string, string>> } {
  const name = key.replace(/\{.*$/, '');
  const pairs = [...key.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return { name, labels: Object.fromEntries(pairs.map(([, label = '', value = '']) => [label, value])) };
}

/** The exposed families. Labels are those of their series; empty without series. */
function exposed({ text, samples }: Metrics): Documented[] {
  const labels = new Map<string, Set<string>>();
  for (const key of samples.keys()) {
    const { name, labels: own } = readSeries(key);
    for (const family of [name, name.replace(/_(?:bucket|sum|count)$/, '')])
      labels.set(family, new Set([...(labels.get(family) ?? []), ...Object.keys(own)]));
  }
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
    ([, name = '', meaning = '', type = '']) => ({
      name,
      type,
      labels: [...(labels.get(name) ?? [])].filter((label) => label !== 'le').sort(),
      meaning,
    }),
  );
}

describe.skipIf(nginxMissing)(needsNginx('a server after requests in every dialect'), () => {
  let server: Server;
  let metrics: Metrics;
  beforeAll(async () => {
    server = await startServer({ env: EVERYTHING });
    const asks: Ask[] = inEveryDialect(' Private', 'more');
    // All are answered, except for a cell of another type, and a text that isn't JSON.
    const statuses = await Promise.all(asks.map((each) => ask(server.port, each)));
    expect(statuses).toEqual(asks.map(() => 200));
    const { columns, data } = JSON.parse(
      readFileSync(fromHome('models/iris/1/golden.json'), 'utf8'),
    ) as Golden;
    expect(await ask(server.port, { path: '/models/iris/explain', body: { columns, data } })).toBe(200);
    const bad = { columns: ['age'], data: [['x']] };
    expect(await ask(server.port, { path: '/predict', body: bad })).toBe(422);
    expect(await ask(server.port, { path: '/predict', body: '{' })).toBe(400);
    await eventually('the shadow', async () => (await scrape(server)).sum('shadow_rows_total') > 0, 20_000);
    await eventually('the window', async () => (await scrape(server)).sum('model_window_rows') > 0, 20_000);
    metrics = await scrapeAll(server);
  }, 120_000);
  afterAll(async () => {
    await server.clean();
    rmSync(EVERYTHING.PREDICTION_LOG.slice('file:'.length), { recursive: true });
  });

  it.skipIf(promtoolMissing)(needsPromtool('is clean for promtool'), () => {
    expect(checkMetrics(metrics.text)).toBe('');
    expect(checkMetrics('# TYPE a counter\na 1\n')).not.toBe('');
  });

  it('exposes what docs/metrics.md lists, and nothing else', () => {
    // A family that is missing here: add its row to docs/metrics.md, with its help as the meaning.
    const found = exposed(metrics);
    const names = (families: readonly Documented[]): string[] => families.map(({ name }) => name).sort();
    expect([...names(found), ...TURNED_OFF].sort()).toEqual(names(documented));
    const byName = new Map(documented.map((family) => [family.name, family]));
    for (const family of found) {
      const row = byName.get(family.name);
      // A family without series doesn't show its labels.
      expect(family).toEqual(family.labels.length === 0 ? { ...row, labels: [] } : row);
    }
    const noSeries = found.filter(({ labels }) => labels.length === 0).map(({ name }) => name);
    const labelled = noSeries.filter((name) => (byName.get(name)?.labels.length ?? 0) > 0);
    // Shadows had room for all rows; for drift there were too few.
    expect(labelled).toEqual([
      'shadow_dropped_rows_total',
      'shadow_failed_rows_total',
      'model_drift_psi',
      'model_prediction_drift_psi',
      'model_unknown_ratio',
      'model_missing_ratio',
      'model_prediction_ratio',
    ]);
  });

  it('names each family for its unit', () => {
    for (const { name, type } of exposed(metrics)) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mb|percent)(?:_|$)/);
    }
  });

  it('distinguishes the primary from the processes', () => {
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds']) {
      const [primary, servers] = ['primary', 'server'].map((role) => metrics.sum(name, `role="${role}"`));
      expect(primary, name).toBeGreaterThan(0);
      expect(servers, name).toBeGreaterThan(primary as number);
    }
  });

  it('has a time for every phase of answered requests, from 50 µs', () => {
    const adult = ['model="adult"', 'version="1"'] as const;
    for (const name of ['request_parse_seconds', 'inference_queue_seconds', 'inference_duration_seconds']) {
      // Eleven requests, in all dialects.
      expect(metrics.sum(`${name}_count`, ...adult), name).toBe(11);
      expect(metrics.samples.has(`${name}_bucket{le="0.00005",model="adult",version="1"}`)).toBe(true);
    }
    expect(metrics.sum('model_ignored_columns_total', 'model="adult"')).toBe(1);
    expect(metrics.sum('csv_header_absent_total', 'model="adult"')).toBe(1);
  });

  it('counts all refusals by their reasons', async () => {
    const before = await scrapeAll(server);
    const [{ body: table } = {}] = inEveryDialect(' Private', 'more');
    const { columns, data } = table as { columns: string[]; data: unknown[][] };
    const row = data[0] as unknown[];
    const changed = (name: string, value: unknown): unknown[] =>
      row.map((cell, at) => (columns[at] === name ? value : cell));
    const cells = (...data: unknown[]): Ask => ({ path: '/predict', body: { columns, data } });
    for (const each of [
      cells(...Array.from({ length: 50 }, () => changed('age', 'x'))),
      cells(changed('age', 1.5), changed('age', 1e300), changed('sex', null), [1]),
      { path: '/predict', body: { columns: [...columns.slice(1), 'sex', 'made', 'up'], data: [] } },
      {
        path: '/v2/models/adult/infer',
        body: { inputs: [{ name: 'made', datatype: 'INT8', shape: [1], data: [1e9] }] },
      },
    ])
      // V2 answers 400 where the others answer 422.
      expect([400, 422]).toContain(await ask(server.port, each));
    const after = await scrapeAll(server);
    const grew = (reason: string, column: string): number => {
      const labels = ['model="adult"', `column="${column}"`, `reason="${reason}"`] as const;
      const [now, then] = [after, before].map((each) => each.sum('validation_errors_total', ...labels));
      return (now as number) - (then as number);
    };
    expect(
      Object.fromEntries(
        [
          ['type', 'age'],
          ['fraction', 'age'],
          ['range', 'age'],
          ['missing', 'sex'],
          ['row', ''],
          ['missing_column', 'age'],
          ['repeated_column', 'sex'],
          ['unknown_column', ''],
          // The column isn't the model's: its name comes from the caller.
          ['range', ''],
        ].map(([reason = '', column = '']) => [`${reason} ${column}`, grew(reason, column)]),
      ),
    ).toEqual({
      'type age': 50,
      'fraction age': 1,
      'range age': 1,
      'missing sex': 1,
      'row ': 1,
      'missing_column age': 1,
      'repeated_column sex': 1,
      'unknown_column ': 2,
      'range ': 1,
    });
  });

  it('exposes nginx’s counts, and goes on without them while nginx is unresponsive', async () => {
    // On a busy machine nginx may answer later than a scrape waits.
    const scrapeWithNginx = (): Promise<Metrics> =>
      eventually(
        'a scrape that nginx answers',
        async () => {
          const metrics = await scrapeAll(server);
          return metrics.sum('nginx_up') === 1 && metrics;
        },
        20_000,
      );
    const before = await scrapeWithNginx();
    expect(before.sum('nginx_connections', 'state="active"')).toBeGreaterThan(0);
    await Promise.all(Array.from({ length: 20 }, () => ask(server.port, { path: '/health/live' })));
    const after = await scrapeWithNginx();
    expect(after.sum('nginx_http_requests_total') - before.sum('nginx_http_requests_total')).toBeGreaterThan(
      19,
    );
    expect(after.sum('nginx_connections_accepted_total')).toBeGreaterThan(0);

    const workers = server.nginxWorkers();
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    try {
      const without = await scrape(server);
      expect(without.sum('nginx_up')).toBe(0);
      expect(without.text).not.toMatch(/^nginx_connections\{/m);
      expect(without.sum('server_processes')).toBe(2);
      expect(wentBackwards(after, without)).toEqual([]);
    } finally {
      // Workers that were stopped for too long were killed meanwhile.
      for (const pid of workers) signalIfThere(pid, 'SIGCONT');
    }
    expect(wentBackwards(after, await scrapeWithNginx())).toEqual([]);
  });

  it('keeps nginx’s counts private', () => {
    const [runtime = ''] = readdirSync(server.tmp).filter((name) => name.startsWith('servemodel.'));
    expect(statSync(join(server.tmp, runtime, 'own')).mode & 0o777).toBe(0o700);
  });
});

describe('a server without the proxy', () => {
  it('has no counts of nginx', async () => {
    await withServer({ args: ['--no-install', '--no-proxy'] }, async (server) => {
      const { text } = await scrapeAll(server);
      expect(text).not.toContain('nginx_');
      expect(text).toContain('server_processes 2');
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('counts'), () => {
  it('survive reloads, and a version that is closed and opened again', async () => {
    await withTemporaryFolder(async (repository) => {
      putVersion(repository, 'tiny/1', tinyFiles(1));
      const env = { MODEL_REPOSITORY: repository, MODEL_POLL_MS: '50', OPEN_VERSIONS: '1' };
      await withServer({ env }, async (server) => {
        let sent = 0;
        const predict = async (): Promise<void> => {
          sent++;
          expect(await ask(server.port, { path: '/predict', body: { columns: ['x'], data: [[0]] } })).toBe(
            200,
          );
        };
        let before = await scrapeAll(server);
        const check = async (): Promise<void> => {
          const now = await scrapeAll(server);
          expect(wentBackwards(before, now)).toEqual([]);
          expect(now.sum('http_requests_total', 'route="/predict"', 'status="200"')).toBe(sent);
          expect(now.sum('inference_rows_total', 'model="tiny"')).toBe(sent);
          expect(now.sum('request_parse_seconds_count', 'model="tiny"')).toBe(sent);
          before = now;
        };
        for (let reload = 1; reload <= 3; reload++) {
          server.signal('SIGHUP');
          // Their processes end before the next scrape.
          const ended = (): boolean =>
            server.lines().filter(({ msg }) => msg === 'reload ended').length >= reload;
          await eventually(
            'requests until the reload has ended',
            async () => (await predict(), ended()),
            60_000,
          );
          await check();
        }
        const serves = (version: number): Promise<unknown> =>
          eventually(
            `version ${version} alone`,
            async () => {
              const now = await scrapeAll(server);
              return now.sum('model_ready') === 2 && now.sum('model_ready', `version="${version}"`) === 2;
            },
            20_000,
          );
        const put = (version: number) => (): void =>
          putVersion(repository, `tiny/${version}`, tinyFiles(version));
        const remove = (version: number) => (): void =>
          rmSync(join(repository, `tiny/${version}`), { recursive: true });
        for (const [change, version] of [
          [put(2), 2],
          [put(3), 3],
          [remove(3), 2],
        ] as const) {
          change();
          await serves(version);
          await predict();
          await check();
          // The last result of a closed version is dropped.
          expect(before.text.match(/^model_result\{/gm)).toHaveLength(1);
        }
      });
    });
  }, 120_000);
});
