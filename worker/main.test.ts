import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../server/model/model.ts';
import { loadAdult } from '../server/testing/adult.ts';
import { withTemporaryFolder } from '../server/testing/temporaryFolder.ts';
import predict from './main.ts';
import type { ColumnFeed, OpenTask, Reply, WholeGraph } from './protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from './protocol.ts';

let model: Model;
beforeAll(async () => {
  model = await loadAdult();
});

interface Changes {
  readonly whole?: Partial<WholeGraph>;
  readonly output?: OpenTask['output'];
  readonly golden?: Float64Array;
  readonly fast?: OpenTask['fast'];
  readonly probes?: OpenTask['probes'];
}

const shared = (width: number): SharedArrayBuffer => new SharedArrayBuffer(8 * MAX_BATCH_ROWS * width);

function openTask({ whole, ...changes }: Changes = {}) {
  const columns = model.signature.inputs.map(({ onnx, type, nullable, categories = [] }) => ({
    onnx,
    type,
    nullable,
    categories,
  }));
  const golden = model.golden as NonNullable<Model['golden']>;
  const rows = { rows: golden.rows, cells: golden.cells, texts: golden.texts };
  return {
    kind: 'open' as const,
    model: model.id,
    output: model.output,
    whole: { path: model.path, sha256: model.signature.sha256, columns, ...whole },
    fast: undefined,
    probes: { whole: rows, fast: undefined },
    golden: golden.answers,
    cells: { whole: shared(columns.length), fast: undefined },
    answers: shared(answerWidth(model.output)),
    ...changes,
  };
}

const fault = (code: string, detail: unknown): Reply => ({ ok: false, code, detail }) as Reply;

describe('opening the Adult model', () => {
  it('replies that it is open, with the time that it took', async () => {
    const reply = await predict(openTask());
    expect(reply).toEqual({
      ok: true,
      seconds: expect.any(Number) as number,
      batched: { batching: 'batch' },
    });
    expect((reply as { seconds: number }).seconds).toBeGreaterThan(0);
  });

  it('is refused when the file is another one than the signature says', async () => {
    const sha256 = '0'.repeat(64);
    expect(await predict(openTask({ whole: { sha256 } }))).toEqual(
      fault('checksum_mismatch', `has sha256 ${model.signature.sha256}, its signature says ${sha256}`),
    );
  });

  it('is refused when there is no file', async () => {
    expect(await predict(openTask({ whole: { path: '/nowhere/model.onnx' } }))).toEqual(
      fault('model_unreadable', 'cannot be read (ENOENT)'),
    );
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is cut short', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['is empty', () => Buffer.alloc(0)],
    ['is something else', () => Buffer.from('not a model')],
  ])('is refused when the file %s', (_, damage) =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, 'model.onnx');
      await writeFile(path, damage(await readFile(model.path)));
      const reply = await predict(openTask({ whole: { path, sha256: undefined } }));
      expect(reply).toEqual(
        // By rejectHostileFile, which reads the file first, or by ONNX Runtime.
        fault('model_unreadable', expect.stringMatching(/^(ONNX Runtime refuses it: .+|.+ is damaged)$/)),
      );
    }),
  );

  it('works without a digest', () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, 'model.onnx');
      await copyFile(model.path, path);
      expect(await predict(openTask({ whole: { path, sha256: undefined } }))).toMatchObject({ ok: true });
    }));

  it('is refused when a golden row comes out otherwise', async () => {
    const golden = model.golden as NonNullable<Model['golden']>;
    const answers = golden.answers.slice();
    const row = golden.rows - 1;
    answers[3 * row] = 1 - (answers[3 * row] as number);
    expect(await predict(openTask({ golden: answers }))).toEqual(
      fault('golden_mismatch', `golden row ${row} is not answered as the training side answered it`),
    );
  });

  it('is refused when the signature names an input or output that is not there', async () => {
    const { whole, output } = openTask();
    const [first, ...rest] = whole.columns as [ColumnFeed, ...ColumnFeed[]];
    expect(await predict(openTask({ whole: { columns: [{ ...first, onnx: 'Age' }, ...rest] } }))).toEqual(
      fault('signature_mismatch', 'the graph has no input Age'),
    );
    expect(await predict(openTask({ whole: { columns: rest } }))).toEqual(
      fault('signature_mismatch', 'no column feeds the input age'),
    );
    expect(await predict(openTask({ output: { ...output, label: 'Label' } as OpenTask['output'] }))).toEqual(
      fault('signature_mismatch', 'the graph has no output Label'),
    );
  });
});

describe('running it', () => {
  it('answers the golden rows in place, in batches of any size', async () => {
    const golden = model.golden as NonNullable<Model['golden']>;
    const task = openTask();
    await predict(task);
    const cells = new Float64Array(task.cells.whole);
    const answers = new Float64Array(task.answers);
    const columns = task.whole.columns.length;
    for (const rows of [1, golden.rows]) {
      cells.fill(0).set(golden.cells.subarray(0, rows * columns));
      answers.fill(NaN);
      const texts = golden.texts.filter(({ row }) => row < rows);
      expect(await predict({ kind: 'run', model: model.id, rows, texts, retryMs: 0 })).toMatchObject({
        ok: true,
      });
      for (let at = 0; at < 3 * rows; at++) expect(answers[at]).toBeCloseTo(golden.answers[at] as number, 6);
      expect(answers[3 * rows]).toBeNaN();
    }
  });

  it('fails for a model that was not opened', async () => {
    expect(await predict({ kind: 'run', model: 'other/1', rows: 1, texts: [], retryMs: 0 })).toEqual(
      fault('model_not_open', 'this thread has not opened other/1'),
    );
  });

  it('fails, and only that run, for a batch that no tensor can hold', async () => {
    await predict(openTask());
    const run = (rows: number) => predict({ kind: 'run', model: model.id, rows, texts: [], retryMs: 0 });
    expect(await run(-1)).toEqual(fault('run_failed', expect.any(String)));
    expect(await run(1)).toMatchObject({ ok: true });
  });

  it('goes on with the model that is open when another cannot be opened', async () => {
    await predict(openTask());
    expect(await predict(openTask({ whole: { path: '/nowhere' } }))).toMatchObject({ ok: false });
    expect(await predict({ kind: 'run', model: model.id, rows: 1, texts: [], retryMs: 0 })).toMatchObject({
      ok: true,
    });
  });
});
