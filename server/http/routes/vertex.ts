import { writeErrorMember } from '../../dialects/errorSentence.ts';
import type { AppContext } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { isBuiltInHealthPath, isBuiltInPredictPath } from '../../settings/vertexPaths.ts';
import { answerJson } from '../answer.ts';
import type { DefineRoute } from '../router.ts';
import type { Lifecycle } from './health.ts';
import { requireServing } from './health.ts';
import { findDefaultModel } from '../modelOf.ts';

/** The paths of Vertex AI's requests; built-in ones are not added. */
export interface VertexPaths {
  readonly health: string | undefined;
  readonly predict: string | undefined;
}

/** Adds Vertex AI's contract for custom containers: V1's bodies, at paths that the platform chooses. */
export function defineVertex(
  defineRoute: DefineRoute,
  { health, predict }: VertexPaths,
  catalogue: Catalogue,
  lifecycle: Lifecycle,
  answerInstances: (c: AppContext, model: Model) => Promise<Response>,
): void {
  if (health !== undefined && !isBuiltInHealthPath(health)) {
    defineRoute(
      health,
      {
        GET: (c) => {
          requireServing(lifecycle);
          return answerJson(c, '{"status":"ready"}');
        },
      },
      writeErrorMember,
    );
  }
  if (predict !== undefined && !isBuiltInPredictPath(predict)) {
    const modelOf = findDefaultModel(catalogue);
    defineRoute(predict, { POST: (c) => answerInstances(c, modelOf(c)) }, writeErrorMember);
  }
}
