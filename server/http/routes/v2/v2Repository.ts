import { writeErrorMember } from '../../../dialects/errorSentence.ts';
import { writeV2Index } from '../../../dialects/v2/repository.ts';
import { readIndexRequest } from '../../../dialects/v2/request.ts';
import type { Catalogue } from '../../../model/catalogue.ts';
import { readOrder } from '../../../rollout/readOrder.ts';
import { answerJson } from '../../answer.ts';
import { readBytes } from '../../body.ts';
import type { Handler } from '../../context.ts';
import type { OrderDeps } from '../../middleware/orders.ts';
import { ORDER_ROUTES, readOrderText, requireOrders } from '../../middleware/orders.ts';
import type { DefineRoute } from '../../router.ts';

export interface V2RepositoryDeps extends OrderDeps {
  readonly catalogue: Catalogue;
  readonly maxBodyBytes: number;
}

/** Adds V2's extension for the model repository: its index, load and unload. */
export function defineV2Repository(defineRoute: DefineRoute, deps: V2RepositoryDeps): void {
  const { catalogue, maxBodyBytes } = deps;
  const order =
    (action: 'load' | 'unload'): Handler =>
    async (c) => {
      const orderModels = requireOrders(c, deps);
      await orderModels(readOrder(action, c.req.param('model') ?? '', await readOrderText(c)));
      return answerJson(c, '{}');
    };
  defineRoute(
    '/v2/repository/index',
    {
      POST: async (c) => {
        const { ready } = readIndexRequest(await readBytes(c, maxBodyBytes));
        return answerJson(c, writeV2Index(catalogue.versions, ready));
      },
    },
    writeErrorMember,
  );
  defineRoute(ORDER_ROUTES.load, { POST: order('load') }, writeErrorMember);
  defineRoute(ORDER_ROUTES.unload, { POST: order('unload') }, writeErrorMember);
}
