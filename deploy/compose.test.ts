import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../server/settings/settings.ts';
import { readService } from './testing/service.ts';
import { goProgramMissing } from '../server/testing/goPrograms.ts';
import { CHECKOUT } from '../server/testing/startServer.ts';

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly host_ip?: string;
    readonly published: string;
    readonly target: number;
  }[];
  readonly volumes?: readonly {
    readonly type: string;
    readonly source: string;
    readonly read_only?: boolean;
  }[];
  readonly networks: Readonly<Record<string, unknown>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly [option: string]: unknown;
}

interface Project {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

/** Reads compose files: Docker's plugin, or the library that the plugin uses. */
const hasPlugin = spawnSync('docker', ['compose', 'version']).status === 0;
const [reader, ...read] = hasPlugin
  ? (['docker', 'compose', '--file', 'compose.yaml', 'config', '--format', 'json'] as const)
  : (['compose-spec', '--format', 'json', 'compose.yaml'] as const);
const missing = hasPlugin ? undefined : goProgramMissing('compose-spec');

describe.skipIf(missing)(`compose.yaml, as ${reader} reads it${missing ? ` (${missing})` : ''}`, () => {
  const { status, stdout, stderr } = spawnSync(reader, read, {
    cwd: CHECKOUT,
    encoding: 'utf8',
    // Without values for its variables.
    env: { PATH: process.env['PATH'] },
  });
  const project = JSON.parse(status === 0 ? stdout : '{"services":{},"volumes":{},"networks":{}}') as Project;
  const services = Object.entries(project.services);

  it('is valid', () => {
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(Object.keys(project.services).sort()).toEqual([
      'alertmanager',
      'grafana',
      'prometheus',
      'redis',
      'server',
    ]);
    expect(Object.keys(project.volumes).sort()).toEqual(['alertmanager', 'grafana', 'prometheus', 'redis']);
    expect(Object.keys(project.networks)).toEqual(['servemodel']);
  });

  it('publishes the public port, and Grafana and Prometheus to this machine alone', () => {
    const published = services.flatMap(([name, { ports = [] }]) =>
      ports.map(({ host_ip = '', published, target }) => `${name} ${host_ip}:${published}:${target}`),
    );
    expect(published.sort()).toEqual([
      'grafana 127.0.0.1:3000:3000',
      'prometheus 127.0.0.1:9090:9090',
      'server :5000:5000',
    ]);
  });

  it.each(services)('%s is pinned, limited, checked and has few privileges', (name, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
    expect(Number(service['pids_limit'])).toBeGreaterThan(0);
    expect(service['mem_limit']).toBeTruthy();
    expect(service['cap_drop']).toEqual(['ALL']);
    expect(service['security_opt']).toEqual(['no-new-privileges:true']);
    expect(Object.keys(service.networks)).toEqual(['servemodel']);
    // The server's image has its own health check.
    if (name === 'server') expect(readFileSync(`${CHECKOUT}/Dockerfile`, 'utf8')).toMatch(/^HEALTHCHECK /m);
    else expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    if (name !== 'grafana') expect(service['read_only']).toBe(true);
    for (const { type, source, read_only } of service.volumes ?? []) {
      if (type === 'bind')
        expect({ source, there: existsSync(source), read_only }).toMatchObject({
          there: true,
          read_only: true,
        });
      else expect(project.volumes).toHaveProperty(source);
    }
  });

  it("builds the package's version", () => {
    const { image } = project.services['server'] as Service;
    const { version } = JSON.parse(readFileSync(`${CHECKOUT}/package.json`, 'utf8')) as { version: string };
    expect(image).toBe(`servemodel:${version}`);
  });
});

describe('the settings of the server', () => {
  const { environment } = readService('server');
  /** Fixed by the stack: published ports, the scrape by Prometheus, the only writable folder. */
  const FIXED = ['HOST', 'PORT', 'METRICS_HOST', 'METRICS_PORT', 'METRICS_ACCESS', 'MODEL_CACHE'];
  const isVertex = (name: string): boolean => name.startsWith('AIP_');
  const isAws = (name: string): boolean => /^AWS_(?!BUCKET_NAME)/.test(name);

  it('are passed on from `.env`, except for those that the stack fixes', () => {
    const settable = Object.keys(SETTINGS).filter((name) => !FIXED.includes(name) && !isVertex(name));
    expect(
      Object.keys(environment)
        .filter((name) => !isAws(name))
        .sort(),
    ).toEqual(settable.sort());
    // A name without a value is taken from `.env` or the environment, and left unset where it is in neither.
    const { PREDICTION_LOG, ...others } = environment;
    expect(PREDICTION_LOG).toBe('${PREDICTION_LOG-redis://redis:6379}');
    expect(new Set(Object.values(others))).toEqual(new Set([null]));
  });

  it('are in docs/observe.md', () => {
    const page = readFileSync(`${CHECKOUT}/docs/observe.md`, 'utf8');
    for (const name of [...FIXED, 'SERVER_MEMORY', 'SERVER_CPU_QUOTA']) expect(page).toContain(`\`${name}\``);
  });
});

describe('the provisioning of Grafana', () => {
  const read = (path: string): unknown =>
    parse(readFileSync(new URL(`grafana/provisioning/${path}/servemodel.yml`, import.meta.url), 'utf8'));
  const { services } = parse(readFileSync(`${CHECKOUT}/compose.yaml`, 'utf8')) as {
    services: { grafana: { volumes: string[]; environment: Record<string, string> } };
  };

  it('reaches the services by their names, and scrapes as often as Prometheus does', () => {
    const { datasources } = read('datasources') as {
      datasources: { type: string; url: string; jsonData: { timeInterval?: string } }[];
    };
    expect(datasources.map(({ type, url }) => [type, url])).toEqual([
      ['prometheus', 'http://prometheus:9090'],
      ['alertmanager', 'http://alertmanager:9093'],
    ]);
    const { global } = parse(readFileSync(new URL('prometheus/prometheus.yml', import.meta.url), 'utf8')) as {
      global: { scrape_interval: string };
    };
    expect(datasources[0]?.jsonData.timeInterval).toBe(global.scrape_interval);
  });

  it('finds the dashboards where they are mounted', () => {
    const { providers } = read('dashboards') as { providers: { options: { path: string } }[] };
    const path = providers[0]?.options.path as string;
    expect(services.grafana.volumes).toContain(`./deploy/grafana/dashboards:${path}:ro`);
    const home = services.grafana.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] as string;
    expect(home.startsWith(`${path}/`)).toBe(true);
    expect(existsSync(new URL(`grafana/dashboards/${home.slice(path.length + 1)}`, import.meta.url))).toBe(
      true,
    );
  });
});
