import { setTimeout } from 'node:timers/promises';
import type { Table } from '../model/rows.ts';
import type { EncodeOptions } from '../model/rows.ts';
import type { EncodedRows } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { Inference, PredictOptions, Scores } from '../inference/port.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import { isShed } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { AppContext } from '../http/context.ts';
import { header } from '../http/header.ts';
import type { Model } from '../model/model.ts';
import type { BodySize } from '../overload/decodeTurn.ts';
import { createTurn } from '../overload/decodeTurn.ts';

/** A request of so many rows is worth watching for a caller that hangs up. */
const LONG_REQUEST_ROWS = 1024;

/** How often a piece that waits for room in the queue looks for it. */
const RETRY_MS = 10;

/** Bytes of a body that is decoded in a fraction of a millisecond: some dozens of rows. */
const MOST_SMALL_BYTES = 2048;

/** A packed body, or one without a length, may hold anything. */
const sizeOf = (c: AppContext): BodySize =>
  Number(header(c, 'content-length') ?? 0) <= MOST_SMALL_BYTES &&
  header(c, 'content-encoding') === undefined &&
  header(c, 'transfer-encoding') === undefined
    ? 'small'
    : 'large';

/** The answers to a request, with what an answer in any dialect needs beside them. */
export interface Prediction extends Scores {
  readonly model: Model;
  readonly rows: EncodedRows;
  readonly parseSeconds: number;
}

/** The one way from a decoded request to its answers, whatever the dialect. */
export interface Predictor {
  /**
   * A promise only if the rows had to wait.
   *
   * @param decode body → rows; its time counts as parsing
   * @throws {Problem} what `decode` throws, invalid_columns, invalid_rows, and what inference throws
   */
  predict(
    c: AppContext,
    model: Model,
    decode: () => Table,
    options: EncodeOptions,
  ): Promise<Prediction> | Prediction;
  /** The first half of `predict`, for rows that come in pieces. @throws {Problem} as `predict` */
  encode(model: Model, decode: () => Table, options: EncodeOptions): EncodedRows;
  /**
   * The second half. A full queue is waited for, at most as long as a request may take: the caller asks for the next
   * piece only when it has this one's answers, so what it holds back is its own.
   *
   * @throws {Problem} what inference throws
   */
  score(model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores>;
}

/**
 * A prediction, from the turn of the event loop on in which it may be decoded.
 *
 * @param since when it began to wait for that turn, if it had to: as performance.now()
 */
export type Predict = (
  ...request: [...Parameters<Predictor['predict']>, since?: number]
) => ReturnType<Predictor['predict']>;

export interface PredictorDeps {
  readonly inference: Inference;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  /** How long a piece of a long request waits for room in the queue. */
  readonly patienceMs: number;
  /** Looks at each prediction. */
  readonly around?: ((predict: Predict) => Predict) | undefined;
}

export function createPredictor(deps: PredictorDeps): Predictor {
  const { inference, http, recorder, patienceMs, around = (predict) => predict } = deps;
  const encode: Predictor['encode'] = (model, decode, options) => {
    try {
      const table = decode();
      const rows = model.encoder.encode(table.columns, table.data, options, table);
      if (rows.refused) recorder.invalid(model, rows.refused.refusals);
      return rows;
    } catch (error) {
      if (error instanceof Problem) recorder.invalid(model, error.refusals);
      throw error;
    }
  };
  /** A request that had to be turned away is counted. */
  const refused = (error: unknown): never => {
    if (error instanceof Problem && isShed(error.code)) http.shed(error.code);
    throw error;
  };
  const patiently = async <T>(attempt: () => Promise<T> | T): Promise<T> => {
    const giveUp = performance.now() + patienceMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const full = error instanceof Problem && error.code === 'overloaded';
        if (!full || performance.now() > giveUp) return refused(error);
        await setTimeout(RETRY_MS);
      }
    }
  };
  const infer = (model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores> | Scores => {
    try {
      const scores = inference.predict(model, rows, options);
      return scores instanceof Promise ? scores.catch(refused) : scores;
    } catch (error) {
      return refused(error);
    }
  };
  const optionsOf = (c: AppContext, { rows }: EncodedRows, waitedMs: number): PredictOptions => ({
    requestId: c.get('requestId'),
    ...(rows >= LONG_REQUEST_ROWS && { signal: c.req.raw.signal }),
    waitedMs,
    isLarge: sizeOf(c) === 'large',
  });
  const turn = createTurn(patienceMs, inference);
  const predict = around((c, model, decode, options, since) => {
    const start = performance.now();
    const rows = encode(model, decode, options);
    const parseMs = performance.now() - start;
    turn.spend(parseMs);
    const parseSeconds = parseMs / 1000;
    recorder.parsed(model, parseSeconds);
    const finish = ({ answers, queueSeconds, runSeconds }: Scores): Prediction => {
      recorder.answered(model, rows, answers);
      return { model, rows, parseSeconds, answers, queueSeconds, runSeconds };
    };
    const requestId = c.get('requestId');
    const scores = infer(
      model,
      rows,
      rows.rows === 1 && since === undefined
        ? { requestId }
        : optionsOf(c, rows, since === undefined ? 0 : start - since),
    );
    return scores instanceof Promise ? scores.then(finish) : finish(scores);
  });
  return {
    encode,
    score: async (model, rows, options) => {
      const scores = await patiently(() => inference.predict(model, rows, options));
      recorder.answered(model, rows, scores.answers);
      return scores;
    },
    predict: (c, model, decode, options) => {
      if (!turn.isOver) return predict(c, model, decode, options);
      const size = sizeOf(c);
      if (!turn.isOverFor(size)) return predict(c, model, decode, options);
      const since = performance.now();
      return turn.next(c.get('arrived'), size).then(() => predict(c, model, decode, options, since), refused);
    },
  };
}
