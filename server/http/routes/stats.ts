import type { Load } from '../../metrics/load.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';

/** `GET /stats`: rate and latency of the whole server, for the playground's live strip. */
export function statsRoute(readLoad: () => Load): Methods {
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      return answerJson(c, JSON.stringify(readLoad()));
    },
  };
}
