import { setTimeout } from 'node:timers/promises';
import { Problem } from '../errors/problem.ts';
import type { Explained, Explanations } from '../inference/explanations.ts';
import { notExplainable, tooManyRows } from '../inference/explanations.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Decoded } from './predictor.ts';
import type { PredictRequest } from './request.ts';

/** The one way from answered rows to their explanations, whatever the dialect. */
export interface Explainer {
  /** @throws {Problem} not_explainable */
  requireExplainable(model: Model): void;
  /** Called in `decode`: rows that aren't explained aren't predicted. @throws {Problem} too_many_rows */
  requireFewRows<D extends Decoded>(model: Model, decoded: D): D;
  /** Counts requests that are refused. @throws {Problem} as `Explanations.explain` */
  explain(request: PredictRequest, model: Model, rows: EncodedRows): Promise<Explained>;
  /**
   * Explains a piece of a file, some rows at a time, each with a deadline of its own. Waits for room as the pieces of a
   * prediction do.
   *
   * @param take gets the rows' numbers in the piece: from the first to before the last
   */
  explainPiece(
    of: PieceOf,
    rows: EncodedRows,
    take: (explained: Explained, first: number, last: number) => void,
  ): Promise<void>;
}

/** The file that a piece belongs to. */
export interface PieceOf {
  readonly model: Model;
  readonly requestId: string;
  /** Aborted when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** Rows of a file that are explained at a time: fewer than a deadline allows. */
const PIECE_ROWS = 32;
/** Pause of rows that wait for room. */
const RETRY_MS = 10;

/** Some rows of a matrix, without the remarks on them. */
function sliceRows(rows: EncodedRows, first: number, last: number): EncodedRows {
  const width = rows.cells.length / rows.rows;
  return {
    rows: last - first,
    cells: rows.cells.subarray(first * width, last * width),
    texts: rows.texts
      .filter(({ row }) => row >= first && row < last)
      .map((cell) => ({ ...cell, row: cell.row - first })),
    warnings: [],
    warningsTotal: 0,
  };
}

/** @param patienceMs how long a piece waits for room */
export function createExplainer(
  explanations: Explanations,
  { shed }: Pick<HttpRecorder, 'shed'>,
  patienceMs: number,
): Explainer {
  const refused = (error: unknown): never => {
    if (error instanceof Problem && error.code === 'overloaded') shed('explanations');
    throw error;
  };
  const patiently = async (attempt: () => Promise<Explained>): Promise<Explained> => {
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
  return {
    requireExplainable: (model) => {
      const explanation = explanations.describe(model);
      if ('reason' in explanation) throw notExplainable(explanation.reason);
    },
    requireFewRows: (model, decoded) => {
      const most = explanations.mostRows(model);
      if ((decoded.encoded?.rows ?? decoded.table.data.length) > most) throw tooManyRows(most);
      return decoded;
    },
    explain: (request, model, rows) =>
      explanations.explain(model, rows, { requestId: request.id, signal: request.signal() }).catch(refused),
    explainPiece: async ({ model, ...options }, rows, take) => {
      const most = Math.min(PIECE_ROWS, explanations.mostRows(model));
      for (let first = 0; first < rows.rows; first += most) {
        const last = Math.min(rows.rows, first + most);
        const some = sliceRows(rows, first, last);
        take(await patiently(() => explanations.explain(model, some, options)), first, last);
      }
    },
  };
}
