import { writeErrorMember } from '../../dialects/errorSentence.ts';
import type { AppContext } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { isBuiltInHealthPath, isBuiltInPredictPath } from '../../settings/vertexPaths.ts';
import { answerJson } from '../answer.ts';
import type { DefineRoute } from '../router.ts';
import type { Lifecycle } from './health.ts';
import { requireServing } from './health.ts';
import { standardModel } from '../modelOf.ts';

/** The paths that Vertex AI calls; those that the server has anyway are not added. */
export interface VertexPaths {
  readonly health: string | undefined;
  readonly predict: string | undefined;
}

/** Vertex AI's contract for custom containers: V1's bodies, on paths that the platform chooses. */
export function defineVertex(
  define: DefineRoute,
  { health, predict }: VertexPaths,
  catalogue: Catalogue,
  lifecycle: Lifecycle,
  answerInstances: (c: AppContext, model: Model) => Promise<Response>,
): void {
  if (health !== undefined && !isBuiltInHealthPath(health)) {
    define(
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
    const modelOf = standardModel(catalogue);
    define(predict, { POST: (c) => answerInstances(c, modelOf(c)) }, writeErrorMember);
  }
}
