import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { writeProblem } from './dialects/dialect.ts';
import { Problem } from './errors.ts';
import type { Inference } from './inference.ts';
import type { HttpRecorder } from './metrics/http.ts';
import type { InferenceRecorder } from './metrics/inference.ts';
import type { AppEnv, Handler } from './middleware/handler.ts';
import { createServe } from './middleware/serve.ts';
import type { Catalogue } from './models/catalogue.ts';
import { createPredictor } from './predictor.ts';
import { answerText } from './routes/answer.ts';
import { createRouter } from './routes/define.ts';
import type { Lifecycle } from './routes/health.ts';
import { liveRoute, readyRoute } from './routes/health.ts';
import { modelRoute, modelsRoute } from './routes/models.ts';
import { predictRoute } from './routes/predict.ts';
import type { AskShadow } from './routes/shadow.ts';
import { shadowRoute } from './routes/shadow.ts';
import { shadowed } from './shadow/predictor.ts';
import type { Shadow } from './shadow/shadow.ts';

export interface AppDeps {
  readonly config: Pick<Config, 'MAX_BODY_BYTES' | 'PORT'>;
  readonly catalogue: Catalogue;
  readonly inference: Inference;
  readonly lifecycle: Lifecycle;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  readonly log: Logger;
  /** Scores answered rows on candidates; undefined where there is none. */
  readonly shadow?: Pick<Shadow, 'offer'> | undefined;
  /** The shadow metrics of all processes; without it there are none. */
  readonly askShadow?: AskShadow;
}

/** The label of requests to paths that don't exist. */
const NO_ROUTE = 'none';

/** What the server answers. It never listens, reads no environment and starts no timer. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const { config, catalogue, inference, lifecycle, http, recorder, log, shadow } = deps;
  const app = new Hono<AppEnv>();
  const serve = createServe(http, log);
  const define = createRouter(app, serve);
  const missing: Handler = () => {
    throw new Problem('not_found');
  };

  const own = createPredictor({ inference, http, recorder });
  define('/', { GET: (c) => answerText(c, 'Service is running') });
  define(
    '/predict',
    predictRoute({
      catalogue,
      predictor: shadow ? shadowed(own, shadow) : own,
      http,
      maxBodyBytes: config.MAX_BODY_BYTES,
      port: config.PORT,
    }),
  );
  define('/models', modelsRoute(catalogue));
  define('/models/:model', modelRoute(catalogue));
  define('/models/:model/shadow', shadowRoute(catalogue, deps.askShadow ?? (() => Promise.resolve([]))));
  define('/health/live', liveRoute);
  define('/health/ready', readyRoute(lifecycle));
  app.notFound(serve(NO_ROUTE, writeProblem)(missing));
  return app;
}
