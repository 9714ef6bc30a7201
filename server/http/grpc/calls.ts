import { GRPC_SERVICES } from '../../dialects/grpc/services.ts';
import { writeV2Index, writeV2Model, writeV2Server } from '../../dialects/v2/metadata.ts';
import { outputTensors } from '../../dialects/v2/outputs.ts';
import { Problem } from '../../errors/problem.ts';
import type { AppContext } from '../context.ts';
import { findModel } from '../modelOf.ts';
import type { V2Deps } from '../routes/v2.ts';

/** A request in protobuf's JSON form, with its defaults. */
type Message = Readonly<Record<string, unknown>>;

/** Answers a unary call in protobuf's JSON form, which is that of V2 over HTTP. */
export type GrpcCall = (c: AppContext, request: Message) => unknown;

const noControl: GrpcCall = () => {
  throw new Problem('not_found', {
    detail: 'This server loads and unloads models by their repository alone.',
  });
};

/** The unary calls but for `ModelInfer`, by their path. */
export function grpcCalls({ catalogue, lifecycle, version }: V2Deps): Readonly<Record<string, GrpcCall>> {
  const isReady = (): boolean => lifecycle.serving && !lifecycle.draining;
  const modelOf = (c: AppContext, { name, version: wanted }: Message) =>
    findModel(c, catalogue, name as string, (wanted as string) || undefined);
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
      ServerMetadata: () => JSON.parse(writeV2Server(version)) as unknown,
      ModelMetadata: (c, request) => {
        const model = modelOf(c, request);
        const versions = catalogue.models.filter(({ name }) => name === model.name);
        const numbers = versions.map((other) => other.version);
        return JSON.parse(writeV2Model(model, numbers, outputTensors(model.output))) as unknown;
      },
      RepositoryIndex: () => ({ models: JSON.parse(writeV2Index(catalogue.models)) as unknown }),
      RepositoryModelLoad: noControl,
      RepositoryModelUnload: noControl,
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
