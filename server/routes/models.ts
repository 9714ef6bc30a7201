import { Problem } from '../errors.ts';
import type { AppContext } from '../middleware/handler.ts';
import type { Engine, Model } from '../models/model.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';
import { requireJsonAnswer } from './negotiation.ts';

interface Summary {
  readonly name: string;
  readonly version: number;
  readonly default: boolean;
  /** A model is only listed once every thread has opened and verified it. */
  readonly state: 'ready';
  readonly description?: string;
  readonly engine: Engine['engine'];
  readonly path: Engine['path'];
  /** Why the model isn't lifted, or its engine no compiled forest. */
  readonly reason?: string;
}

const summarise = ({ name, version, signature, engine }: Model, standard: Model): Summary => ({
  name,
  version,
  default: name === standard.name,
  state: 'ready',
  ...engine,
  ...(signature.description === undefined ? {} : { description: signature.description }),
});

/** `GET /models`: the served models. */
export function modelsRoute(models: readonly Model[], standard: Model): Methods {
  const list = JSON.stringify({ models: models.map((model) => summarise(model, standard)) });
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      return answerJson(c, list);
    },
  };
}

/** `GET /models/:model`: one model's signature and facts. */
export function modelRoute(models: readonly Model[], standard: Model): Methods {
  const details = new Map(
    models.map((model) => [
      model.name,
      JSON.stringify({ ...summarise(model, standard), ...model.signature }),
    ]),
  );
  return {
    GET: (c: AppContext) => {
      requireJsonAnswer(c);
      const found = details.get(c.req.param('model') ?? '');
      if (found === undefined) throw new Problem('model_not_found');
      return answerJson(c, found);
    },
  };
}
