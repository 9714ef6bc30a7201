import { answerWidth } from '../../worker/protocol.ts';
import type { EncodeOptions, EncodedRows, Warning } from '../model/rows.ts';
import type { CellError } from '../errors/problem.ts';
import { MAX_LISTED, Problem } from '../errors/problem.ts';
import { giveBack } from '../encoding/slab.ts';
import type { Model } from '../model/model.ts';
import type { Explainer } from './explainer.ts';
import type { Predictor } from './predictor.ts';
import type { Spool } from '../platform/spool.ts';
import { pieces } from '../platform/spool.ts';
import { contributionMatrix } from '../dialects/explanation.ts';
import type { FileNotes } from '../dialects/fileAnswer.ts';
import type { CsvForm } from '../dialects/forms/csv.ts';
import type { CsvPiece } from '../dialects/csvBytes.ts';
import { createCsvPieces } from '../dialects/csvBytes.ts';

/** Pieces of one file that wait for answers: just enough to keep the threads busy, since they are held in memory. */
const MAX_IN_FLIGHT = 4;

export interface FileOptions extends EncodeOptions {
  readonly form: CsvForm;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Adds the contributions to the score of each row's answer, and the base. */
  readonly explainer?: Explainer | undefined;
}

/**
 * The result of a file. Its answers are in a spool, Float64, NaN in a refused row: [rows, answerWidth], and with an
 * explainer the columns' contributions and the base behind each row's answer.
 */
export interface FileScores extends FileNotes {
  readonly rows: number;
  readonly parseSeconds: number;
  readonly queueSeconds: number;
  readonly runSeconds: number;
}

/** [rows, answerWidth + columns + 1]: each row's answer, its contributions and the base. */
async function explainAnswers(
  explainer: Explainer,
  model: Model,
  { requestId, signal }: FileOptions,
  rows: EncodedRows,
  answers: Float64Array,
): Promise<Float64Array> {
  const width = answerWidth(model.output);
  const more = model.signature.inputs.length + 1;
  const of = model.output.task === 'classification' ? 'predicted' : 0;
  const all = new Float64Array(rows.rows * (width + more));
  await explainer.explainPiece({ model, requestId, signal }, rows, (explained, first, last) => {
    const own = answers.subarray(first * width, last * width);
    const matrix = contributionMatrix(model, explained, own, of);
    for (let row = first; row < last; row++) {
      all.set(answers.subarray(row * width, (row + 1) * width), row * (width + more));
      const from = (row - first) * more;
      all.set(matrix.subarray(from, from + more), row * (width + more) + width);
    }
  });
  return all;
}

/** [rows + refused rows, width]: answers in the order of the file's rows, NaN for refused ones. */
function placeAnswers(answers: Float64Array, rows: EncodedRows, width: number): Float64Array {
  if (!rows.refused) return answers;
  const refused = new Set(rows.refused.rows);
  const placed = new Float64Array((rows.rows + refused.size) * width).fill(NaN);
  let from = 0;
  for (let row = 0; row * width < placed.length; row++) {
    if (refused.has(row)) continue;
    placed.set(answers.subarray(from, from + width), row * width);
    from += width;
  }
  return placed;
}

/**
 * Predicts for every row of a CSV in a spool, in bounded memory: a few pieces at a time wait in the queue as requests
 * of their own, each with its own deadline.
 *
 * @param answers receives the answers
 * @throws {Problem} invalid_csv, invalid_encoding, invalid_columns, invalid_rows with the faults of the whole file, and
 *   what inference throws
 */
