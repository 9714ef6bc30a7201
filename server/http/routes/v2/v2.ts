import { writeErrorMember } from '../../../dialects/errorSentence.ts';
import { writeV2Model, writeV2Server } from '../../../dialects/v2/metadata.ts';
import { outputTensors } from '../../../dialects/v2/outputs.ts';
import type { Handler } from '../../context.ts';
import { answerJson } from '../../answer.ts';
import type { DefineRoute } from '../../router.ts';
import type { Lifecycle } from '../health.ts';
import { requireServing } from '../health.ts';
import type { V2InferDeps } from './v2Infer.ts';
import { v2InferHandler } from './v2Infer.ts';
import type { V2RepositoryDeps } from './v2Repository.ts';
import { defineV2Repository } from './v2Repository.ts';
import { findNamedModel } from '../../modelOf.ts';

export interface V2Deps extends V2InferDeps, V2RepositoryDeps {
  readonly lifecycle: Lifecycle;
  /** Of this software. */
  readonly version: string;
}

/** Adds the Open Inference Protocol (KServe V2) over HTTP, with its extensions for binary data and repository index. */
export function defineV2(defineRoute: DefineRoute, deps: V2Deps): void {
  const { catalogue, lifecycle, version } = deps;
  const modelOf = findNamedModel(catalogue);
  const server = writeV2Server(version);
  const details: Handler = (c) => {
    const model = modelOf(c);
    const versions = catalogue.models.filter(({ name }) => name === model.name);
    const numbers = versions.map((other) => other.version);
    return answerJson(c, writeV2Model(model, numbers, outputTensors(model.output)));
  };
  const ready: Handler = (c) => {
    const { name } = modelOf(c);
    requireServing(lifecycle);
    return answerJson(c, `{"name":"${name}","ready":true}`);
  };
  const infer = v2InferHandler(deps);

  defineRoute('/v2', { GET: (c) => answerJson(c, server) }, writeErrorMember);
  defineRoute('/v2/health/live', { GET: (c) => answerJson(c, '{"live":true}') }, writeErrorMember);
  defineRoute(
    '/v2/health/ready',
    {
      GET: (c) => {
        requireServing(lifecycle);
        return answerJson(c, '{"ready":true}');
      },
    },
    writeErrorMember,
  );
  defineV2Repository(defineRoute, deps);
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    defineRoute(path, { GET: details }, writeErrorMember);
    defineRoute(`${path}/ready`, { GET: ready }, writeErrorMember);
    defineRoute(`${path}/infer`, { POST: infer }, writeErrorMember);
  }
}
