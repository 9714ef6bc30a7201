import type { AppContext } from '../context.ts';
import type { Catalogue, VersionState } from '../../model/catalogue.ts';
import type { Engine, Model } from '../../model/model.ts';
import type { Signature } from '../../model/signature.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';
import { findNamedModel } from '../modelOf.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';

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

const summarise = ({ name, version, id, signature, engine }: Model, defaultModel: Model): Summary => ({
  name,
  version,
  default: id === defaultModel.id,
  state: 'ready',
  ...engine,
  ...(signature.description === undefined ? {} : { description: signature.description }),
});

/** What is known of a version, with its model's facts where it answers. */
function describe(catalogue: Catalogue, { name, version, served, state, reason }: VersionState): object {
  const model = catalogue.find(name, version);
  const facts = model ? summarise(model, catalogue.defaultModel) : { name, version, default: false };
  return { ...facts, served, state, ...(reason === undefined ? {} : { stateReason: reason }) };
}

/** `GET /models`: every version of every model, those that answer and those that don't. */
export function modelsRoute(catalogue: Catalogue): Methods {
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      const models = catalogue.versions.map((state) => describe(catalogue, state));
      return answerJson(c, JSON.stringify({ models }));
    },
  };
}

/** Without how the training data lie, which is larger than all the rest: `GET /models/:model/drift` tells it. */
function withoutDistributions({ inputs, outputs, ...facts }: Signature): Signature {
  const strip = <T extends object>(entry: T): T => ({ ...entry, distribution: undefined });
  return { ...facts, inputs: inputs.map(strip), outputs: strip(outputs) };
}

/** `GET /models/:model` and `/models/:model/versions/:version`: one model's signature and facts. */
export function modelRoute(catalogue: Catalogue): Methods {
  const modelOf = findNamedModel(catalogue);
  return {
    GET: (c: AppContext) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      return answerJson(
        c,
        JSON.stringify({
          ...summarise(model, catalogue.defaultModel),
          ...withoutDistributions(model.signature),
        }),
      );
    },
  };
}
