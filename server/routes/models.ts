import type { AppContext } from '../middleware/handler.ts';
import type { Catalogue } from '../models/catalogue.ts';
import { perModel } from '../models/catalogue.ts';
import type { Engine, Model } from '../models/model.ts';
import { answerJson } from './answer.ts';
import type { Methods } from './define.ts';
import { namedModel } from './modelOf.ts';
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
export function modelsRoute(catalogue: Catalogue): Methods {
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      const models = catalogue.models.map((model) => summarise(model, catalogue.standard));
      return answerJson(c, JSON.stringify({ models }));
    },
  };
}

/** `GET /models/:model` and `/models/:model/versions/:version`: one model's signature and facts. */
export function modelRoute(catalogue: Catalogue): Methods {
  const modelOf = namedModel(catalogue);
  const detailsOf = perModel((model) =>
    JSON.stringify({ ...summarise(model, catalogue.standard), ...model.signature }),
  );
  return {
    GET: (c: AppContext) => {
      requireJsonAnswer(c);
      return answerJson(c, detailsOf(modelOf(c)));
    },
  };
}
