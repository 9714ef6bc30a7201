import { afterEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Scores } from '../inference/port.ts';
import type { Model } from '../model/model.ts';
import type { SelfTest } from './selfTest.ts';
import { createSelfTest } from './selfTest.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { eventually } from '../testing/withDeadline.ts';

/** Longer than any stall of the machine. */
const FRESH_MS = 60_000;
/** Short, where a test waits for an answer to age. */
const SOON_OLD_MS = 300;

/** Golden rows: x = 0 is answered 1, and x = 1 is answered 2. */
function goldenModel(): Model {
  const model = tinyModel();
  const table = { columns: ['x'], data: [[0], [1]], predictions: [1, 2] };
  const { cells, texts } = model.encoder.encode(table.columns, table.data);
  return { ...model, golden: { rows: 2, cells, texts, answers: Float64Array.of(1, 2), table } };
}

const scores = (...answers: number[]): Scores => ({
  answers: Float64Array.from(answers),
  queueSeconds: 0,
  runSeconds: 0,
});
/** x + 1 for each row. */
const right = (cells: ArrayLike<number>): Scores => scores(...Array.from(cells, (x) => x + 1));

let selfTest: SelfTest;
afterEach(() => selfTest.close());

function start(
  model = goldenModel(),
  inline: (cells: ArrayLike<number>) => Scores | undefined = right,
  freshMs = FRESH_MS,
) {
  const paths = {
    inline,
    thread: (cells: ArrayLike<number>): Promise<Scores> => Promise.resolve(right(cells)),
  };
  const wrong: string[] = [];
  let asked = 0;
  selfTest = createSelfTest({
    inline: { score: (_, { cells }) => paths.inline(cells) },
    queue: {
      predict: (_, { cells }) => {
        asked++;
        return paths.thread(cells);
      },
    },
    freshMs,
    pauseMs: 10,
    onWrong: (_, reason, before) => wrong.push(`${reason}${before ? '' : ', ever'}`),
  });
  selfTest.follow([model]);
  return { paths, wrong, asked: () => asked };
}

/** Follows models whose answers wait for `answer`. */
function askedInTurn(models: readonly string[]) {
  const names: string[] = [];
  const waiting: (() => void)[] = [];
  selfTest = createSelfTest({
    inline: { score: () => undefined },
    queue: {
      predict: ({ name }, { cells }) => {
        names.push(name);
        return new Promise((resolve) => waiting.push(() => resolve(right(cells))));
      },
    },
    freshMs: FRESH_MS,
    onWrong: () => {},
  });
  selfTest.follow(models.map((name) => tinyModel(name)));
  /** Answers what was asked, and what is asked after that. */
  const answer = async (times = 1): Promise<void> => {
    for (let time = 0; time < times; time++) {
      waiting.splice(0).forEach((resolve) => resolve());
      await new Promise(setImmediate);
    }
  };
  return { names, answer };
}

