import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { createApp } from '../../server/http/app.ts';
import { SETTINGS } from '../../server/settings/settings.ts';
import { fromHome, softwareVersion } from '../../server/platform/install.ts';
import { CHECKOUT } from '../../server/testing/startServer.ts';
import { loadAdult } from '../../server/testing/adult.ts';
import { appDeps } from '../../server/testing/appDeps.ts';
import { goProgramMissing } from '../../server/testing/goPrograms.ts';
import { withTemporaryFolder } from '../../server/testing/temporaryFolder.ts';
import type { Facts } from './testing/faults.ts';
import { containerFaults, faultsOf } from './testing/faults.ts';
import type { Container, Manifest, Pod } from './testing/manifest.ts';

const FOLDER = 'deploy/kubernetes';
const OVERLAYS = ['overlays/small', 'overlays/production', 'overlays/s3', 'overlays/grpc'] as const;
const PLACES = [...OVERLAYS, 'kserve'] as const;

const run = (command: string, args: readonly string[], input = '') =>
  spawnSync(command, args, { cwd: CHECKOUT, encoding: 'utf8', input, timeout: 60_000 });
// Debian's kubectl is of 2020, with a kustomize that reads other files.
const [program, command] = run('kubectl', ['version', '--client']).stdout?.includes('Kustomize Version: v5')
  ? (['kubectl', 'kustomize'] as const)
  : (['kustomize', 'build'] as const);
const missing = goProgramMissing('kubeconform', ...(program === 'kustomize' ? [program] : []));
const reason = missing ? ` (${missing})` : '';

const read = (path: string): string => readFileSync(fromHome(path), 'utf8');

const documentsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const rendered = new Map<string, Manifest[]>();

