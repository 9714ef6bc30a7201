import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARDS } from '../scripts/generate/dashboards/dashboard.ts';
import type { Server } from '../server/testing/startServer.ts';
import { freePort } from '../server/testing/freePort.ts';
import { startServer } from '../server/testing/startServer.ts';
import { eventually } from '../server/testing/withDeadline.ts';
import { nginxMissing } from '../proxy/testing/nginxMissing.ts';
import { operands, readAlerts } from './testing/alerts.ts';
import { startAlertmanager } from './testing/alertmanager.ts';
import type { Running } from './testing/programs.ts';
import { needs } from './testing/programs.ts';
import type { Prometheus } from './testing/prometheus.ts';
import { startPrometheus } from './testing/prometheus.ts';
import { startRedis } from './testing/redis.ts';
import { readService } from './testing/service.ts';
import type { Traffic } from './testing/traffic.ts';
import { TRAFFIC_ENV, startTraffic } from './testing/traffic.ts';
import type { Webhook } from './testing/webhook.ts';
import { startWebhook } from './testing/webhook.ts';

/** A query, and where it is used. */
interface Asked {
  readonly where: string;
  readonly expr: string;
}

const panels: readonly Asked[] = Object.values(DASHBOARDS).flatMap((dashboard) =>
  dashboard.panels.flatMap((panel) =>
    panel.type === 'row'
      ? []
      : panel.targets.map(({ refId, expr }) => ({ where: `${panel.title} ${refId}`, expr })),
  ),
);
const alerts: readonly Asked[] = readAlerts().flatMap((alert) =>
  operands(alert).map((expr) => ({ where: alert.alert, expr })),
);

const tools = needs(
  'the server under load, watched',
  'prometheus',
  'prometheus-alertmanager',
  'redis-server',
);
const missing = tools.missing || nginxMissing !== undefined;

describe.skipIf(missing)(nginxMissing ? `${tools.title} (${nginxMissing})` : tools.title, () => {
  const home = mkdtempSync(join(tmpdir(), 'servemodel-watched.'));
  const running: Running[] = [];
  let server: Server;
  let prometheus: Prometheus;
  let webhook: Webhook;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let alertmanager: Awaited<ReturnType<typeof startAlertmanager>>;
  let traffic: Traffic | undefined;

  const run = async <R extends Running>(started: Promise<R>): Promise<R> => {
    running.push(await started);
    return started;
  };

  beforeAll(async () => {
    redis = await run(startRedis(home));
    server = await startServer({
      env: { ...TRAFFIC_ENV, PREDICTION_LOG: `redis://127.0.0.1:${redis.port}` },
    });
    webhook = await run(startWebhook());
    alertmanager = await run(startAlertmanager(home, `${webhook.url}/alerts?key=1&to=team`));
    prometheus = await run(
      startPrometheus(home, {
        server: `127.0.0.1:${server.metricsPort}`,
        alertmanager: alertmanager.address,
      }),
    );
    traffic = startTraffic(server);
  }, 180_000);

  afterAll(async () => {
    traffic?.abort();
    for (const each of running.reverse()) await each.stop();
    await server?.clean();
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  /** The query as Grafana sends it with all variables set to all. */
  const filledIn = (expr: string): string =>
    expr
      .replaceAll('$__rate_interval', '1m')
      .replaceAll('$instance', `127.0.0.1:${server.metricsPort}`)
      .replaceAll('$model', '.+')
      // It would hide an empty result.
      .replaceAll(' or vector(0)', '');

  const hasNumbers = async (expr: string): Promise<boolean> =>
    (await prometheus.query(filledIn(expr))).some(({ value: [, value] }) => value !== 'NaN');

  /** The queries that yield no number in time. */
  const withoutNumbers = async (asked: readonly Asked[]): Promise<Asked[]> => {
    let left = [...asked];
    const look = async (): Promise<boolean> => {
      const found = await Promise.all(left.map(({ expr }) => hasNumbers(expr)));
      left = left.filter((_, index) => !found[index]);
      return left.length === 0;
    };
    await eventually('all queries', look, 60_000).catch((error: unknown) => {
      // An invalid query fails here; queries without a number are returned.
      if (!(error as Error).message.startsWith('all queries')) throw error;
    });
    return left;
  };

  it('a prediction that reaches the threshold arrives at the webhook as an alert', async () => {
    const isIt = ({ notification }: Webhook['received'][number]): boolean =>
      notification.groupLabels['alertname'] === 'PredictionReachedThreshold';
    const { path, notification } = await eventually('the alert', () => webhook.received.find(isIt), 60_000);
    expect(path).toBe('/alerts?key=1&to=team');
    expect(notification).toMatchObject({
      receiver: 'webhook',
      status: 'firing',
      groupLabels: { instance: `127.0.0.1:${server.metricsPort}` },
      alerts: [
        {
          status: 'firing',
          labels: { severity: 'info', model: 'housing', version: '1', job: 'servemodel' },
          annotations: {
            summary: expect.stringMatching(/^housing\/1 predicted 46\.\d\.$/) as string,
            runbook_url: 'https://git.example.com/servemodel/docs/runbook.md#predictionreachedthreshold',
          },
        },
      ],
    });
  }, 90_000);

  it('every query of every panel yields numbers', async () => {
    expect(panels.length).toBeGreaterThan(40);
    expect(await withoutNumbers(panels)).toEqual([]);
  }, 90_000);

  it("every alert's query yields numbers, and Prometheus finds no fault in the rules", async () => {
    expect(await withoutNumbers(alerts)).toEqual([]);
    const rules = await eventually('all rules', async () => {
      const found = await prometheus.rules();
      return found.every(({ health }) => health !== 'unknown') && found;
    });
    expect(rules.map(({ name, health, lastError }) => [name, health, lastError ?? ''])).toEqual(
      readAlerts().map(({ alert }) => [alert, 'ok', '']),
    );
  }, 90_000);

  it('every variable of a dashboard has values', async () => {
    const variables = Object.values(DASHBOARDS).flatMap(({ templating }) => templating.list);
    const choices = variables.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]));
    expect(choices.length).toBeGreaterThan(0);
    for (const choice of choices) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(choice) ?? [];
      const series = await prometheus.query(metric as string);
      expect(series.filter(({ metric: labels }) => labels[label as string]).length, choice).toBeGreaterThan(
        0,
      );
    }
  });

  it('the health checks of compose.yaml detect whether a service runs', async () => {
    const unused = await freePort();
    const isWell = (service: string, address: string): boolean => {
      const [, command, ...args] = readService(service).healthcheck.test;
      const there = args.map((text) => text.replace(/127\.0\.0\.1:\d+/, address));
      const port = service === 'redis' ? ['-p', address.split(':')[1] as string] : [];
      return spawnSync(command as string, [...port, ...there], { timeout: 20_000 }).status === 0;
    };
    const addresses = {
      redis: `127.0.0.1:${redis.port}`,
      prometheus: prometheus.address,
      alertmanager: alertmanager.address,
    };
    for (const [service, address] of Object.entries(addresses)) {
      expect([service, isWell(service, address), isWell(service, `127.0.0.1:${unused}`)]).toEqual([
        service,
        true,
        false,
      ]);
    }
  }, 60_000);

  it('the traffic had the expected statuses, and no existing family is listed as missing', async () => {
    const statuses = await (traffic as Traffic).stop();
    // A busy machine may answer others, such as 504.
    expect([200, 422, 503].filter((status) => !statuses.has(status))).toEqual([]);
  }, 60_000);
});
