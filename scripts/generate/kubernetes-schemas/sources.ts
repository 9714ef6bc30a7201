/** A published Go module, which holds API descriptions. */
export interface Module {
  readonly module: string;
  readonly version: string;
}

/** Kinds of Kubernetes itself, by their names in its OpenAPI document. */
export const KUBERNETES: Module & { readonly file: string; readonly definitions: readonly string[] } = {
  module: 'k8s.io/kubernetes',
  version: 'v1.33.4',
  file: 'api/openapi-spec/swagger.json',
  definitions: [
    'io.k8s.api.apps.v1.Deployment',
    'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
    'io.k8s.api.core.v1.Service',
    'io.k8s.api.core.v1.ServiceAccount',
    'io.k8s.api.networking.v1.NetworkPolicy',
    'io.k8s.api.policy.v1.PodDisruptionBudget',
  ],
};

/** Kinds that others add to a cluster, by the files of their definitions. */
export const ADDED: readonly (Module & { readonly files: readonly string[] })[] = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    files: ['example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml'],
  },
  {
    module: 'github.com/kserve/kserve',
    version: 'v0.15.2',
    files: [
      'config/crd/full/serving.kserve.io_servingruntimes.yaml',
      'config/crd/full/serving.kserve.io_inferenceservices.yaml',
    ],
  },
];
