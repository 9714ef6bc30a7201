import { afterEach, describe, expect, it } from 'vitest';
import { Problem } from './errors.ts';
import type { Scores } from './inference.ts';
import type { Model } from './models/model.ts';
import type { Proof } from './proof.ts';
import { createProof } from './proof.ts';
import { tinyModel } from './testing/tinyModel.ts';
import { eventually } from './testing/withDeadline.ts';

const FRESH_MS = 300;

/** It answers x = 0 with 1, and x = 1 with 2. */
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

let proof: Proof;
afterEach(() => proof.close());

function start(model = goldenModel(), inline: (cells: ArrayLike<number>) => Scores | undefined = right) {
  const paths = {
    inline,
    thread: (cells: ArrayLike<number>): Promise<Scores> => Promise.resolve(right(cells)),
  };
  const wrong: string[] = [];
  let asked = 0;
  proof = createProof({
    inline: { score: (_, { cells }) => paths.inline(cells) },
    queue: {
      predict: (_, { cells }) => {
        asked++;
        return paths.thread(cells);
      },
    },
    freshMs: FRESH_MS,
    pauseMs: 10,
    onWrong: (_, reason, before) => wrong.push(`${reason}${before ? '' : ', ever'}`),
  });
  proof.follow([model]);
  return { paths, wrong, asked: () => asked };
}

describe('the proof that a process predicts', () => {
  it('holds while golden rows are answered on both paths', async () => {
    const { wrong, asked } = start();
    await eventually('some rounds', () => asked() > 10);
    expect(proof.holds).toBe(true);
    expect(wrong).toEqual([]);
  });

  it.each(['inline', 'thread'] as const)('ends at once with a wrong answer: %s', async (path) => {
    const { paths, wrong, asked } = start();
    await eventually('a round', () => asked() > 1);
    if (path === 'inline') paths.inline = () => scores(3);
    else paths.thread = () => Promise.resolve(scores(3));
    await eventually('the end of the proof', () => !proof.holds);
    await eventually('the report', () => wrong.length > 0);
    expect(wrong).toEqual([
      expect.stringMatching(path === 'inline' ? /in the process$/ : /by a thread$/) as string,
    ]);
    // It holds again as soon as the answers are right.
    Object.assign(paths, { inline: right, thread: (cells: number[]) => Promise.resolve(right(cells)) });
    await eventually('the proof', () => proof.holds);
  });

  it('says of a model that never answered rightly that it never did', async () => {
    const { wrong } = start(goldenModel(), () => scores(3));
    await eventually('the report', () => wrong.length > 0);
    expect(wrong).toEqual(['a golden row is answered wrongly in the process, ever']);
    expect(proof.holds).toBe(false);
  });

  it('grows old while threads are silent, and not at once while they are only full', async () => {
    const { paths, asked, wrong } = start();
    await eventually('a round', () => asked() > 1);
    paths.thread = () => Promise.reject(new Problem('overloaded'));
    const before = asked();
    await eventually('some tries', () => asked() > before + 3);
    expect(proof.holds).toBe(true);
    paths.thread = () => new Promise(() => {});
    await eventually('its age', () => !proof.holds);
    expect(wrong).toEqual([]);
  });

  it('asks a model without golden rows for any answer', async () => {
    const { paths, asked } = start(tinyModel());
    paths.inline = () => undefined;
    paths.thread = () => Promise.resolve(scores(Number.NaN));
    await eventually('some rounds', () => asked() > 3);
    expect(proof.holds).toBe(true);
    paths.thread = () => Promise.reject(new Problem('internal_error'));
    await eventually('the end of the proof', () => !proof.holds);
  });
});
