import type { Config } from '../../settings/settings.ts';
import type { Explainer } from '../../prediction/explainer.ts';
import type { DefineRoute } from '../router.ts';
import { createInstancesAnswerer, createInstancesExplainers } from './instances.ts';
import type { MlflowDeps } from './mlflow.ts';
import { defineMlflow } from './mlflow.ts';
import { defineV1 } from './v1.ts';
import type { V2Deps } from './v2/v2.ts';
import { defineV2 } from './v2/v2.ts';
import { defineVertex } from './vertex.ts';

/** The settings of Vertex AI's contract. Without them it adds no routes. */
export type VertexSettings = Partial<
  Pick<Config, 'AIP_HEALTH_ROUTE' | 'AIP_PREDICT_ROUTE' | 'AIP_EXPLAIN_ROUTE'>
>;

export interface ProtocolDeps extends MlflowDeps, V2Deps {
  /** Without it nothing is explained. */
  readonly explainer: Explainer | undefined;
}

/** Adds the routes of other servers' protocols, each with its own form of errors: docs/protocols.md. */
export function defineProtocols(defineRoute: DefineRoute, deps: ProtocolDeps, vertex: VertexSettings): void {
  const { catalogue, lifecycle, explainer } = deps;
  const predict = createInstancesAnswerer(deps);
  const explain = explainer && createInstancesExplainers(deps, explainer);
  defineMlflow(defineRoute, deps);
  defineV1(defineRoute, catalogue, { predict, ...(explain && { explain: explain.v1 }) });
  defineV2(defineRoute, deps);
  defineVertex(
    defineRoute,
    {
      health: vertex.AIP_HEALTH_ROUTE,
      predict: vertex.AIP_PREDICT_ROUTE,
      explain: vertex.AIP_EXPLAIN_ROUTE,
    },
    catalogue,
    lifecycle,
    { predict, explain: explain?.vertex },
  );
}
