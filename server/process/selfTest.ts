import { answerWidth } from '../../worker/protocol.ts';
import type { InlineInference } from '../inference/inline.ts';
import type { Queue, QueueRecorder } from '../inference/queue.ts';
import type { EncodedRows } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import { perModel } from '../model/perModel.ts';
import { exampleRow } from '../model/exampleRow.ts';
import type { Model } from '../model/model.ts';

/** The pause after a right answer. */
const PAUSE_MS = 1000;

/** A full queue is asked again so soon: a server that has much to do predicts. */
const FULL_PAUSE_MS = 100;

/** Wrong answers in a row that are no chance. */
const MANY_WRONG = 2;

/** Wrong is what is no rounding: another label, or a number that is off by this, relative to its size. */
const TOLERANCE = 1e-3;

export interface ProofOptions {
  readonly inline: Pick<InlineInference, 'score'>;
  readonly queue: Pick<Queue, 'predict'>;
  /** How long a right answer counts. */
  readonly freshMs: number;
  /** A model answers wrongly, or not at all; `before`: it has answered this process rightly. */
  readonly onWrong: (model: Model, reason: string, before: boolean) => void;
  readonly pauseMs?: number;
}

/** The proof that this process predicts: it asks itself, all the time, on every path that a request can take. */
export interface Proof {
  /** Every served model has lately answered as it should. */
  readonly holds: boolean;
  /** The models to ask, from now on. Their golden rows have just been verified. */
  follow(served: readonly Model[]): void;
  close(): void;
}

interface Standing {
  provenAt: number;
  asked: number;
  right: number;
  /** In a row. */
  wrong: number;
}

/** Whose rows are asked by the server itself, and not to be counted. */
const asked = new WeakSet<Model>();

/** The same model for the queue, which batches it by itself. */
const askedModel = perModel((model) => {
  const copy = { ...model };
  asked.add(copy);
  return copy;
});

/** The id of the server's own requests. */
const NOBODYS = '';
const isSomebodys = (requestId: string): boolean => requestId !== NOBODYS;

/** Records what others asked. */
export const uncounted = (recorder: QueueRecorder): QueueRecorder => ({
  ...recorder,
  batch: (model, rows, seconds) => {
    if (!asked.has(model)) recorder.batch(model, rows, seconds);
  },
  queued: (model, seconds) => {
    if (!asked.has(model)) recorder.queued(model, seconds);
  },
  running: (thread, requestIds) => recorder.running(thread, requestIds.filter(isSomebodys)),
  fault: (model, reply, requestIds) => recorder.fault(model, reply, requestIds.filter(isSomebodys)),
});

interface Question {
  readonly rows: EncodedRows;
  /** What the training side answered; undefined when nobody said. */
  readonly wanted: Float64Array | undefined;
}

/** A golden row, another each time; a made-up one where there are none. */
function questionOf({ golden, encoder, output, signature }: Model, number: number): Question {
  if (!golden || golden.rows === 0) {
    const columns = signature.inputs.map(({ name }) => name);
    return { rows: encoder.encode(columns, [exampleRow(signature)]), wanted: undefined };
  }
  const row = number % golden.rows;
  const width = answerWidth(output);
  const { columns, data } = golden.table;
  return {
    rows: encoder.encode(columns, [data[row]]),
    wanted: golden.answers.subarray(row * width, (row + 1) * width),
  };
}

const near = (got: number, wanted: number): boolean =>
  Object.is(got, wanted) || Math.abs(got - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted));

const isRight = (answers: Float64Array, wanted: Float64Array | undefined): boolean =>
  wanted === undefined || wanted.every((value, index) => near(answers[index] as number, value));

export function createProof({ inline, queue, freshMs, onWrong, pauseMs = PAUSE_MS }: ProofOptions): Proof {
  let standings = new Map<Model, Standing>();
  let closed = false;

  /** @returns what is wrong with its answers */
  const ask = async (model: Model, number: number): Promise<string | undefined> => {
    const { rows, wanted } = questionOf(model, number);
    const atOnce = inline.score(model, rows);
    if (atOnce && !isRight(atOnce.answers, wanted)) return 'a golden row is answered wrongly in the process';
    const { answers } = await queue.predict(askedModel(model), rows, { requestId: NOBODYS });
    return isRight(answers, wanted) ? undefined : 'a golden row is answered wrongly by a thread';
  };
  const prove = async (model: Model, standing: Standing): Promise<void> => {
    let fault: string | undefined;
    try {
      fault = await ask(model, standing.asked++);
    } catch (error) {
      // Too late or full is no wrong answer: the last right one grows old meanwhile.
      if (error instanceof Problem && error.code !== 'internal_error') return;
      fault = `a golden row is not answered: ${String((error as Error).cause ?? error)}`;
    }
    // Released meanwhile: nobody answers for it any more.
    if (closed || standings.get(model) !== standing) return;
    if (fault === undefined) {
      standing.provenAt = performance.now();
      standing.right++;
      standing.wrong = 0;
      return;
    }
    standing.provenAt = -Infinity;
    if (++standing.wrong === MANY_WRONG) onWrong(model, fault, standing.right > 0);
  };
  const isFresh = ({ provenAt }: Standing): boolean => performance.now() - provenAt < freshMs;
  /** Each by itself: one may have to wait for as long as a request may, and the others don't grow old meanwhile. */
  const watch = async (model: Model, standing: Standing): Promise<void> => {
    if (closed || standings.get(model) !== standing) return;
    const start = performance.now();
    await prove(model, standing);
    const proven = standing.provenAt >= start;
    setTimeout(
      () => void watch(model, standing),
      proven ? pauseMs : Math.min(pauseMs, FULL_PAUSE_MS),
    ).unref();
  };

  return {
    get holds() {
      return [...standings.values()].every(isFresh);
    },
    follow: (served) => {
      const before = standings;
      const now = performance.now();
      standings = new Map(
        served.map((model) => [model, before.get(model) ?? { provenAt: now, asked: 0, right: 0, wrong: 0 }]),
      );
      for (const [model, standing] of standings) if (!before.has(model)) void watch(model, standing);
    },
    close: () => {
      closed = true;
    },
  };
}
