import { Hono } from 'hono';
import type { Logger } from 'pino';
import { writeProblem } from '../dialects/errorForm.ts';
import { isV1OrV2Path, writeErrorMember } from '../dialects/errorSentence.ts';
import { Problem } from '../errors/problem.ts';
import type { Explanations } from '../inference/explanations.ts';
import type { ImportanceOf } from '../inference/importance.ts';
import type { Inference } from '../inference/port.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Load } from '../metrics/load.ts';
import type { AskSums } from '../metrics/messages.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import type { AnswerForm, PredictRoute } from '../model/routeOwner.ts';
import { answerForm } from '../model/routeOwner.ts';
import type { AskDrift } from '../observers/drift/messages.ts';
import { createConcurrencyLimit } from '../overload/concurrencyLimit.ts';
import { patienceOf } from '../overload/patience.ts';
import { softwareVersion } from '../platform/install.ts';
import type { OnAnswered } from '../prediction/onAnswered.ts';
import { createExplainer } from '../prediction/explainer.ts';
import { createPredictor } from '../prediction/predictor.ts';
import { tracedPredict } from '../prediction/traced.ts';
import type { OrderModels } from '../rollout/messages.ts';
import type { Config } from '../settings/settings.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { Assets } from '../web/assets.ts';
import type { AppContext, AppEnv, Handler } from './context.ts';
import { createExpressLane } from './expressLane.ts';
import type { DefineGrpc } from './grpc/define.ts';
import type { App } from './listen.ts';
import type { Authorize } from './middleware/authorize.ts';
import { createCors } from './middleware/cors.ts';
import { createServe } from './middleware/serve.ts';
import { traceRequests } from './middleware/trace.ts';
import type { ModelOf } from './modelOf.ts';
import { findDefaultModel, findNamedModel } from './modelOf.ts';
import { createRouter, routedPath } from './router.ts';
import { createCustomHandlers, createCustomRoutes } from './routes/customRoutes.ts';
import { driftRoute } from './routes/drift.ts';
import type { Lifecycle } from './routes/health.ts';
import { liveRoute, readyRoute } from './routes/health.ts';
import { explainRoute } from './routes/explain.ts';
import { homeRoute, statsRoute } from './routes/home.ts';
import { modelRoute, modelsRoute } from './routes/models.ts';
import { openApiRoute } from './routes/openapi.ts';
import { assetsRoute, pageRoute } from './routes/pages.ts';
import { createNativeHandlers, predictRoute } from './routes/predict.ts';
import { predictFileRoute } from './routes/predictFile.ts';
import type { VertexSettings } from './routes/protocols.ts';
import { defineProtocols } from './routes/protocols.ts';
import { shadowRoute } from './routes/shadow.ts';

export interface AppDeps {
  readonly config: Pick<
    Config,
    'CORS_ORIGINS' | 'DEADLINE_MS' | 'MAX_BODY_BYTES' | 'MAX_FILE_BYTES' | 'PLAYGROUND' | 'PORT'
  > &
    VertexSettings &
    Partial<Pick<Config, 'MODEL_CONTROL'>>;
  /** The server's private folder. */
  readonly runtime: string;
  readonly catalogue: Catalogue;
  readonly inference: Inference;
  /** Without them there is no `/explain`. */
  readonly explanations?: Explanations | undefined;
  readonly importanceOf?: ImportanceOf | undefined;
  readonly lifecycle: Lifecycle;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  /** The load of the whole server. */
  readonly load: () => Load;
  readonly assets: Assets;
  readonly log: Logger;
  /** Refuses requests without a key; undefined if access is open. */
  readonly authorize?: Authorize | undefined;
  /** Called with all answered rows, in this order. */
  readonly onAnswered?: readonly OnAnswered[];
  /** Asks for metrics of all processes. Without it `/models/:model/shadow` has no counts. */
  readonly askSums?: AskSums;
  /** Loads and unloads models, where MODEL_CONTROL lets clients. */
  readonly orderModels?: OrderModels;
  /** Undefined if tracing is off: then the path of a request has none of it. */
  readonly tracing?: Tracing | undefined;
  /** Asks how rows differ from the training data. Without it there is no `/models/:model/drift`. */
  readonly askDrift?: AskDrift;
  /** Undefined if gRPC is off: then none of it is loaded. */
  readonly grpc?: DefineGrpc | undefined;
}

/** The label of requests to paths that don't exist. */
const NO_ROUTE = 'none';