export async function scoreFile(
  predictor: Predictor,
  model: Model,
  file: Spool,
  answers: Spool,
  options: FileOptions,
): Promise<FileScores> {
  const { signal, explainer } = options;
  const width = answerWidth(model.output) + (explainer ? model.signature.inputs.length + 1 : 0);
  const csv = createCsvPieces(model, options.form);
  const waiting: {
    readonly before: number;
    readonly encoded: EncodedRows;
    readonly scores: ReturnType<Predictor['score']>;
  }[] = [];
  const warnings: Warning[] = [];
  const errors: CellError[] = [];
  /** Sentences with which pieces were refused. */
  const details = new Set<string>();
  let rows = 0;
  let warningsTotal = 0;
  let errorsTotal = 0;
  let parseSeconds = 0;
  let queueSeconds = 0;
  let runSeconds = 0;

  /** @param before rows of the file before the piece */
  const note = (found: readonly CellError[], total: number, before: number): void => {
    for (const error of found) errors.push({ ...error, row: error.row + before });
    errors.sort((a, b) => a.row - b.row).splice(MAX_LISTED);
    errorsTotal += total;
  };
  const noteRefusal = (error: unknown, before: number): undefined => {
    if (!(error instanceof Problem) || error.code !== 'invalid_rows') throw error;
    details.add(error.message);
    note(error.extensions.errors ?? [], error.extensions.errorsTotal ?? 0, before);
  };
  /** The rows of a piece; undefined once a refused row refuses the file: its rest is only checked. */
  const encode = (piece: CsvPiece): EncodedRows | undefined => {
    try {
      const encoded = piece.encoded ?? predictor.encode(model, piece.table, options);
      for (const warning of encoded.warnings)
        if (warnings.length < MAX_LISTED) warnings.push({ ...warning, row: warning.row + rows });
      warningsTotal += encoded.warningsTotal;
      return encoded;
    } catch (error) {
      return noteRefusal(error, rows);
    }
  };
  const requireNoFaults = (): void => {
    if (errorsTotal === 0 || options.skipBadRows === true) return;
    const [detail] = details.size === 1 ? details : [];
    throw new Problem('invalid_rows', { ...(detail !== undefined && { detail }), errors, errorsTotal });
  };
  const finishFirst = async (): Promise<void> => {
    const first = waiting.shift();
    if (!first) return;
    const { before, encoded, scores } = first;
    let scored;
    try {
      scored = await scores;
    } catch (error) {
      return noteRefusal(error, before);
    }
    const { rows: own } = scored;
    if (own.refused) note(own.refused.errors, own.refused.errorsTotal, before);
    queueSeconds += scored.queueSeconds;
    runSeconds += scored.runSeconds;
    const full = explainer
      ? await explainAnswers(explainer, model, options, own, scored.answers)
      : scored.answers;
    giveBack(encoded.cells);
    const placed = placeAnswers(full, own, width);
    await answers.append(new Uint8Array(placed.buffer, placed.byteOffset, placed.byteLength));
  };
  /** @returns whether there was a piece */
  const scoreNext = async (read: Iterator<CsvPiece>): Promise<boolean> => {
    if (signal.aborted) throw new Problem('request_timeout');
    const start = performance.now();
    const next = read.next();
    if (next.done === true) return false;
    const { value: piece } = next;
    const before = rows;
    const encoded = encode(piece);
    rows += piece.encoded?.rows ?? piece.table.data.length;
    parseSeconds += (performance.now() - start) / 1000;
    if (!encoded || (errorsTotal > 0 && options.skipBadRows !== true)) return true;
    // Nothing to score, and nothing to count: the head of the file, or its end.
    if (encoded.rows === 0 && !encoded.refused) return true;
    // Without the signal, which would get a listener for each piece: it is checked between pieces.
    const scores = predictor.score(options.requestId, model, piece.table, encoded, options);
    // Its failure is handled later, in finishFirst: it must not count as unhandled until then.
    scores.catch(() => undefined);
    waiting.push({ before, encoded, scores });
    if (waiting.length >= MAX_IN_FLIGHT) await finishFirst();
    return true;
  };
  const score = async (read: Iterator<CsvPiece>): Promise<void> => {
    while (await scoreNext(read));
  };

  for await (const bytes of pieces(file, csv.pieceBytes)) await score(csv.read(bytes));
  await score(csv.end());
  requireNoFaults();
  while (waiting.length > 0) await finishFirst();
  requireNoFaults();
  return { rows, warnings, warningsTotal, errors, errorsTotal, parseSeconds, queueSeconds, runSeconds };
}
