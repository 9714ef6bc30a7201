import { writeErrorMember } from '../../dialects/errorSentence.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import { isBuiltInHealthPath, isBuiltInPredictPath } from '../../settings/vertexPaths.ts';
import { answerJson } from '../answer.ts';
import type { DefineRoute } from '../router.ts';
import type { Lifecycle } from './health.ts';
import { requireServing } from './health.ts';
import { findDefaultModel } from '../modelOf.ts';
import type { AnswerInstances } from './instances.ts';

/** The paths of Vertex AI's requests; built-in ones are not added. */
export interface VertexPaths {
  readonly health: string | undefined;
  readonly predict: string | undefined;
  readonly explain: string | undefined;
}

/** Adds Vertex AI's contract for custom containers: V1's bodies, at paths that the platform chooses. */
export function defineVertex(
  defineRoute: DefineRoute,
  { health, predict, explain }: VertexPaths,
  catalogue: Catalogue,
  lifecycle: Lifecycle,
  answers: { readonly predict: AnswerInstances; readonly explain: AnswerInstances | undefined },
): void {
  const modelOf = findDefaultModel(catalogue);
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
    defineRoute(predict, { POST: (c) => answers.predict(c, modelOf(c)) }, writeErrorMember);
  }
  const { explain: answerExplain } = answers;
  if (explain !== undefined && answerExplain)
    defineRoute(explain, { POST: (c) => answerExplain(c, modelOf(c)) }, writeErrorMember);
}
