import { answerWidth } from '../../worker/protocol.ts';
import type { InlineInference } from '../inference/inline.ts';
import type { Queue } from '../inference/queue.ts';
import type { EncodedRows } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import { exampleRow } from '../model/exampleRow.ts';
import type { Model } from '../model/model.ts';

/** Pause after a correct answer. */
const PAUSE_MS = 1000;

/** Pause after a refusal: a full queue is no wrong answer. */
const FULL_PAUSE_MS = 100;

/** Consecutive wrong answers after which the model is reported. */
const MANY_WRONG = 2;

/** An answer is wrong with another label, or a number that is off by this share of its size: more than rounding. */
const TOLERANCE = 1e-3;

export interface SelfTestOptions {
  readonly inline: Pick<InlineInference, 'score'>;
  readonly queue: Pick<Queue, 'predict'>;
  /** How long a correct answer counts, in milliseconds. */
  readonly freshMs: number;
  /** A model answers wrongly, or not at all. `before`: it has answered correctly in this process. */
  readonly onWrong: (model: Model, reason: string, before: boolean) => void;
  readonly pauseMs?: number;
}

/** Tests that this process predicts: scores a row of each model every second, on every path that a request can take. */
export interface SelfTest {
  /** Every served model has recently answered correctly. */
  readonly passes: boolean;
  /** The models to test from now on. Their golden rows have just been verified. */
  follow(served: readonly Model[]): void;
  close(): void;
}

interface Results {
  /** When the last correct answer came. */
  passedAt: number;
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
  let closed = false;

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
    if (closed || tested.get(model) !== results) return;
    if (fault === undefined) {
      results.passedAt = performance.now();
      results.right++;
      results.wrong = 0;
      return;
    }
    results.passedAt = -Infinity;
    if (++results.wrong === MANY_WRONG) onWrong(model, fault, results.right > 0);
  };
  const isFresh = ({ passedAt }: Results): boolean => performance.now() - passedAt < freshMs;
  /** Each model by itself: one may wait for as long as a request may, and the others don't age meanwhile. */
  const watch = async (model: Model, results: Results): Promise<void> => {
    if (closed || tested.get(model) !== results) return;
    const start = performance.now();
    await test(model, results);
    const passed = results.passedAt >= start;
    setTimeout(() => void watch(model, results), passed ? pauseMs : Math.min(pauseMs, FULL_PAUSE_MS)).unref();
  };

  return {
    get passes() {
      return [...tested.values()].every(isFresh);
    },
    follow: (served) => {
      const before = tested;
      const now = performance.now();
      tested = new Map(
        served.map((model) => [model, before.get(model) ?? { passedAt: now, asked: 0, right: 0, wrong: 0 }]),
      );
      for (const [model, results] of tested) if (!before.has(model)) void watch(model, results);
    },
    close: () => {
      closed = true;
    },
  };
}
