import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Model } from '../model/model.ts';
import { withChosenPath } from './openTask.ts';
import { ADULT_COLUMNS, loadAdult } from '../testing/adult.ts';
import { fastPathOf } from '../testing/fastPathOf.ts';
import { createFakeInference } from '../testing/fakeInference.ts';
import { createInline } from './inline.ts';

let whole: Model;
let lifted: Model;
beforeAll(async () => {
  whole = await loadAdult();
  lifted = withChosenPath(await fastPathOf(whole), {});
});

function makeInline() {
  const beyond = createFakeInference();
  const recorder = { batch: vi.fn(), queued: vi.fn() };
  return { beyond, recorder, inline: createInline(beyond, recorder) };
}

/** The first golden rows, repeated. */
function encode(model: Model, rows: number) {
  const data = whole.golden?.table.data ?? [];
  return model.encoder.encode(
    ADULT_COLUMNS,
    Array.from({ length: rows }, (_, row) => data[row % data.length] as readonly unknown[]),
  );
}

const options = { requestId: 'id' };

describe('inline', () => {
  it('answers a lone row on a compiled forest at once, as the training side did, and records it', () => {
    const { beyond, recorder, inline } = makeInline();
    inline.prepare(lifted);
    const golden = whole.golden?.answers as Float64Array;
    const scores = inline.predict(lifted, encode(lifted, 1), options);
    if (scores instanceof Promise) throw new Error('the row had to wait');
    expect(scores.queueSeconds).toBe(0);
    expect(scores.answers).toHaveLength(3);
    scores.answers.forEach((value, at) => expect(value).toBeCloseTo(golden[at] as number, 6));
    expect(beyond.calls).toHaveLength(0);
    expect(recorder.batch).toHaveBeenCalledExactlyOnceWith(lifted, 1, scores.runSeconds);
  });

  it('keeps the answers of earlier requests', () => {
    const { inline } = makeInline();
    const ask = (row: number) => {
      const data = [whole.golden?.table.data[row] as readonly unknown[]];
      return inline.predict(lifted, lifted.encoder.encode(ADULT_COLUMNS, data), options) as {
        answers: Float64Array;
      };
    };
    const first = ask(0);
    const kept = first.answers.slice();
    for (let row = 1; row < 10; row++) ask(row);
    expect(first.answers).toEqual(kept);
  });

  it.each([
    ['more rows than a hop is worth', () => lifted, 33],
    ['no rows', () => lifted, 0],
    ['a model whose engine is ONNX Runtime', () => whole, 1],
  ])('sends on %s', async (_, model, rows) => {
    const { beyond, recorder, inline } = makeInline();
    inline.prepare(model());
    await inline.predict(model(), encode(model(), rows), options);
    expect(beyond.calls).toHaveLength(1);
    expect(recorder.batch).not.toHaveBeenCalled();
  });
});
