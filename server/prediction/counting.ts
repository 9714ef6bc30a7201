import { withWarnings } from '../encoding/warnings.ts';
import { Problem } from '../errors/problem.ts';
import type { Scores } from '../inference/port.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import { isShed } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { Model } from '../model/model.ts';
import type { EncodeOptions, EncodedRows, Table } from '../model/rows.ts';
import type { AnsweredRows } from './failedRows.ts';
import { leaveOutFailed } from './failedRows.ts';

/** The steps of a prediction that may refuse rows: what was refused, and why, is counted. */
export interface Counting {
  /** @throws {Problem} what `decode` throws */
  decode<D>(model: Model, decode: () => D): D;
  /** @throws {Problem} invalid_columns, invalid_rows */
  encode(model: Model, table: Table, options: EncodeOptions): EncodedRows;
  /** Counts a request that got an error. @param began in milliseconds of performance.now() */
  failed(model: Model, began: number): void;
  /** Counts a request that was shed, if that is the error, which it throws. */
  refused(error: unknown): never;
  /**
   * Leaves out the rows that the model fails on: neither metrics nor observers see them as answered.
   *
   * @throws {Problem} invalid_rows unless bad rows are skipped; then the request has failed
   */
  leaveOut(
    model: Model,
    table: Table,
    rows: EncodedRows,
    scores: Scores,
    options: EncodeOptions,
    began: number,
  ): AnsweredRows;
}

export function createCounting(recorder: InferenceRecorder, http: Pick<HttpRecorder, 'shed'>): Counting {
  /** Counts what a refused body was refused for. */
  const invalid = (model: Model, error: unknown): never => {
    if (error instanceof Problem) recorder.invalid(model, error.refusals);
    throw error;
  };
  const failed = (model: Model, began: number): void =>
    recorder.failed(model, (performance.now() - began) / 1000);
  return {
    failed,
    decode: (model, decode) => {
      try {
        return decode();
      } catch (error) {
        return invalid(model, error);
      }
    },
    encode: (model, table, options) => {
      try {
        const encoded = model.encoder.encode(table.columns, table.data, options, table);
        const rows = table.warnings === undefined ? encoded : withWarnings(encoded, table.warnings);
        if (rows.refused) recorder.invalid(model, rows.refused.refusals);
        return rows;
      } catch (error) {
        return invalid(model, error);
      }
    },
    refused: (error) => {
      if (error instanceof Problem && isShed(error.code)) http.shed(error.code);
      throw error;
    },
    leaveOut: (model, table, rows, scores, { skipBadRows = false }, began) => {
      try {
        const answered = leaveOutFailed(model, table, rows, scores, skipBadRows);
        recorder.invalid(model, answered.refusals);
        return answered;
      } catch (error) {
        failed(model, began);
        return invalid(model, error);
      }
    },
  };
}
