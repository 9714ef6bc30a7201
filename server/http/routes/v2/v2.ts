import { writeErrorMember } from '../../../dialects/errorSentence.ts';
import { v2Config, writeV2Config } from '../../../dialects/v2/config.ts';
import { STATISTICS_PREFIXES, v2Statistics, writeV2Statistics } from '../../../dialects/v2/statistics.ts';
import type { AskSums } from '../../../metrics/messages.ts';
import { versionsOf } from '../../../model/catalogue.ts';
import type { Model } from '../../../model/model.ts';
import { v2Model, v2Server } from '../../../dialects/v2/metadata.ts';
import { outputTensors } from '../../../dialects/v2/outputs.ts';
import type { AppContext, Handler } from '../../context.ts';
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
  /** Asks for the figures of all processes: one alone would report a part. */
  readonly askSums: AskSums;
  /** Of this software. */
  readonly version: string;
}

/** Adds the Open Inference Protocol (KServe V2) over HTTP, with its extensions for binary data and repository index. */
export function defineV2(defineRoute: DefineRoute, deps: V2Deps): void {
  const { catalogue, lifecycle, askSums, version } = deps;
  const modelOf = findNamedModel(catalogue);
  const server = JSON.stringify(v2Server(version));
  const ready: Handler = (c) => {
    const { name } = modelOf(c);
    requireServing(lifecycle);
    return answerJson(c, `{"name":"${name}","ready":true}`);
  };
  const infer = v2InferHandler(deps);
  const config: Handler = (c) => {
    const model = modelOf(c);
    return answerJson(
      c,
      writeV2Config(v2Config(model, versionsOf(catalogue, model), outputTensors(model.output))),
    );
  };
  const answerStatistics = async (c: AppContext, models: readonly Model[]): Promise<Response> => {
    const sums = await Promise.all(STATISTICS_PREFIXES.map(askSums));
    return answerJson(c, writeV2Statistics(v2Statistics(models, sums.flat())));
  };
  /** Of all versions of the path's model that answer, or of the one that it names. */
  const statistics: Handler = (c) => {
    const model = modelOf(c);
    const isOne = c.req.param('version') !== undefined;
    return answerStatistics(c, isOne ? [model] : catalogue.models.filter(({ name }) => name === model.name));
  };
  const details: Handler = (c) => {
    // Not a path of its own: beside `:model` Hono would leave its fastest router, for all routes.
    const isOfAll = c.req.param('model') === 'stats' && catalogue.find('stats') === undefined;
    if (isOfAll) return answerStatistics(c, catalogue.models);
    const model = modelOf(c);
    const metadata = v2Model(model, versionsOf(catalogue, model), outputTensors(model.output));
    return answerJson(c, JSON.stringify(metadata));
  };

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
    defineRoute(`${path}/config`, { GET: config }, writeErrorMember);
    defineRoute(`${path}/stats`, { GET: statistics }, writeErrorMember);
    defineRoute(`${path}/infer`, { POST: infer }, writeErrorMember);
  }
}
