import { writeErrorMember } from '../../dialects/errorSentence.ts';
import { describeIndex, describeModel, describeServer } from '../../dialects/v2/metadata.ts';
import { outputTensors } from '../../dialects/v2/outputs.ts';
import { readIndexRequest } from '../../dialects/v2/request.ts';
import type { Handler } from '../context.ts';
import { answerJson } from '../answer.ts';
import { readBytes } from '../body.ts';
import type { DefineRoute } from '../router.ts';
import type { Lifecycle } from './health.ts';
import { requireServing } from './health.ts';
import type { InferDeps } from './v2Infer.ts';
import { inferHandler } from './v2Infer.ts';
import { namedModel } from '../modelOf.ts';

export interface V2Deps extends InferDeps {
  readonly lifecycle: Lifecycle;
  /** Of this software. */
  readonly version: string;
}

/** The Open Inference Protocol (KServe V2) over HTTP, with its extensions for binary data and the repository index. */
export function defineV2(define: DefineRoute, deps: V2Deps): void {
  const { catalogue, lifecycle, maxBodyBytes, version } = deps;
  const modelOf = namedModel(catalogue);
  const server = describeServer(version);
  const details: Handler = (c) => {
    const model = modelOf(c);
    const versions = catalogue.models.filter(({ name }) => name === model.name);
    const numbers = versions.map((other) => other.version);
    return answerJson(c, describeModel(model, numbers, outputTensors(model.output)));
  };
  const ready: Handler = (c) => {
    const { name } = modelOf(c);
    requireServing(lifecycle);
    return answerJson(c, `{"name":"${name}","ready":true}`);
  };
  const infer = inferHandler(deps);

  define('/v2', { GET: (c) => answerJson(c, server) }, writeErrorMember);
  define('/v2/health/live', { GET: (c) => answerJson(c, '{"live":true}') }, writeErrorMember);
  define(
    '/v2/health/ready',
    {
      GET: (c) => {
        requireServing(lifecycle);
        return answerJson(c, '{"ready":true}');
      },
    },
    writeErrorMember,
  );
  define(
    '/v2/repository/index',
    {
      POST: async (c) => {
        readIndexRequest(await readBytes(c, maxBodyBytes));
        return answerJson(c, describeIndex(catalogue.models));
      },
    },
    writeErrorMember,
  );
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    define(path, { GET: details }, writeErrorMember);
    define(`${path}/ready`, { GET: ready }, writeErrorMember);
    define(`${path}/infer`, { POST: infer }, writeErrorMember);
  }
}