function render(place: string): Manifest[] {
  const before = rendered.get(place);
  if (before) return before;
  const { stdout, stderr, status } = run(program, [command, `${FOLDER}/${place}`]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const manifests = documentsOf(stdout);
  rendered.set(place, manifests);
  return manifests;
}

/** What kubeconform says; no schema comes from anywhere else. */
function conform(manifests: readonly unknown[]): { readonly status: number | null; readonly said: string } {
  const location = `${FOLDER}/schemas/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
  const input = manifests.map((manifest) => stringify(manifest)).join('---\n');
  const { status, stdout } = run('kubeconform', ['-strict', '-summary', '-schema-location', location], input);
  return { status, said: stdout };
}

const [, proxy, primary] = /^PROXY_DRAIN_SECONDS=(\S+)\nPRIMARY_DRAIN_SECONDS=(\S+)$/m.exec(
  read('servemodel.sh'),
) as unknown as [string, string, string];

const HEALTH = ['/health/live', '/health/ready', '/v2/health/live', '/v2/health/ready'] as const;
const app = createApp(appDeps([await loadAdult()]));
const answers = await Promise.all(HEALTH.map(async (path) => app.request(path, {}, {})));
/** What the server says of itself. */
const facts: Facts = {
  drainSeconds: Number(proxy) + Number(primary),
  marginSeconds: 4,
  isPath: (path) => answers[HEALTH.indexOf(path as (typeof HEALTH)[number])]?.status === 200,
};

const objectsOf = (manifests: readonly Manifest[]): string[] => manifests.map(({ kind }) => kind).sort();
const deploymentOf = (manifests: readonly Manifest[]): Manifest =>
  manifests.find(({ kind }) => kind === 'Deployment') as Manifest;
const podOf = (manifests: readonly Manifest[]): Pod => deploymentOf(manifests).spec?.template?.spec as Pod;
const containerOf = (manifests: readonly Manifest[]): Container =>
  podOf(manifests).containers[0] as Container;

describe.skipIf(missing)(`the manifests for Kubernetes${reason}`, () => {
  it.each(PLACES)('%s renders to what the API servers take', (place) => {
    const manifests = render(place);
    const { status, said } = conform(manifests);
    expect(said).toContain(`Valid: ${manifests.length}, Invalid: 0, Errors: 0, Skipped: 0`);
    expect(status).toBe(0);
  });

  it('have the objects that they are to have', () => {
    const small = ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'];
    const production = [...small, 'HorizontalPodAutoscaler', 'ServiceMonitor'].sort();
    expect(objectsOf(render('overlays/small'))).toEqual(small);
    expect(objectsOf(render('overlays/production'))).toEqual(production);
    expect(objectsOf(render('overlays/s3'))).toEqual(production);
    expect(objectsOf(render('overlays/grpc'))).toEqual(production);
    expect(objectsOf(render('kserve'))).toEqual(['InferenceService', 'ServingRuntime']);
  });

  it('have a schema each, of the version and digest that are noted, and no schema is left over', () => {
    const kinds = new Set(PLACES.flatMap((place) => objectsOf(render(place))));
    const files = readdirSync(fromHome(`${FOLDER}/schemas`));
    expect(files.map((file) => file.split('-')[0]).sort()).toEqual(
      [...kinds].map((kind) => kind.toLowerCase()).sort(),
    );
    const noted = read(`${FOLDER}/schemas.sha256`);
    const sources = [...noted.matchAll(/^# {3}(\S+) (\S+): /gm)].map(
      ([, module, version]) => `${module}@${version}`,
    );
    expect(sources).toHaveLength(3);
    for (const file of files) {
      const text = read(`${FOLDER}/schemas/${file}`);
      const { $comment } = JSON.parse(text) as { $comment: string };
      expect(sources.map((source) => `From ${source} (Apache-2.0)`)).toContain($comment);
      expect(noted).toContain(`${createHash('sha256').update(text).digest('hex')}  schemas/${file}\n`);
    }
  });

  it.each<[string, string, object]>([
    ['an unknown field', 'Deployment', { replica: 3 }],
    ['a wrong type', 'Deployment', { replicas: 'two' }],
    ['a missing field', 'HorizontalPodAutoscaler', { scaleTargetRef: undefined }],
    ['a wrong value', 'PodDisruptionBudget', { maxUnavailable: [1] }],
    ['a wrong port', 'Service', { ports: [{ port: 'http' }] }],
    ['a wrong policy', 'NetworkPolicy', { podSelector: [] }],
    ['an unknown field', 'ServiceMonitor', { selektor: {} }],
  ])('%s of a %s is found', (_, kind, changes) => {
    const { spec, ...rest } = render('overlays/production').find((one) => one.kind === kind) as Manifest;
    const { status, said } = conform([{ ...rest, spec: { ...spec, ...changes } }]);
    expect(said).toMatch(/ is invalid: /);
    expect(status).toBe(1);
  });

  it.each(['ServingRuntime', 'InferenceService'])('an unknown field deep in a %s is found', (kind) => {
    const manifest = render('kserve').find((one) => one.kind === kind);
    const text = stringify(manifest)
      .replace(/^( +)limits:$/m, '$1limit:')
      .replace('storageUri:', 'storageUrl:');
    const { status, said } = conform([parse(text)]);
    expect(said).toMatch(/additional properties '(limit|storageUrl)' not allowed/);
    expect(status).toBe(1);
  });

  it.each(OVERLAYS)('of %s fit each other and the server', (overlay) => {
    const manifests = render(overlay);
    expect(faultsOf(manifests, facts)).toEqual([]);
    const { image, ports, env = [] } = containerOf(manifests);
    expect(image.split(':')[1]).toBe(softwareVersion());
    expect(ports).toEqual([
      { name: 'http', containerPort: 5000 },
      { name: 'metrics', containerPort: SETTINGS.METRICS_PORT.default },
      ...(overlay === 'overlays/grpc' ? [{ name: 'grpc', containerPort: 8001 }] : []),
    ]);
    for (const { name } of env) expect([...Object.keys(SETTINGS), 'AWS_REGION']).toContain(name);
    expect(podOf(manifests).automountServiceAccountToken).toBe(false);
  });

  it.each<[string, RegExp, string]>([
    ['the Service selects other pods', /(kind: Service\n[^]*?selector:\n +app\S+: )servemodel/, '$1model'],
    [
      'the PodDisruptionBudget selects other pods',
      /(kind: PodDis[^]*?matchLabels:\n +app\S+: )servemodel/,
      '$1x',
    ],
    ['the NetworkPolicy selects other pods', /(podSelector:\n +matchLabels:\n +app\S+: )servemodel/, '$1x'],
    [
      'the NetworkPolicy names no port of the pod: metric',
      /port: metrics\n( +)protocol/,
      'port: metric\n$1protocol',
    ],
    ['the Service names no port of the pod: web', /targetPort: http/, 'targetPort: web'],
    [
      'the ServiceMonitor selects no Service',
      /(kind: ServiceMonitor[^]*?matchLabels:\n +app\S+: )servemodel/,
      '$1x',
    ],
    ['the Service has no port of the ServiceMonitor: metrik', /port: metrics(\n +scrape)/, 'port: metrik$1'],
    ['the autoscaler scales something else', /(scaleTargetRef:[^]*?name: )servemodel/, '$1other'],
    ['the drain is cut short', /terminationGracePeriodSeconds: 20/, 'terminationGracePeriodSeconds: 15'],
    ['the drain is cut short', /sleep:\n +seconds: 5/, 'sleep: { seconds: 0 }'],
    ['a probe asks at no path of the server: /healthz', /path: \/health\/live/, 'path: /healthz'],
    ['readOnlyRootFilesystem is missing', /readOnlyRootFilesystem: true/, 'readOnlyRootFilesystem: false'],
    ['no limits: processes follow the CPUs of the node', /limits:\n +cpu: "2"/, 'limits:'],
    ['the memory is less than 1280Mi', /(limits:[^]*?memory: )1280Mi/, '$11Gi'],
    ['the memory is less than 2048Mi', /(limits:[^]*?cpu: )"2"/, '$1"4"'],
    ['the memory is less than 3328Mi', /emptyDir:\n/, 'emptyDir:\n            medium: Memory\n'],
    ['nothing at /tmp', /mountPath: \/tmp/, 'mountPath: /var/tmp'],
  ])('are seen not to fit when %s', (fault, pattern, replacement) => {
    const text = render('overlays/production')
      .map((manifest) => stringify(manifest))
      .join('---\n');
    const spoilt = text.replace(pattern, replacement);
    expect(spoilt).not.toBe(text);
    const manifests = documentsOf(spoilt);
    expect(faultsOf(manifests, facts)).toEqual([fault]);
  });

  it('let KServe run the server as safely, on the path that it mounts models at', () => {
    const runtime = render('kserve').find(({ kind }) => kind === 'ServingRuntime')?.spec as unknown as Pod;
    const [container] = runtime.containers as [Container];
    expect(containerFaults(container, runtime, facts)).toEqual([]);
    expect(faultsOf(render('kserve'), facts)).toEqual([]);
    const env = Object.fromEntries(container.env?.map(({ name, value }) => [name, value]) ?? []);
    expect(Object.keys(env).filter((name) => !(name in SETTINGS))).toEqual([]);
    expect(env).toMatchObject({ MODEL_REPOSITORY: '/mnt/models', DEFAULT_MODEL: '{{.Name}}' });
    expect(container.ports?.map(({ containerPort }) => String(containerPort))).toEqual([env['PORT']]);
  });

  it.each([
    ['preStop', /sleep:\n +seconds: 5/, 'sleep: { seconds: 0 }'],
    ['a long end', /terminationGracePeriodSeconds: 20/, 'terminationGracePeriodSeconds: 15'],
  ])('see that a pod of KServe without %s loses requests', (_, pattern, replacement) => {
    const text = render('kserve')
      .map((manifest) => stringify(manifest))
      .join('---\n');
    expect(text).toMatch(pattern);
    expect(faultsOf(documentsOf(text.replace(pattern, replacement)), facts)).toEqual([
      'the drain is cut short',
    ]);
  });

  it('open the way out for S3 only where it is needed', () => {
    const policyOf = (overlay: string) =>
      render(overlay).find(({ kind }) => kind === 'NetworkPolicy')?.spec as {
        egress?: unknown;
        policyTypes: unknown;
      };
    expect(policyOf('overlays/production')).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect(policyOf('overlays/production').egress).toBeUndefined();
    const [dns, store] = policyOf('overlays/s3').egress as { to: object[]; ports: { port: number }[] }[];
    expect(dns?.to).toHaveLength(2);
    expect(dns?.to).toContainEqual({ ipBlock: { cidr: '169.254.20.10/32' } });
    expect(store?.ports.map(({ port }) => port)).toEqual([443]);
    // What is offered in comments fits, too: the port of another endpoint has its rule.
    const offered = read(`${FOLDER}/overlays/s3/kustomization.yaml`);
    const [, port] = /AWS_ENDPOINT_URL, value: https:\/\/[\w.]+:(\d+)/.exec(offered) ?? [];
    expect(offered).toContain(`#   ports: [{ protocol: TCP, port: ${port} }]`);
  });
});