describe('the self-test', () => {
  it('passes while golden rows are answered on both paths', async () => {
    const { wrong, asked } = start();
    await eventually('some rounds', () => asked() > 10);
    expect(selfTest.passes).toBe(true);
    expect(wrong).toEqual([]);
  });

  it.each(['inline', 'thread'] as const)('fails at once with a wrong answer: %s', async (path) => {
    const { paths, wrong, asked } = start();
    await eventually('a round', () => asked() > 1);
    if (path === 'inline') paths.inline = () => scores(3);
    else paths.thread = () => Promise.resolve(scores(3));
    await eventually('the failure', () => !selfTest.passes);
    await eventually('the report', () => wrong.length > 0);
    expect(wrong).toEqual([
      expect.stringMatching(path === 'inline' ? /in the process$/ : /by a thread$/) as string,
    ]);
    // It passes again as soon as the answers are right.
    Object.assign(paths, { inline: right, thread: (cells: number[]) => Promise.resolve(right(cells)) });
    await eventually('the pass', () => selfTest.passes);
  });

  it('reports that a model never answered correctly', async () => {
    const { wrong } = start(goldenModel(), () => scores(3));
    await eventually('the report', () => wrong.length > 0);
    expect(wrong).toEqual(['a golden row is answered wrongly in the process, ever']);
    expect(selfTest.passes).toBe(false);
  });

  it('passes for a while when threads are full', async () => {
    const { paths, asked, wrong } = start();
    await eventually('a round', () => asked() > 1);
    paths.thread = () => Promise.reject(new Problem('overloaded'));
    const before = asked();
    await eventually('some tries', () => asked() > before + 3);
    expect(selfTest.passes).toBe(true);
    expect(wrong).toEqual([]);
  });

  it.each([
    ['silent', () => new Promise<Scores>(() => {})],
    ['full', () => Promise.reject(new Problem('overloaded'))],
  ])('fails after a while when threads are %s', async (_, thread) => {
    const { paths, asked, wrong } = start(goldenModel(), right, SOON_OLD_MS);
    await eventually('a round', () => asked() > 1);
    paths.thread = thread;
    await eventually('its age', () => !selfTest.passes);
    expect(wrong).toEqual([]);
  });

  it('asks each new model at once, one after the other', async () => {
    const { names, answer } = askedInTurn(['a', 'b', 'c']);
    expect(names).toEqual(['a']);
    await answer();
    expect(names).toEqual(['a', 'b']);
    await answer();
    expect(names).toEqual(['a', 'b', 'c']);
    // Those that were followed before have been asked.
    selfTest.follow(['d'].map((name) => tinyModel(name)));
    expect(names).toEqual(['a', 'b', 'c', 'd']);
  });

  it('asks hundreds of models within a minute, a few at each beat, and one of a few each 5 s', async () => {
    const beats = async (models: number): Promise<readonly string[][]> => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] });
      try {
        const { names, answer } = askedInTurn(Array.from({ length: models }, (_, at) => `m${at}`));
        while (names.length < models) await answer();
        await answer();
        const asked: string[][] = [];
        for (let beat = 0; beat < 60; beat++) {
          const before = names.length;
          vi.advanceTimersByTime(1000);
          await answer(10);
          asked.push(names.slice(before));
        }
        return asked;
      } finally {
        selfTest.close();
        vi.useRealTimers();
      }
    };
    const many = await beats(300);
    expect(new Set(many.flat()).size).toBe(300);
    expect(Math.max(...many.map(({ length }) => length))).toBe(6);
    const few = await beats(3);
    expect(few.flat().slice(0, 4)).toEqual(['m0', 'm1', 'm2', 'm0']);
    expect(few.flat()).toHaveLength(12);
  });

  it('asks the others while one is not answered', async () => {
    const names: string[] = [];
    selfTest = createSelfTest({
      inline: { score: () => undefined },
      queue: {
        predict: ({ name }, { cells }) => {
          names.push(name);
          return name === 'b' ? new Promise(() => {}) : Promise.resolve(right(cells));
        },
      },
      freshMs: SOON_OLD_MS,
      pauseMs: 10,
      onWrong: () => {},
    });
    selfTest.follow(['a', 'b', 'c'].map((name) => tinyModel(name)));
    await eventually('two rounds', () => names.filter((name) => name === 'c').length > 1);
    expect(names.filter((name) => name === 'b')).toHaveLength(1);
    await eventually('the age of the question', () => !selfTest.passes);
  });

  it('tests every model when the queue has room for one', async () => {
    const answered = new Set<string>();
    let waiting = 0;
    selfTest = createSelfTest({
      inline: { score: () => undefined },
      queue: {
        predict: async ({ name }, { cells }) => {
          if (waiting > 0) throw new Problem('overloaded');
          waiting++;
          await new Promise(setImmediate);
          waiting--;
          answered.add(name);
          return right(cells);
        },
      },
      freshMs: FRESH_MS,
      onWrong: () => {},
    });
    selfTest.follow(['a', 'b', 'c'].map((name) => tinyModel(name)));
    await eventually('answers of all', () => answered.size === 3);
  });

  it('accepts any answer of a model without golden rows', async () => {
    const { paths, asked } = start(tinyModel());
    paths.inline = () => undefined;
    paths.thread = () => Promise.resolve(scores(Number.NaN));
    await eventually('some rounds', () => asked() > 3);
    expect(selfTest.passes).toBe(true);
    paths.thread = () => Promise.reject(new Problem('internal_error'));
    await eventually('the failure', () => !selfTest.passes);
  });
});
