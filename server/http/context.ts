import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { WriteError } from '../dialects/errorForm.ts';
import type { Model } from '../model/model.ts';
import type { PredictRequest } from '../prediction/request.ts';
import type { RequestTrace } from '../tracing/tracing.ts';

/** The types of Hono's context. Requests that come without a socket, in tests, have no bindings. */
export interface AppEnv {
  Bindings: Partial<HttpBindings>;
  Variables: {
    /** Set by middleware/serve.ts before any handler runs. */
    request: PredictRequest;
    /** The form of this request's errors, if it differs from its route's. */
    writeError?: WriteError;
    /** The request's model, once it is known: answerHeaders.ts. */
    model?: Model;
    /** Only where tracing is on. */
    trace?: RequestTrace;
  };
}

export type AppContext = Context<AppEnv>;

/** Answers a request, or throws a Problem. */
export type Handler = (c: AppContext) => Promise<Response> | Response;
