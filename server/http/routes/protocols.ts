import type { Config } from '../../settings/settings.ts';
import type { DefineRoute } from '../router.ts';
import { createInstancesAnswerer } from './instances.ts';
import type { InvocationsDeps } from './mlflow.ts';
import { defineInvocations } from './mlflow.ts';
import { defineV1 } from './v1.ts';
import { defineV2 } from './v2.ts';
import { defineVertex } from './vertex.ts';

/** The settings of Vertex AI's contract; none of them: no routes of its own. */
export type VertexSettings = Partial<Pick<Config, 'AIP_HEALTH_ROUTE' | 'AIP_PREDICT_ROUTE'>>;

/** The routes of other servers' protocols, each with errors of its own form: docs/protocols.md. */
export function defineProtocols(define: DefineRoute, deps: InvocationsDeps, vertex: VertexSettings): void {
  const { catalogue, lifecycle } = deps;
  const answerInstances = createInstancesAnswerer(deps);
  defineInvocations(define, deps);
  defineV1(define, catalogue, answerInstances);
  defineV2(define, deps);
  const paths = { health: vertex.AIP_HEALTH_ROUTE, predict: vertex.AIP_PREDICT_ROUTE };
  defineVertex(define, paths, catalogue, lifecycle, answerInstances);
}
