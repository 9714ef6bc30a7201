import { answerWidth } from '../../worker/protocol.ts';
import type { InlineInference } from '../inference/inline.ts';
import type { Queue } from '../inference/queue.ts';
import type { EncodedRows } from '../model/rows.ts';
import { BEAT_MS, onBeat } from '../platform/beat.ts';
import { Problem } from '../errors/problem.ts';
import { exampleRow } from '../model/exampleRow.ts';
import type { Model } from '../model/model.ts';

/** Every model is asked within this time: a round of a minute, less what beats are late. */
const ROUND_MS = 50_000;

/** Pause between two questions, less with many models: each wakes the process and a thread, which an idle server pays for. */
const PAUSE_MS = 5000;

/** Pause before a model is asked again that has not answered correctly: a full queue is no wrong answer. */
const AGAIN_MS = 100;

/** Consecutive wrong answers after which the model is reported. */
const MANY_WRONG = 2;

/** An answer is wrong with another label, or a number that is off by this share of its size: more than rounding. */
const TOLERANCE = 1e-3;

export interface SelfTestOptions {
  readonly inline: Pick<InlineInference, 'score'>;
  readonly queue: Pick<Queue, 'predict'>;
  /** Time that a model has to answer a question correctly, in milliseconds. */
  readonly freshMs: number;
  /** A model answers wrongly, or not at all. `before`: it has answered correctly in this process. */
  readonly onWrong: (model: Model, reason: string, before: boolean) => void;
  /** Longest pause between two questions. */
  readonly pauseMs?: number;
}

/**
 * Tests that this process predicts: scores a row of one model after the other, on every path that a request can take. Its
 * cost doesn't grow with the number of models until they need more than a question each five seconds.
 */
export interface SelfTest {
  /** Every served model has answered its last question correctly, or has still time for it. */
  readonly passes: boolean;
  /** The models to test from now on: new ones at once. Their golden rows have just been verified. */
  follow(served: readonly Model[]): void;
  close(): void;
}

interface Results {
  /** A question is under way, or will be repeated. */
  busy: boolean;
  /** When the first question came that has had no correct answer since. */
  waitingSince: number | undefined;
  asked: number;
  right: number;
  /** Consecutive wrong answers. */
  wrong: number;
}

interface Question {
  readonly rows: EncodedRows;
  /** The answers of the training side; undefined when there are none. */
  readonly wanted: Float64Array | undefined;
}

/** A golden row, another one each time; a made-up row for a model without any. */
function questionOf({ golden, encoder, output, signature }: Model, number: number): Question {
  if (!golden || golden.rows === 0) {
    const columns = signature.inputs.map(({ name }) => name);
    return { rows: encoder.encode(columns, [exampleRow(signature)]), wanted: undefined };
  }
  const { columns, data } = golden.table;
  const row = number % data.length;
  const width = answerWidth(output);
  return {
    rows: encoder.encode(columns, [data[row]]),
    wanted: golden.answers.subarray(row * width, (row + 1) * width),
  };
}

const near = (got: number, wanted: number): boolean =>
  Object.is(got, wanted) || Math.abs(got - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted));

const isRight = (answers: Float64Array, wanted: Float64Array | undefined): boolean =>
  wanted === undefined || wanted.every((value, index) => near(answers[index] as number, value));

export function createSelfTest({
  inline,
  queue,
  freshMs,
  onWrong,
  pauseMs = PAUSE_MS,
}: SelfTestOptions): SelfTest {
  let tested = new Map<Model, Results>();
  /** The models that this round has still to ask. */
  let round: Model[] = [];
  /** Questions that are due; a fraction while the next one isn't. */
  let due = 0;
  let closed = false;
  const isTested = (model: Model, results: Results): boolean => !closed && tested.get(model) === results;

  /** @returns what is wrong with its answers */
  const ask = async (model: Model, number: number): Promise<string | undefined> => {
    const { rows, wanted } = questionOf(model, number);
    const atOnce = inline.score(model, rows);
    if (atOnce && !isRight(atOnce.answers, wanted)) return 'a golden row is answered wrongly in the process';
    const { answers } = await queue.predict(model, rows, { requestId: 'self-test', uncounted: true });
    return isRight(answers, wanted) ? undefined : 'a golden row is answered wrongly by a thread';
  };
  const test = async (model: Model, results: Results): Promise<void> => {
    let fault: string | undefined;
    try {
      fault = await ask(model, results.asked++);
    } catch (error) {
      // Late or refused is no wrong answer: the last correct one ages meanwhile.
      if (error instanceof Problem && error.code !== 'internal_error') return;
      fault = `a golden row is not answered: ${String((error as Error).cause ?? error)}`;
    }
    // It was released meanwhile.
    if (!isTested(model, results)) return;
    if (fault === undefined) {
      results.waitingSince = undefined;
      results.right++;
      results.wrong = 0;
      return;
    }
    results.waitingSince = -Infinity;
    if (++results.wrong === MANY_WRONG) onWrong(model, fault, results.right > 0);
  };
  const isFresh = ({ waitingSince }: Results): boolean =>
    waitingSince === undefined || performance.now() - waitingSince < freshMs;
  /** Asks a model, and again until it answers correctly. Resolves after the first time. */
  const askUntilRight = async (model: Model, results: Results): Promise<void> => {
    results.busy = true;
    results.waitingSince ??= performance.now();
    await test(model, results);
    if (!isTested(model, results)) return;
    if (results.waitingSince === undefined) results.busy = false;
    else setTimeout(() => void askUntilRight(model, results), Math.min(pauseMs, AGAIN_MS)).unref();
  };
  const askInTurn = async (models: readonly Model[]): Promise<void> => {
    for (const model of models) {
      const results = tested.get(model);
      if (!closed && results && !results.busy) await askUntilRight(model, results);
    }
  };
  const everyMs = Math.min(pauseMs, BEAT_MS);
  const stop = onBeat(() => {
    due += everyMs / Math.min(pauseMs, ROUND_MS / Math.max(1, tested.size));
    const count = Math.floor(due);
    if (count === 0) return;
    due -= count;
    if (round.length === 0) round = [...tested.keys()];
    void askInTurn(round.splice(0, count));
  }, everyMs);

  return {
    get passes() {
      return [...tested.values()].every(isFresh);
    },
    follow: (served) => {
      const before = tested;
      tested = new Map(
        served.map((model) => [
          model,
          before.get(model) ?? { busy: false, waitingSince: undefined, asked: 0, right: 0, wrong: 0 },
        ]),
      );
      round = round.filter((model) => tested.has(model));
      void askInTurn(served.filter((model) => !before.has(model)));
    },
    close: () => {
      closed = true;
      stop();
    },
  };
}
