import type { Config } from '../../settings/settings.ts';
import type { DefineRoute } from '../router.ts';
import { createInstancesAnswerer } from './instances.ts';
import type { MlflowDeps } from './mlflow.ts';
import { defineMlflow } from './mlflow.ts';
import { defineV1 } from './v1.ts';
import type { V2Deps } from './v2/v2.ts';
import { defineV2 } from './v2/v2.ts';
import { defineVertex } from './vertex.ts';

/** The settings of Vertex AI's contract. Without them it adds no routes. */
export type VertexSettings = Partial<Pick<Config, 'AIP_HEALTH_ROUTE' | 'AIP_PREDICT_ROUTE'>>;

export type ProtocolDeps = MlflowDeps & V2Deps;

/** Adds the routes of other servers' protocols, each with its own form of errors: docs/protocols.md. */
export function defineProtocols(defineRoute: DefineRoute, deps: ProtocolDeps, vertex: VertexSettings): void {
  const { catalogue, lifecycle } = deps;
  const answerInstances = createInstancesAnswerer(deps);
  defineMlflow(defineRoute, deps);
  defineV1(defineRoute, catalogue, answerInstances);
  defineV2(defineRoute, deps);
  const paths = { health: vertex.AIP_HEALTH_ROUTE, predict: vertex.AIP_PREDICT_ROUTE };
  defineVertex(defineRoute, paths, catalogue, lifecycle, answerInstances);
}
