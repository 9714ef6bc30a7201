import { GRPC_SERVICES } from '../../dialects/grpc/services.ts';
import { v2Config } from '../../dialects/v2/config.ts';
import { v2Model, v2Server } from '../../dialects/v2/metadata.ts';
import { outputTensors } from '../../dialects/v2/outputs.ts';
import { v2Index } from '../../dialects/v2/repository.ts';
import { STATISTICS_PREFIXES, v2Statistics } from '../../dialects/v2/statistics.ts';
import { Problem } from '../../errors/problem.ts';
import { versionsOf } from '../../model/catalogue.ts';
import type { AppContext } from '../context.ts';
import { requireOrderer } from '../middleware/orders.ts';
import { findModel } from '../modelOf.ts';
import { orderOf } from '../../rollout/readOrder.ts';
import type { V2Deps } from '../routes/v2/v2.ts';

/** A request in protobuf's JSON form, with its defaults. */
type Message = Readonly<Record<string, unknown>>;

/** Answers a unary call in protobuf's JSON form, which is that of V2 over HTTP. */
export type GrpcCall = (c: AppContext, request: Message) => unknown;

/** The values of parameters, which protobuf's JSON form has as `{"name": {"string_param": "value"}}`. */
const valuesOf = (parameters: unknown): Message =>
  Object.fromEntries(
    Object.entries(parameters as Readonly<Record<string, Message>>).map(([name, choice]) => [
      name,
      Object.values(choice)[0],
    ]),
  );

/** The unary calls but for `ModelInfer`, by their path. */
export function grpcCalls(deps: V2Deps): Readonly<Record<string, GrpcCall>> {
  const { catalogue, lifecycle, askSums, version } = deps;
  const isReady = (): boolean => lifecycle.serving && !lifecycle.draining;
  const modelOf = (c: AppContext, { name, version: wanted }: Message) =>
    findModel(c, catalogue, name as string, (wanted as string) || undefined);
  const order =
    (action: 'load' | 'unload'): GrpcCall =>
    async (c, { model_name: name, parameters }) => {
      const orderModels = requireOrderer(c, deps);
      await orderModels(orderOf(action, name as string, valuesOf(parameters)));
      return {};
    };
  const service = (name: string, calls: Readonly<Record<string, GrpcCall>>): [string, GrpcCall][] =>
    Object.entries(calls).map(([method, call]) => [`/${name}/${method}`, call]);
  return Object.fromEntries([
    ...service('inference.GRPCInferenceService', {
      ServerLive: () => ({ live: true }),
      ServerReady: () => ({ ready: isReady() }),
      ModelReady: (c, request) => {
        modelOf(c, request);
        return { ready: isReady() };
      },
      ServerMetadata: () => v2Server(version),
      ModelMetadata: (c, request) => {
        const model = modelOf(c, request);
        return v2Model(model, versionsOf(catalogue, model), outputTensors(model.output));
      },
      ModelConfig: (c, request) => {
        const model = modelOf(c, request);
        return { config: v2Config(model, versionsOf(catalogue, model), outputTensors(model.output)) };
      },
      ModelStatistics: async (c, request) => {
        const model = request['name'] === '' ? undefined : modelOf(c, request);
        const models = catalogue.models.filter(
          ({ name, version: number }) =>
            model === undefined ||
            (name === model.name && (request['version'] === '' || number === model.version)),
        );
        const sums = await Promise.all(STATISTICS_PREFIXES.map(askSums));
        return { model_stats: v2Statistics(models, sums.flat()) };
      },
      RepositoryIndex: (_, { ready }) => ({ models: v2Index(catalogue.versions, ready === true) }),
      RepositoryModelLoad: order('load'),
      RepositoryModelUnload: order('unload'),
    }),
    ...service('grpc.health.v1.Health', {
      Check: (_, { service: name }) => {
        if (name !== '' && !GRPC_SERVICES.includes(name as string))
          throw new Problem('model_not_found', { detail: 'There is no such service.' });
        return { status: isReady() ? 'SERVING' : 'NOT_SERVING' };
      },
    }),
  ]);
}
