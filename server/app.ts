import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { writeProblem } from './dialects/dialect.ts';
import { Problem } from './errors.ts';
import type { Inference } from './inference.ts';
import type { HttpRecorder } from './metrics/http.ts';
import type { InferenceRecorder } from './metrics/inference.ts';
import type { Load } from './metrics/load.ts';
import { createCors } from './middleware/cors.ts';
import type { AppEnv, Handler } from './middleware/handler.ts';
import { createServe } from './middleware/serve.ts';
import type { Catalogue } from './models/catalogue.ts';
import { createPredictor } from './predictor.ts';
import { readVersion } from './project.ts';
import { createRouter } from './routes/define.ts';
import type { Lifecycle } from './routes/health.ts';
import { liveRoute, readyRoute } from './routes/health.ts';
import { homeRoute } from './routes/home.ts';
import { modelRoute, modelsRoute } from './routes/models.ts';
import { openApiRoute } from './routes/openapi.ts';
import { predictRoute } from './routes/predict.ts';
import { statsRoute } from './routes/stats.ts';
import { assetsRoute, pageRoute } from './routes/web.ts';
import type { Assets } from './web/assets.ts';

export interface AppDeps {
  readonly config: Pick<Config, 'CORS_ORIGINS' | 'MAX_BODY_BYTES' | 'PLAYGROUND' | 'PORT'>;
  readonly catalogue: Catalogue;
  readonly inference: Inference;
  readonly lifecycle: Lifecycle;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  /** The load of the whole server. */
  readonly load: () => Load;
  readonly assets: Assets;
  readonly log: Logger;
}

/** The label of requests to paths that don't exist. */
const NO_ROUTE = 'none';

/** What the server answers. It never listens, reads no environment and starts no timer. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const { config, catalogue, inference, lifecycle, http, recorder, load, assets, log } = deps;
  const app = new Hono<AppEnv>();
  const cors = config.CORS_ORIGINS === '' ? undefined : createCors(config.CORS_ORIGINS);
  const serve = cors ? cors.share(createServe(http, log)) : createServe(http, log);
  const define = createRouter(app, serve, cors?.preflight);
  const missing: Handler = () => {
    throw new Problem('not_found');
  };

  const playground = config.PLAYGROUND === 'on';
  define('/', homeRoute(playground ? assets : undefined));
  if (playground) define('/stats', statsRoute(load));
  define(
    '/predict',
    predictRoute({
      catalogue,
      predictor: createPredictor({ inference, http, recorder }),
      http,
      maxBodyBytes: config.MAX_BODY_BYTES,
      port: config.PORT,
    }),
  );
  define('/models', modelsRoute(catalogue));
  define('/models/:model', modelRoute(catalogue));
  define(
    '/openapi.json',
    openApiRoute({
      catalogue,
      version: readVersion(),
      // A pattern is found by itself: `:model` is a segment like any other.
      hasRoute: (path) => app.router.match('POST', path)[0].length > 0,
    }),
  );
  define('/apidocs', pageRoute(assets, 'apidocs'));
  define('/assets/:digest/:folder/:file', assetsRoute(assets));
  define('/health/live', liveRoute);
  define('/health/ready', readyRoute(lifecycle));
  app.notFound(serve(NO_ROUTE, writeProblem)(missing));
  return app;
}