/** Makes the app. It doesn't listen, reads no environment and starts no timer. */
export function createApp(deps: AppDeps): App {
  const { config, catalogue, inference, lifecycle, http, recorder, assets, log, tracing, explanations } =
    deps;
  const { MAX_BODY_BYTES: maxBodyBytes, MAX_FILE_BYTES: maxFileBytes } = config;
  const version = softwareVersion();
  // Some clients send a slash at the end, and a redirect would lose their body.
  const app = new Hono<AppEnv>({ getPath: routedPath });

  // Middleware: each wraps the one before.
  const limit = createConcurrencyLimit(inference, http, patienceOf(config.DEADLINE_MS));
  const cors = config.CORS_ORIGINS && createCors(config.CORS_ORIGINS);
  const untraced = createServe(http, log, { limit, authorize: deps.authorize });
  const traced = tracing ? traceRequests(tracing, untraced) : untraced;
  const serve = cors ? cors.wrapServe(traced) : traced;
  const defineRoute = createRouter(app, serve, cors?.preflight);
  // A pattern matches itself: `:model` is a segment like any other.
  const hasRoute = (path: string): boolean => app.router.match('POST', path)[0].length > 0;

  // Predictions: one predictor, two forms of answers, the model by its name or the default one.
  const predictor = createPredictor({
    inference,
    http,
    recorder,
    patienceMs: config.DEADLINE_MS,
    onAnswered: deps.onAnswered ?? [],
    around: tracing && tracedPredict,
  });
  const predictDeps = { predictor, http, maxBodyBytes, port: config.PORT };
  const formOf = (route: PredictRoute, model: Model): AnswerForm =>
    answerForm(route, catalogue, model, hasRoute);
  const forms = { native: createNativeHandlers(predictDeps), custom: createCustomHandlers(predictDeps) };
  const named = findNamedModel(catalogue);
  const defaultModel = findDefaultModel(catalogue);
  const definePredict = (route: PredictRoute, modelOf: ModelOf): void =>
    defineRoute(
      route,
      predictRoute(modelOf, (model) => forms[formOf(route, model)]),
    );
  definePredict('/predict', defaultModel);
  definePredict('/models/:model/predict', named);
  definePredict('/models/:model/versions/:version/predict', named);
  const explainer = explanations && createExplainer(explanations, http, config.DEADLINE_MS);
  if (explainer) {
    const explainDeps = { ...predictDeps, explainer };
    defineRoute('/explain', explainRoute(explainDeps, defaultModel));
    defineRoute('/models/:model/explain', explainRoute(explainDeps, named));
    defineRoute('/models/:model/versions/:version/explain', explainRoute(explainDeps, named));
  }
  const fileDeps = { predictor, explainer, http, recorder, maxFileBytes, folder: deps.runtime };
  defineRoute('/predict_file', predictFileRoute(fileDeps, defaultModel));
  defineRoute('/models/:model/predict_file', predictFileRoute(fileDeps, named));
  const orderModels = config.MODEL_CONTROL === 'explicit' ? deps.orderModels : undefined;
  const askSums = deps.askSums ?? (() => Promise.resolve([]));
  const asked = { orderModels, askSums };
  const own = { catalogue, predictor, explainer, lifecycle, http, recorder, maxBodyBytes, version };
  const protocolDeps = { ...own, ...asked };
  defineProtocols(defineRoute, protocolDeps, config);
  const unknownCall = deps.grpc?.(defineRoute, (writeError) => serve(NO_ROUTE, writeError), protocolDeps);

  // Models.
  const details = { explanations, importanceOf: deps.importanceOf };
  defineRoute('/models', modelsRoute(catalogue, asked));
  defineRoute('/models/:model', modelRoute(catalogue, { ...details, orders: asked }));
  defineRoute('/models/:model/versions/:version', modelRoute(catalogue, details));
  defineRoute('/models/:model/shadow', shadowRoute(catalogue, askSums));
  if (deps.askDrift) defineRoute('/models/:model/drift', driftRoute(catalogue, deps.askDrift, assets));

  // Pages and the document.
  const playground = config.PLAYGROUND === 'on';
  defineRoute('/', homeRoute(playground ? assets : undefined));
  if (playground) defineRoute('/stats', statsRoute(deps.load));
  defineRoute('/openapi.json', openApiRoute({ catalogue, version, hasRoute }));
  defineRoute('/apidocs', pageRoute(assets, 'apidocs'));
  defineRoute('/assets/:digest/:folder/:file', assetsRoute(assets));

  // Health.
  defineRoute('/health/live', liveRoute);
  defineRoute('/health/ready', readyRoute(lifecycle));

  // All other paths: those of model.json, or 404.
  const findCustomRoute = createCustomRoutes(catalogue, forms, serve, cors?.preflight);
  const notFound: Handler = () => {
    throw new Problem('not_found');
  };
  const problemNotFound = serve(NO_ROUTE, writeProblem)(notFound);
  const protocolNotFound = serve(NO_ROUTE, writeErrorMember)(notFound);
  app.notFound((c: AppContext) => {
    const { path } = c.req;
    const custom = findCustomRoute(path);
    if (custom) return custom(c);
    return unknownCall?.(c) ?? (isV1OrV2Path(path) ? protocolNotFound : problemNotFound)(c);
  });
  // Spans are made on the app's way.
  if (tracing) return app;
  const { authorize } = deps;
  const lane = { catalogue, predictor, http, maxBodyBytes, limit, authorize, formOf };
  return Object.assign(app, { expressLane: createExpressLane(lane) });
}