const promtool = run('promtool', ['--version']).error !== undefined;
const noPromtool = promtool ? ' (skipped, promtool is missing: apt-get install prometheus)' : '';

it.skipIf(promtool)(
  `the autoscaler's metric is what prometheus-adapter makes of ours${noPromtool}`,
  async () => {
    const overlay = `${FOLDER}/overlays/production`;
    const { rules } = parse(read(`${overlay}/prometheus-adapter.values.yaml`)) as {
      rules: { custom: { seriesQuery: string; name: { as: string }; metricsQuery: string }[] };
    };
    const [rule] = rules.custom;
    expect(read(`${overlay}/horizontalpodautoscaler.yaml`)).toContain(`name: ${rule?.name.as} }`);
    const expr = rule?.metricsQuery
      .replace('<<.Series>>', 'http_requests_total')
      .replace('<<.LabelMatchers>>', 'namespace="n",pod=~"a|b"')
      .replace('<<.GroupBy>>', 'pod') as string;
    expect(expr).toBe('sum by (pod) (rate(http_requests_total{namespace="n",pod=~"a|b"}[1m]))');
    expect(read('server/metrics/http.ts')).toContain(`name: '${rule?.seriesQuery.split('{')[0]}'`);
    const recording = [rule?.seriesQuery, expr].map((query, index) => ({ record: `r${index}`, expr: query }));
    await withTemporaryFolder((folder) => {
      const file = join(folder, 'rules.yml');
      writeFileSync(file, stringify({ groups: [{ name: 'adapter', rules: recording }] }));
      const { stdout, stderr, status } = run('promtool', ['check', 'rules', file]);
      expect(`${stdout}${stderr}`).toContain('SUCCESS: 2 rules found');
      expect(status).toBe(0);
      return Promise.resolve();
    });
  },
);
