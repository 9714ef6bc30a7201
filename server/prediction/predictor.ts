import { setTimeout } from 'node:timers/promises';
import type { EncodeOptions, EncodedRows, Table } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { Inference, PredictOptions, Scores } from '../inference/port.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import { createDecodeTurn } from '../overload/decodeTurn.ts';
import type { AnsweredRows } from './failedRows.ts';
import { createCounting } from './counting.ts';
import type { OnAnswered } from './onAnswered.ts';
import type { PredictRequest } from './request.ts';

/** From this many rows on, a request ends when its caller disconnects. */
const LONG_REQUEST_ROWS = 1024;

/** Pause of a piece that waits for room in the queue. */
const RETRY_MS = 10;

/** A decoded body: rows, and what the writer of the dialect needs to know of them. */
export interface Decoded {
  readonly table: Table;
  /** Where the body was read straight into the matrix. */
  readonly encoded?: EncodedRows;
}

/** The answers to a request, with all that a writer of any dialect needs. */
export interface Prediction<D extends Decoded = Decoded> extends Scores {
  readonly model: Model;
  readonly decoded: D;
  readonly rows: EncodedRows;
  readonly parseSeconds: number;
}

/** The one way from a request to its answers, whatever the dialect. */
export interface Predictor {
  /**
   * Waits for its decode turn if need be, decodes, encodes, scores. A promise only if it had to wait.
   *
   * @param decode body → rows, without side effects; its time counts as parsing
   * @throws {Problem} what `decode` throws, invalid_columns, invalid_rows, and what inference throws
   */
  predict<D extends Decoded>(
    request: PredictRequest,
    model: Model,
    decode: () => D,
    options: EncodeOptions,
  ): Promise<Prediction<D>> | Prediction<D>;
  /** Encodes the rows of a piece of a file. @throws {Problem} invalid_columns, invalid_rows */
  encode(model: Model, table: Table, options: EncodeOptions): EncodedRows;
  /**
   * Scores a piece of a file. Waits for room in a full queue, at most as long as a request may take: the caller reads
   * the next piece only after this one, so it delays only itself.
   *
   * @returns the rows that were answered: without those that the model fails on, which are refused
   * @throws {Problem} invalid_rows for such rows, unless bad rows are skipped; what inference throws
   */
  score(
    id: string,
    model: Model,
    table: Table,
    rows: EncodedRows,
    options: EncodeOptions,
  ): Promise<Scores & Pick<AnsweredRows, 'rows'>>;
}

/**
 * A prediction that has its decode turn.
 *
 * @param since when it began to wait for that turn, if it had to, in milliseconds of performance.now()
 */
export type Predict = <D extends Decoded>(
  request: PredictRequest,
  model: Model,
  decode: () => D,
  options: EncodeOptions,
  since?: number,
) => Promise<Prediction<D>> | Prediction<D>;

export interface PredictorDeps {
  readonly inference: Inference;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  /** How long a piece of a long request waits for room in the queue. */
  readonly patienceMs: number;
  /** Called with all answered rows, in this order. */
  readonly onAnswered?: readonly OnAnswered[];
  /** Wraps each prediction. */
  readonly around?: ((predict: Predict) => Predict) | undefined;
}

const optionsOf = (
  request: PredictRequest,
  rows: EncodedRows,
  since: number | undefined,
  start: number,
  skipBadRows: boolean | undefined,
): PredictOptions => {
  const waitedFrom = request.waitedSince ?? since;
  return rows.rows === 1 && waitedFrom === undefined && skipBadRows !== true
    ? { requestId: request.id }
    : {
        requestId: request.id,
        skipBadRows: skipBadRows === true,
        ...(rows.rows >= LONG_REQUEST_ROWS && { signal: request.signal() }),
        waitedMs: waitedFrom === undefined ? 0 : start - waitedFrom,
        isLarge: request.size === 'large',
      };
};

export function createPredictor(deps: PredictorDeps): Predictor {
  const { inference, http, recorder, patienceMs, onAnswered = [], around = (predict) => predict } = deps;
  const { decode: decodeCounted, encode, failed, refused, leaveOut } = createCounting(recorder, http);
  const report = (
    id: string,
    model: Model,
    table: Table,
    rows: EncodedRows,
    answers: Float64Array,
    seconds: number,
    began: number,
  ): void => {
    recorder.answered(model, rows, answers, seconds, began);
    if (onAnswered.length === 0) return;
    const answered = { id, model, table, rows, answers };
    for (const observe of onAnswered) observe(answered);
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
  const decodeTurn = createDecodeTurn(patienceMs, inference.backlog);
  const predict = around((request, model, decode, options, since) => {
    const start = performance.now();
    try {
      const decoded = decodeCounted(model, decode);
      const rows = decoded.encoded ?? encode(model, decoded.table, options);
      const parseMs = performance.now() - start;
      decodeTurn.spend(parseMs);
      const parseSeconds = parseMs / 1000;
      recorder.parsed(model, parseSeconds);
      const finish = (scores: Scores): Prediction<typeof decoded> => {
        const { queueSeconds, runSeconds } = scores;
        const { table } = decoded;
        const seconds = parseSeconds + queueSeconds + runSeconds;
        if (scores.failed !== undefined) {
          // Only scores that were waited for have failed rows.
          const left = leaveOut(model, table, rows, scores, options, start);
          report(request.id, model, table, left.rows, left.answers, seconds, start);
          return { model, decoded, ...left, parseSeconds, queueSeconds, runSeconds };
        }
        const { answers } = scores;
        report(request.id, model, table, rows, answers, seconds, start);
        return { model, decoded, rows, parseSeconds, answers, queueSeconds, runSeconds };
      };
      const scores = inference.predict(
        model,
        rows,
        optionsOf(request, rows, since, start, options.skipBadRows),
      );
      if (!(scores instanceof Promise)) return finish(scores);
      return scores.then(finish, (error: unknown) => {
        failed(model, start);
        return refused(error);
      });
    } catch (error) {
      failed(model, start);
      return refused(error);
    }
  });

  return {
    encode,
    score: async (id, model, table, rows, options) => {
      const { skipBadRows = false } = options;
      const start = performance.now();
      const scores = await patiently(() =>
        inference.predict(model, rows, { requestId: id, skipBadRows }),
      ).catch((error: unknown) => {
        failed(model, start);
        throw error;
      });
      const scored = scores.failed
        ? leaveOut(model, table, rows, scores, options, start)
        : { rows, answers: scores.answers };
      report(id, model, table, scored.rows, scored.answers, scores.queueSeconds + scores.runSeconds, start);
      return { ...scores, ...scored };
    },
    predict: (request, model, decode, options) => {
      if (!decodeTurn.isOver) return predict(request, model, decode, options);
      const { size } = request;
      if (!decodeTurn.isOverFor(size)) return predict(request, model, decode, options);
      const since = performance.now();
      return decodeTurn
        .next(request.arrived, size)
        .then(() => predict(request, model, decode, options, since), refused);
    },
  };
}
