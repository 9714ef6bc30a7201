import { mebibytes, memoryNeeded } from '../../testing/memory.ts';
import type { Container, Labels, Manifest, Pod } from './manifest.ts';

export interface Facts {
  /** Seconds that servemodel.sh takes to drain at the longest. */
  readonly drainSeconds: number;
  /** Seconds that the cluster may need to stop sending, and that the container runtime may need. */
  readonly marginSeconds: number;
  readonly isPath: (path: string) => boolean;
}

const isPartOf = (wanted: Labels = {}, labels: Labels = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value) && Object.keys(wanted).length > 0;

/** Whether a pod serves on while the cluster stops sending to it, and has the time to drain then. */
function drains(
  { lifecycle }: Pick<Container, 'lifecycle'>,
  { terminationGracePeriodSeconds = 30 }: Pick<Pod, 'terminationGracePeriodSeconds'>,
  { drainSeconds, marginSeconds }: Facts,
): boolean {
  const wait = lifecycle?.preStop?.sleep?.seconds ?? 0;
  return wait >= marginSeconds && wait + drainSeconds + marginSeconds <= terminationGracePeriodSeconds;
}

/** What a schema can't check: whether the manifests of an overlay fit each other and the server. */
export function faultsOf(manifests: readonly Manifest[], facts: Facts): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  const all = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
  for (const { metadata, spec } of all('Deployment')) {
    const { labels } = spec?.template?.metadata ?? {};
    const pod = spec?.template?.spec as Pod;
    const container = pod.containers[0] as Container;
    const portNames = (container.ports ?? []).map(({ name }) => name);

    must(isPartOf(spec?.selector?.matchLabels, labels), 'the Deployment does not select its pods');
    for (const { labelSelector } of pod.topologySpreadConstraints ?? [])
      must(isPartOf(labelSelector.matchLabels, labels), 'the spread counts other pods');
    for (const { spec: budget } of all('PodDisruptionBudget'))
      must(isPartOf(budget?.selector?.matchLabels, labels), 'the PodDisruptionBudget selects other pods');
    for (const { spec: policy } of all('NetworkPolicy')) {
      must(isPartOf(policy?.podSelector?.matchLabels, labels), 'the NetworkPolicy selects other pods');
      for (const { port } of (policy?.ingress ?? []).flatMap(({ ports = [] }) => ports))
        must(portNames.includes(String(port)), `the NetworkPolicy names no port of the pod: ${port}`);
    }
    for (const { spec: service } of all('Service')) {
      must(isPartOf(service?.selector, labels), 'the Service selects other pods');
      for (const { targetPort } of service?.ports ?? [])
        must(portNames.includes(targetPort), `the Service names no port of the pod: ${targetPort}`);
    }
    for (const { spec: scaler } of all('HorizontalPodAutoscaler')) {
      must(scaler?.scaleTargetRef?.name === metadata.name, 'the autoscaler scales something else');
      must(spec?.replicas === undefined, 'an apply would undo the autoscaler');
    }
    must(
      all('ServiceAccount').some((account) => account.metadata.name === pod.serviceAccountName),
      'there is no such ServiceAccount',
    );
    must(drains(container, pod, facts), 'the drain is cut short');
    faults.push(...containerFaults(container, pod, facts));
  }
  for (const { spec } of all('InferenceService'))
    must(
      spec?.predictor !== undefined && drains(spec.predictor.model, spec.predictor, facts),
      'the drain is cut short',
    );
  for (const { spec } of all('ServiceMonitor')) {
    const service = all('Service').find(({ metadata }) =>
      isPartOf(spec?.selector?.matchLabels, metadata.labels),
    );
    const names = service?.spec?.ports?.map(({ name }) => name);
    must(names !== undefined, 'the ServiceMonitor selects no Service');
    for (const { port } of spec?.endpoints ?? [])
      must(names?.includes(port) ?? true, `the Service has no port of the ServiceMonitor: ${port}`);
  }
  return faults;
}

/** What must hold for a container, wherever it runs. */
export function containerFaults(container: Container, pod: Pod, { isPath }: Facts): string[] {
  const faults: string[] = [];
  const context = { ...pod.securityContext, ...container.securityContext };
  const wanted = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (JSON.stringify(context[name]) !== JSON.stringify(value)) faults.push(`${name} is missing`);
  }
  const mounted = container.volumeMounts?.find(({ mountPath }) => mountPath === '/tmp')?.name;
  const tmp = pod.volumes?.find(({ name }) => name === mounted)?.emptyDir;
  if (!tmp) faults.push('nothing at /tmp');
  const { cpu, memory } = container.resources?.limits ?? {};
  if (cpu === undefined || memory === undefined)
    faults.push('no limits: processes follow the CPUs of the node');
  else {
    const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value]));
    const tmpfs = tmp?.medium === 'Memory' ? mebibytes(tmp.sizeLimit) : 0;
    const needed = memoryNeeded({ cpus: Number(cpu), env, tmpfs });
    if (!(mebibytes(memory) >= needed)) faults.push(`the memory is less than ${needed}Mi`);
  }
  const ports = (container.ports ?? []).flatMap(({ name, containerPort }) => [name, containerPort]);
  const { startupProbe, readinessProbe, livenessProbe } = container;
  for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
    if (!probe) continue;
    const { path, port } = probe.httpGet;
    if (!ports.includes(port)) faults.push(`a probe asks at no port of the pod: ${port}`);
    if (!isPath(path)) faults.push(`a probe asks at no path of the server: ${path}`);
  }
  return faults;
}
