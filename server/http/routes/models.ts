import { dirname } from 'node:path';
import { readAddition } from '../../rollout/readOrder.ts';
import type { AppContext, Handler } from '../context.ts';
import type { OrderDeps } from '../middleware/orders.ts';
import { readOrderText, requireOrders } from '../middleware/orders.ts';
import { refuseParameters } from '../parameters.ts';
import type { Catalogue, VersionState } from '../../model/catalogue.ts';
import type { Engine, Model } from '../../model/model.ts';
import type { Signature } from '../../model/signature.ts';
import type { ImportanceOf } from '../../inference/importance.ts';
import type { Explanations } from '../../inference/explanations.ts';
import { answerJson } from '../answer.ts';
import type { Methods } from '../router.ts';
import { findNamedModel } from '../modelOf.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';

interface Summary {
  readonly name: string;
  readonly version: number;
  readonly default: boolean;
  /** A model is in the catalogue only after every thread has opened and verified it. */
  readonly state: 'ready';
  readonly description?: string;
  readonly engine: Engine['engine'];
  readonly path: Engine['path'];
  /** Why the model isn't lifted, or isn't a compiled forest. */
  readonly reason?: string;
  readonly batching?: Engine['batching'];
  /** Why each row has a run of its own. */
  readonly batchingReason?: string;
}

const summarise = ({ name, version, id, signature, engine }: Model, defaultModel: Model): Summary => ({
  name,
  version,
  default: id === defaultModel.id,
  state: 'ready',
  ...engine,
  ...(signature.description === undefined ? {} : { description: signature.description }),
});

/** SageMaker's names for a loaded model, in its contract for endpoints of many models. */
const inSageMaker = ({ name, path }: Model): object => ({ modelName: name, modelUrl: dirname(path) });

/** The state of a version, and the facts of its model if it answers. */
function describe(catalogue: Catalogue, { name, version, served, state, reason }: VersionState): object {
  const model = catalogue.find(name, version);
  const facts = model ? summarise(model, catalogue.defaultModel) : { name, version, default: false };
  return { ...facts, served, state, ...(reason === undefined ? {} : { stateReason: reason }) };
}

/**
 * `GET /models`: every version of every model, whether it answers or not. `POST /models` is SageMaker's: loads the model of a
 * folder.
 */
export function modelsRoute(catalogue: Catalogue, orders: OrderDeps): Methods {
  const describeIn = (state: VersionState): object => {
    const facts = describe(catalogue, state);
    const model = orders.orderModels && state.served ? catalogue.find(state.name, state.version) : undefined;
    return model ? { ...inSageMaker(model), ...facts } : facts;
  };
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      return answerJson(c, JSON.stringify({ models: catalogue.versions.map(describeIn) }));
    },
    POST: async (c) => {
      const orderModels = requireOrders(c, orders);
      await orderModels(readAddition(await readOrderText(c)));
      return answerJson(c, '{}');
    },
  };
}

/** Without the distributions of the training data: the largest part, and `GET /models/:model/drift` has them. */
function withoutDistributions({ inputs, outputs, ...facts }: Signature): Signature {
  const strip = <T extends object>(entry: T): T => ({
    ...entry,
    distribution: undefined,
    tensor: undefined,
    missing: undefined,
  });
  return {
    ...facts,
    inputs: inputs.map(strip),
    outputs: { ...strip(outputs), ...(outputs.values && { values: outputs.values.map(strip) }) },
  };
}

export interface ModelRouteDeps {
  readonly explanations?: Pick<Explanations, 'describe'> | undefined;
  readonly importanceOf?: ImportanceOf | undefined;
  /** Undefined for a version: a request loads and unloads models. */
  readonly orders?: OrderDeps | undefined;
}

/** `GET /models/:model` and `/models/:model/versions/:version`: one model's signature and facts. */
export function modelRoute(
  catalogue: Catalogue,
  { explanations, importanceOf, orders }: ModelRouteDeps,
): Methods {
  const modelOf = findNamedModel(catalogue);
  const remove: Handler = async (c) => {
    const orderModels = requireOrders(c, orders as OrderDeps);
    refuseParameters(c);
    await orderModels({ action: 'remove', name: c.req.param('model') ?? '' });
    return answerJson(c, '{}');
  };
  return {
    GET: async (c: AppContext) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      const importance = await importanceOf?.(model);
      return answerJson(
        c,
        JSON.stringify({
          ...(orders?.orderModels && inSageMaker(model)),
          ...summarise(model, catalogue.defaultModel),
          ...withoutDistributions(model.signature),
          ...(explanations && { explanation: { ...explanations.describe(model), importance } }),
        }),
      );
    },
    ...(orders && { DELETE: remove }),
  };
}
