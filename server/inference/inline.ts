import type { Forest } from '../../worker/forest/forest.ts';
import { createForest } from '../../worker/forest/forest.ts';
import type { Rows } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Inference, Scores } from './port.ts';
import { perModel } from '../model/perModel.ts';
import type { Model } from '../model/model.ts';
import type { QueueRecorder } from './queue.ts';

/** CPU time of sending a batch to a thread and receiving its answers, in microseconds. */
const HOP_MICROSECONDS = 50;

/** Most rows of a request that is answered inline. */
const MOST_ROWS = 32;

/** WebAssembly needs some runs to warm up. */
const TRIALS = 20;
/** Requests wait meanwhile. */
const TRIALS_MS = 5;

/** A forest in this process, for requests that cost less to answer than to send to a thread. */
interface Inline {
  readonly forest: Forest;
  readonly width: number;
  readonly mostRows: number;
}

/** The least time that these rows take, in milliseconds. @param isEnough ends the trials early */
function fastest(
  forest: Forest,
  rows: number,
  answers: Float64Array,
  isEnough: (least: number) => boolean = (least) => least * 1000 <= HOP_MICROSECONDS,
): number {
  let least = Infinity;
  const begin = performance.now();
  for (let trial = 0; trial < TRIALS && !isEnough(least) && performance.now() - begin < TRIALS_MS; trial++) {
    const start = performance.now();
    forest.score(rows, answers);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** Rows that a forest answers in the time of the hop to a thread and back, on this machine. */
function rowsWithinHop(forest: Forest, { rows, cells }: Rows, width: number): number {
  const count = Math.min(rows, MOST_ROWS);
  if (count === 0) return 0;
  const answers = new Float64Array(count * width);
  forest.input.set((cells as Float32Array).subarray(0, (cells.length / rows) * count));
  const rowsIn = (milliseconds: number, tried: number): number =>
    Math.min(MOST_ROWS, Math.floor((HOP_MICROSECONDS * tried) / (1000 * milliseconds)));
  // Alone first: requests wait meanwhile, and 32 rows of a large forest take many times as long.
  if (rowsIn(fastest(forest, 1, answers), 1) === 0) return 0;
  // With hundreds of models, needless trials are a good part of the start.
  return rowsIn(
    fastest(forest, count, answers, (least) => rowsIn(least, count) === MOST_ROWS),
    count,
  );
}

function prepare({ engine, fast, output }: Model): Inline | undefined {
  if (engine.engine !== 'forest' || fast?.path.rest.kind !== 'forest') return undefined;
  const forest = createForest(fast.path.rest.forest, MOST_ROWS);
  const width = answerWidth(output);
  const mostRows = rowsWithinHop(forest, fast.probes.fast, width);
  return mostRows > 0 ? { forest, width, mostRows } : undefined;
}

export interface InlineInference extends Inference {
  /** Compiles a model's forest; its first request would wait for that otherwise. */
  prepare(model: Model): void;
  /** Answers rows at once, uncounted; undefined if they have to go to a thread. */
  score(model: Model, rows: EncodedRows): Scores | undefined;
}

/**
 * Answers small requests on compiled forests in the server process itself, at once, and sends all others to `beyond`.
 * WebAssembly can't crash the process, and no object of such a request outlives its turn of the event loop: the
 * request never waits, and the garbage collector never has to move its objects.
 */
export function createInline(
  beyond: Inference,
  recorder: Pick<QueueRecorder, 'batch' | 'queued'>,
): InlineInference {
  const inlineOf = perModel(prepare);
  const score = (model: Model, rows: EncodedRows): Scores | undefined => {
    const inline = inlineOf(model);
    if (inline === undefined || rows.rows === 0 || rows.rows > inline.mostRows) return undefined;
    const { forest, width } = inline;
    const start = performance.now();
    const answers = new Float64Array(rows.rows * width);
    forest.input.set(rows.cells);
    forest.score(rows.rows, answers);
    return { answers, queueSeconds: 0, runSeconds: (performance.now() - start) / 1000 };
  };
  return {
    prepare: (model) => void inlineOf(model),
    get late() {
      return beyond.late;
    },
    backlog: beyond.backlog,
    get queuedRows() {
      return beyond.queuedRows;
    },
    score,
    predict: (model, rows, options) => {
      const scores = score(model, rows);
      if (scores === undefined) return beyond.predict(model, rows, options);
      const queueSeconds = (options.waitedMs ?? 0) / 1000;
      recorder.batch(model, rows.rows, scores.runSeconds);
      recorder.queued(model, queueSeconds);
      return queueSeconds === 0 ? scores : { ...scores, queueSeconds };
    },
    close: () => beyond.close(),
  };
}
