import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Config } from '../settings/settings.ts';
import type { WriteError } from '../dialects/errorForm.ts';
import { writeProblem } from '../dialects/errorForm.ts';
import { isForeignPath, writeErrorMember } from '../dialects/errorSentence.ts';
import { Problem } from '../errors/problem.ts';
import type { Inference } from '../inference/port.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Load } from '../metrics/load.ts';
import type { Admit } from './middleware/authorize.ts';
import { createCors } from './middleware/cors.ts';
import type { AppContext, AppEnv } from './context.ts';
import { createConcurrencyLimit } from '../overload/concurrencyLimit.ts';
import { patienceOf } from '../overload/patience.ts';
import { createServe } from './middleware/serve.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import type { OnAnswered } from '../prediction/onAnswered.ts';
import { createPredictor } from '../prediction/predictor.ts';
import { readVersion } from '../platform/install.ts';
import type { AskSums } from '../metrics/messages.ts';
import type { AskDrift } from '../observers/drift/messages.ts';
import { createRouter } from './router.ts';
import { driftRoute } from './routes/drift.ts';
import type { Lifecycle } from './routes/health.ts';
import { liveRoute, readyRoute } from './routes/health.ts';
import { homeRoute } from './routes/home.ts';
import { modelRoute, modelsRoute } from './routes/models.ts';
import { namedModel, standardModel } from './modelOf.ts';
import { openApiRoute } from './routes/openapi.ts';
import { createOwnRoutes } from './routes/customRoutes.ts';
import { createPredictRoutes } from './routes/predict.ts';
import { predictFileRoute } from './routes/predictFile.ts';
import type { VertexSettings } from './routes/protocols.ts';
import { defineProtocols } from './routes/protocols.ts';
import { shadowRoute } from './routes/shadow.ts';
import { statsRoute } from './routes/stats.ts';
import { assetsRoute, pageRoute } from './routes/pages.ts';
import { tracedPredict } from '../prediction/traced.ts';
import { traceRequests } from './middleware/trace.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { Assets } from '../web/assets.ts';

export interface AppDeps {
  readonly config: Pick<
    Config,
    'CORS_ORIGINS' | 'DEADLINE_MS' | 'MAX_BODY_BYTES' | 'MAX_FILE_BYTES' | 'PLAYGROUND' | 'PORT'
  > &
    VertexSettings;
  /** The server's private folder. */
  readonly runtime: string;
  readonly catalogue: Catalogue;
  readonly inference: Inference;
  readonly lifecycle: Lifecycle;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  /** The load of the whole server. */
  readonly load: () => Load;
  readonly assets: Assets;
  readonly log: Logger;
  /** Refuses requests without a key; undefined where access is open. */
  readonly admit?: Admit | undefined;
  /** Are called with all answered rows, in this order. */
  readonly onAnswered?: readonly OnAnswered[];
  /** Metrics of all processes; without it there are none. */
  readonly askSums?: AskSums;
  /** Undefined where it's off: then nothing of it is on the path. */
  readonly tracing?: Tracing | undefined;
  /** How rows differ from the training data; without it there is no such route. */
  readonly askDrift?: AskDrift;
}

/** The label of requests to paths that don't exist. */
const NO_ROUTE = 'none';

/** What the server answers. It never listens, reads no environment and starts no timer. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const { config, runtime, catalogue, inference, lifecycle, http, recorder, load, assets, log, tracing } =
    deps;
  const app = new Hono<AppEnv>();
  const cors = config.CORS_ORIGINS && createCors(config.CORS_ORIGINS);
  const limit = createConcurrencyLimit(inference, http, patienceOf(config.DEADLINE_MS));
  const untraced = createServe(http, log, { limit, admit: deps.admit });
  const unshared = tracing ? traceRequests(tracing, untraced) : untraced;
  const serve = cors ? cors.share(unshared) : unshared;
  const define = createRouter(app, serve, cors?.preflight);
  const predictor = createPredictor({
    inference,
    http,
    recorder,
    patienceMs: config.DEADLINE_MS,
    onAnswered: deps.onAnswered ?? [],
    around: tracing && tracedPredict,
  });
  const predict = createPredictRoutes({
    predictor,
    http,
    maxBodyBytes: config.MAX_BODY_BYTES,
    port: config.PORT,
  });
  // A pattern is found by itself: `:model` is a segment like any other.
  const hasRoute = (path: string): boolean => app.router.match('POST', path)[0].length > 0;
  const ownRoutes = createOwnRoutes(catalogue, predict, serve, hasRoute, cors?.preflight);
  const missing = (writeError: WriteError): ((c: AppContext) => Promise<Response>) =>
    serve(
      NO_ROUTE,
      writeError,
    )(() => {
      throw new Problem('not_found');
    });
  const missingAsProblem = missing(writeProblem);
  const missingAsForeign = missing(writeErrorMember);
  const isOwnStandard = ({ signature }: Model): boolean => signature.routes?.includes('/predict') === true;
  const isOwnNamed = (model: Model): boolean => !ownRoutes.hasLive(model);
  const named = namedModel(catalogue);
  const standard = standardModel(catalogue);

  const playground = config.PLAYGROUND === 'on';
  define('/', homeRoute(playground ? assets : undefined));
  if (playground) define('/stats', statsRoute(load));
  define(
    '/predict',
    predict.native(standard, isOwnStandard, () => '/predict'),
  );
  define(
    '/models/:model/predict',
    predict.native(named, isOwnNamed, ({ name }) => `/models/${name}/predict`),
  );
  define(
    '/models/:model/versions/:version/predict',
    predict.native(
      named,
      () => false,
      ({ name, version }) => `/models/${name}/versions/${version}/predict`,
    ),
  );
  const files = { predictor, http, recorder, maxFileBytes: config.MAX_FILE_BYTES, folder: runtime };
  define('/predict_file', predictFileRoute(files, standard));
  define('/models/:model/predict_file', predictFileRoute(files, named));
  define('/models', modelsRoute(catalogue));
  define('/models/:model', modelRoute(catalogue));
  define('/models/:model/versions/:version', modelRoute(catalogue));
  const maxBodyBytes = config.MAX_BODY_BYTES;
  const version = readVersion();
  defineProtocols(define, { catalogue, predictor, lifecycle, http, recorder, maxBodyBytes, version }, config);
  define(
    '/openapi.json',
    openApiRoute({
      catalogue,
      version,
      hasRoute,
    }),
  );
  define('/apidocs', pageRoute(assets, 'apidocs'));
  define('/assets/:digest/:folder/:file', assetsRoute(assets));
  define('/models/:model/shadow', shadowRoute(catalogue, deps.askSums ?? (() => Promise.resolve([]))));
  if (deps.askDrift) define('/models/:model/drift', driftRoute(catalogue, deps.askDrift, assets));
  define('/health/live', liveRoute);
  define('/health/ready', readyRoute(lifecycle));
  app.notFound((c: AppContext) => {
    const { path } = c.req;
    return (ownRoutes.find(path) ?? (isForeignPath(path) ? missingAsForeign : missingAsProblem))(c);
  });
  return app;
}
