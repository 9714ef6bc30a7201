import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WriteNativeAnswer } from '../dialects/native.ts';
import { createNativeWriter } from '../dialects/native.ts';
import { writeProblem } from '../dialects/errorForm.ts';
import { Problem } from '../errors/problem.ts';
import { giveBack } from '../encoding/slab.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { perModel } from '../model/perModel.ts';
import type { AnswerForm, PredictRoute } from '../model/routeOwner.ts';
import type { EncodeOptions } from '../model/rows.ts';
import type { ConcurrencyLimit } from '../overload/concurrencyLimit.ts';
import type { BodySize } from '../overload/decodeTurn.ts';
import type { Prediction, Predictor } from '../prediction/predictor.ts';
import type { PredictRequest } from '../prediction/request.ts';
import { endAtOnce } from './answer.ts';
import { predictionHeaders } from './answerHeaders.ts';
import { collect } from './body.ts';
import { compressedHeaders, compressionFor } from './compress.ts';
import type { Authorize } from './middleware/authorize.ts';
import { requestIdOf } from './middleware/requestId.ts';
import { MAX_SMALL_BYTES } from './request.ts';
import { decodeJson, readNativeParameters } from './routes/predictInput.ts';

/** Answers a request that Node has parsed. */
export type Listen = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Answers the plainest predictions without Hono; passes all other requests, and every error, to the app. */
export type ExpressLane = (app: Listen) => Listen;

/** A request that failed in the express lane, which has counted and admitted it so far. */
export interface FailedExpress {
  readonly error: unknown;
  readonly request: PredictRequest;
  /** Undefined if the request was refused. */
  readonly model: Model | undefined;
  /** Bytes that the concurrency limit counts; undefined if the request is not in it. */
  readonly held: number | undefined;
  /** When it got its place, in milliseconds of performance.now(). */
  readonly entered: number;
}

const failures = new WeakMap<IncomingMessage, FailedExpress>();

/** The failure that the app has to answer and to count, if the request has been in the express lane. */
export function takeFailure(incoming: IncomingMessage | undefined): FailedExpress | undefined {
  const failure = incoming && failures.get(incoming);
  if (failure !== undefined) failures.delete(incoming as IncomingMessage);
  return failure;
}

