import { readdirSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { createApp } from '../http/app.ts';
import { ERRORS } from '../errors/problem.ts';
import { readRepository } from '../testing/readRepository.ts';
import { fromHome } from '../platform/install.ts';
import type { Ask } from '../testing/allDialects.ts';
import { ask, inEveryDialect } from '../testing/allDialects.ts';
import { APP_CONFIG, appDeps } from '../testing/appDeps.ts';
import type { Metrics } from '../testing/scrape.ts';
import { scrapeAll } from '../testing/scrape.ts';
import { withServer } from '../testing/startServer.ts';
import { LATENCY_BUCKETS } from '../metrics/buckets.ts';
import { METHODS, SHED_REASONS } from '../metrics/http.ts';
import { eventually } from '../testing/withDeadline.ts';

const REASONS = [
  'type',
  'missing',
  'fraction',
  'range',
  'row',
  'missing_column',
  'unknown_column',
  'repeated_column',
];
const STATUSES = [200, 204, 304, ...Object.values(ERRORS).map(({ status }) => status)];

/** The sets of label values, and the bound on the number of series, as docs/metrics.md has them. */
async function limits() {
  const models = await readRepository('models');
  const [first] = models;
  if (!first) throw new Error('there is no model');
  const app = createApp(
    appDeps([first], { registry: new Registry(), config: { ...APP_CONFIG, CORS_ORIGINS: ['*'] } }),
  );
  const routes = new Set([
    'none',
    ...app.routes.map(({ path }) => path),
    ...models.flatMap(({ signature }) => signature.routes ?? []),
  ]);
  const statuses = new Set(STATUSES);
  const versions = models.flatMap(({ name }) =>
    readdirSync(fromHome(`models/${name}`)).filter((folder) => /^\d+$/.test(folder)),
  ).length;
  const perRoute = METHODS.length * statuses.size * (LATENCY_BUCKETS.length + 4);
  const perVersion = 105 + 31;
  const perModel = models.map(
    ({ signature: { inputs } }) => 2 + inputs.length + REASONS.length * (inputs.length + 1),
  );
  return {
    allowed: {
      method: METHODS,
      route: [...routes],
      status: [...statuses].map(String),
      model: models.map(({ name }) => name),
      column: ['', ...models.flatMap(({ signature }) => signature.inputs.map(({ name }) => name))],
      reason: [...REASONS, ...SHED_REASONS],
      label: models.flatMap(({ output }) =>
        output.task === 'classification' ? output.classes.map(String) : [],
      ),
      role: ['primary', 'server'],
      state: ['active', 'reading', 'writing', 'waiting'],
    } as Readonly<Record<string, readonly string[]>>,
    bound:
      300 + routes.size * perRoute + versions * perVersion + perModel.reduce((sum, count) => sum + count, 0),
  };
}

/** The same requests each time, with other words in every part that a caller chooses. */
function hostile(word: string): Ask[] {
  const [{ body } = {}] = inEveryDialect(word, word);
  const { columns, data } = body as { columns: string[]; data: unknown[][] };
  const paths = ['/', '/predict', '/models', '/invocations', '/v2', '/stats', `/${word}`, `/models/${word}`]
    .concat([
      `/models/${word}/predict`,
      `/models/adult/versions/${word}`,
      '/models/:model/predict',
      '/__proto__',
    ])
    .concat([
      `/v1/models/${word}:predict`,
      `/v2/models/${word}/infer`,
      `/v2/models/adult/versions/${word}/ready`,
    ])
    .concat([
      `/assets/${word}/a/b`,
      `/prediction`,
      `/models/${word}/shadow`,
      `/models/adult/predict/${word}`,
    ]);
  const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', word.toUpperCase()];
  const headers = {
    'x-request-id': word,
    'user-agent': word,
    origin: `https://${word}.example`,
    accept: `a/${word}`,
  };
  const tensor = { name: word, datatype: 'INT8', shape: [1], data: [1e9] };
  return [
    ...paths.flatMap((path) => methods.map((method) => ({ path, method, headers }))),
    ...paths.map((path) => ({ path, headers, body: { [word]: word } })),
    ...inEveryDialect(word, word),
    { path: `/predict?${word}=${word}`, body },
    { path: '/predict', headers: { 'content-type': `text/${word}` }, body: word },
    { path: '/predict', body: { columns: [...columns, word], data } },
    { path: '/predict', body: { columns: [word, word], data: [[word, word]] } },
    {
      path: '/predict',
      body: { columns, data: [[word], { [word]: word }, columns.map(() => ({ [word]: 1 }))] },
    },
    { path: '/predict', body: [{ [word]: word }] },
    { path: '/invocations', body: { [word]: [[word]] } },
    { path: '/v1/models/adult:predict', body: { instances: [{ [word]: word }] } },
    { path: '/v2/models/adult/infer', body: { inputs: [tensor] } },
    { path: '/v2/models/adult/infer', body: { inputs: [{ ...tensor, datatype: word }] } },
  ];
}

const send = async (port: number, word: string): Promise<void> => {
  const asks = hostile(word);
  for (let from = 0; from < asks.length; from += 16)
    await Promise.all(asks.slice(from, from + 16).map((each) => ask(port, each)));
};

/** Label values outside the closed sets. */
function outside({ samples }: Metrics, allowed: Readonly<Record<string, readonly string[]>>): string[] {
  return [...samples.keys()].filter((key) =>
    [...key.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].some(
      ([, label = '', value = '']) => allowed[label]?.includes(value) === false,
    ),
  );
}

describe.skipIf(nginxMissing)(needsNginx('hostile requests'), () => {
  it('add no series: every label has a closed set, and the number of series a bound', async () => {
    const { allowed, bound } = await limits();
    await withServer({ env: { CORS_ORIGINS: '*' } }, async (server) => {
      await send(server.port, 'evil');
      const seriesOf = ({ samples }: Metrics, name: string): number =>
        [...samples.keys()].filter((key) => key.startsWith(`${name}{`)).length;
      // Counts of drift come a second later.
      await eventually(
        'the windows of all models',
        async () => {
          const metrics = await scrapeAll(server);
          return seriesOf(metrics, 'model_window_rows') === seriesOf(metrics, 'model_ready');
        },
        20_000,
      );
      const first = await scrapeAll(server);
      expect(outside(first, allowed)).toEqual([]);
      expect(first.text).not.toContain('evil');
      for (const word of ['wicked', 'x'.repeat(60), 'vile-1']) await send(server.port, word);
      const second = await scrapeAll(server);
      const added = [...second.samples.keys()].filter((key) => !first.samples.has(key));
      // Except for Node's own, such as the first garbage collection of a kind, and answers of an overloaded machine.
      expect(added.filter((key) => !/^nodejs_|status="50[34]"/.test(key))).toEqual([]);
      expect(second.samples.size).toBeLessThan(bound);
      // All requests were counted.
      expect(second.sum('http_requests_total', 'method="other"')).toBeGreaterThan(100);
    });
  }, 120_000);
});
