/** The parts of manifests that belong together across them, as far as ours use them. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly spec?: Spec;
}

export type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels?: Labels;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
}

export interface Container {
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly resources?: { readonly limits?: { readonly cpu?: string; readonly memory?: string } };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
}

export interface Pod {
  readonly terminationGracePeriodSeconds?: number;
  readonly automountServiceAccountToken?: boolean;
  readonly serviceAccountName?: string;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: Selector }[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly emptyDir?: EmptyDir }[];
}

interface EmptyDir {
  readonly medium?: string;
  readonly sizeLimit?: string;
}

interface Ports {
  readonly ports?: readonly { readonly port: string | number }[];
}

/** A pod of KServe's: its container begins as the runtime's, and `model` is laid over that. */
interface Predictor extends Omit<Pod, 'containers'> {
  readonly model: Pick<Container, 'lifecycle'>;
}

interface Spec {
  readonly replicas?: number;
  readonly selector?: Selector & Labels;
  readonly podSelector?: Selector;
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  readonly ingress?: readonly Ports[];
  readonly endpoints?: readonly { readonly port: string; readonly path: string }[];
  readonly predictor?: Predictor;
  readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
}