/** The paths of a prediction, with a name and version that need no decoding. */
const NAMED_PATH = /^\/models\/([\w.-]+)(?:\/versions\/([1-9]\d{0,8}))?\/predict$/;
/** Hosts that the app accepts without a look at the rest of the URL: @hono/node-server's own expression. */
const PLAIN_HOST = /^[a-z\d._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/;

/** @returns whether the headers ask for nothing but JSON rows → JSON answers */
const isPlain = ({ headers }: IncomingMessage, maxBodyBytes: number): boolean => {
  const type = headers['content-type'];
  const { accept, host } = headers;
  return (
    (type === 'application/json' || type === undefined) &&
    (accept === undefined || accept === '*/*' || accept === 'application/json') &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    // CORS.
    headers.origin === undefined &&
    // Also false without a length.
    Number(headers['content-length']) <= maxBodyBytes &&
    host !== undefined &&
    PLAIN_HOST.test(host)
  );
};

export interface ExpressDeps {
  readonly catalogue: Catalogue;
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
  readonly limit: ConcurrencyLimit;
  readonly authorize: Authorize | undefined;
  readonly formOf: (route: PredictRoute, model: Model) => AnswerForm;
}

const OVERLOADED = new Problem('overloaded');

/** What all requests of a lane share. */
interface Lane extends ExpressDeps {
  readonly app: Listen;
  readonly writerOf: (model: Model) => WriteNativeAnswer;
}

const { probabilities, extra, on_error } = readNativeParameters.defaults;
const WITH_PROBABILITIES = probabilities === 'true';
const OPTIONS: EncodeOptions = { ignoreExtra: extra === 'ignore', skipBadRows: on_error === 'null' };

/** A request in the express lane. It calls what the app calls: middleware/serve.ts and routes/predict.ts. */
class Express implements PredictRequest {
  readonly id: string;
  readonly arrived = performance.now();
  readonly trace = undefined;
  waitedSince: number | undefined = undefined;
  readonly #lane: Lane;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #route: PredictRoute;
  readonly #model: Model;
  readonly #bytes: number;
  #isAdmitted = false;
  #entered: number;

  constructor(
    lane: Lane,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    route: PredictRoute,
    model: Model,
  ) {
    const { headers } = incoming;
    this.id = requestIdOf(headers['x-request-id'] as string | undefined);
    this.#lane = lane;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#route = route;
    this.#model = model;
    this.#bytes = Number(headers['content-length']);
    this.#entered = this.arrived;
  }

  get size(): BodySize {
    return this.#bytes <= MAX_SMALL_BYTES ? 'small' : 'large';
  }

  signal(): AbortSignal {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed) return AbortSignal.abort();
    const controller = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) controller.abort();
    });
    return controller.signal;
  }

  run(): void {
    const { http, authorize, limit } = this.#lane;
    const { headers } = this.#incoming;
    http.began();
    try {
      authorize?.('POST', this.#route, (name) => headers[name] as string | undefined);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (limit.enter(this.#bytes)) this.#read();
    else limit.wait(this.#bytes, (entered) => (entered ? this.#readAfterWait() : this.#refuse()));
  }

  #readAfterWait(): void {
    this.#entered = performance.now();
    this.waitedSince = this.arrived;
    this.#read();
  }

  #read(): void {
    this.#isAdmitted = true;
    collect(
      this.#incoming,
      this.#lane.maxBodyBytes,
      (body) => this.#predict(body),
      (problem) => this.#fail(problem),
    );
  }

  /** Here, not in the app: an error takes several times as long there, and these come when there is no time. */
  #refuse(): void {
    const { type, body } = writeProblem(OVERLOADED, this.id);
    this.#outgoing.writeHead(OVERLOADED.status, {
      'content-type': type,
      'x-request-id': this.id,
      ...OVERLOADED.headers,
      'content-length': String(Buffer.byteLength(body)),
    });
    endAtOnce(this.#outgoing, body);
    this.#lane.http.ended('POST', this.#route, OVERLOADED.status, (performance.now() - this.arrived) / 1000);
  }

  #predict(body: Buffer): void {
    const { http, predictor } = this.#lane;
    const model = this.#model;
    try {
      http.body(body.length);
      const prediction = predictor.predict(this, model, () => decodeJson(body, model), OPTIONS);
      if (prediction instanceof Promise)
        prediction.then((found) => this.#answer(found)).catch((error: unknown) => this.#fail(error));
      else this.#answer(prediction);
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(prediction: Prediction): void {
    const body = this.#lane.writerOf(this.#model)(prediction.answers, prediction.rows, WITH_PROBABILITIES);
    giveBack(prediction.rows.cells);
    const head = predictionHeaders(this.id, prediction);
    const accept = this.#incoming.headers['accept-encoding'];
    const compression = compressionFor(accept, body.length);
    if (compression === undefined) {
      this.#send(head, body);
      return;
    }
    compression
      .compress(body)
      .then((bytes) => this.#send(compressedHeaders(compression, head), bytes))
      .catch((error: unknown) => this.#fail(error));
  }

  #send(head: Record<string, string>, body: string | Buffer): void {
    const { limit, http } = this.#lane;
    head['content-length'] = String(Buffer.byteLength(body));
    this.#outgoing.writeHead(200, head);
    endAtOnce(this.#outgoing, body);
    const now = performance.now();
    limit.leave(this.#bytes, now - this.#entered);
    http.ended('POST', this.#route, 200, (now - this.arrived) / 1000);
  }

  #fail(error: unknown): void {
    const incoming = this.#incoming;
    const admitted = this.#isAdmitted;
    failures.set(incoming, {
      error,
      request: this,
      model: admitted ? this.#model : undefined,
      held: admitted ? this.#bytes : undefined,
      entered: this.#entered,
    });
    this.#outgoing.once('close', () => this.#settle());
    this.#lane.app(incoming, this.#outgoing);
  }

  /** The app has answered the request without a route, such as for a URL that it refuses: else nothing counted its end. */
  #settle(): void {
    const failure = takeFailure(this.#incoming);
    if (failure === undefined) return;
    const { limit, http } = this.#lane;
    const now = performance.now();
    if (failure.held !== undefined) limit.leave(failure.held, now - failure.entered);
    http.ended('POST', this.#route, this.#outgoing.statusCode, (now - this.arrived) / 1000);
  }
}

/** Takes a POST of JSON rows to a predict path, without a query, in the native form. */
export function createExpressLane(deps: ExpressDeps): ExpressLane {
  const { catalogue, maxBodyBytes, formOf } = deps;
  const writerOf = perModel(createNativeWriter);
  return (app) => {
    const lane: Lane = { ...deps, app, writerOf };
    const take = (
      incoming: IncomingMessage,
      outgoing: ServerResponse,
      route: PredictRoute,
      model: Model | undefined,
    ): void => {
      if (model !== undefined && formOf(route, model) === 'native')
        new Express(lane, incoming, outgoing, route, model).run();
      else app(incoming, outgoing);
    };
    return (incoming, outgoing) => {
      const { method, url = '' } = incoming;
      if (method !== 'POST' || !isPlain(incoming, maxBodyBytes)) {
        app(incoming, outgoing);
        return;
      }
      if (url === '/predict') {
        take(incoming, outgoing, '/predict', catalogue.defaultModel);
        return;
      }
      const [, name, version] = NAMED_PATH.exec(url) ?? [];
      if (name === undefined) app(incoming, outgoing);
      else if (version === undefined)
        take(incoming, outgoing, '/models/:model/predict', catalogue.find(name));
      else
        take(
          incoming,
          outgoing,
          '/models/:model/versions/:version/predict',
          catalogue.find(name, Number(version)),
        );
    };
  };
}
