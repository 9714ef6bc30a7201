import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lifted } from '../../server/encoding/lift/lift.ts';
import { liftModel } from '../../server/encoding/lift/lift.ts';
import { encodeRows } from '../../server/encoding/lift/testing/reference.ts';
import type { Signature } from '../../server/models/signature.ts';
import { readAdultRows } from '../../server/testing/adultRows.ts';
import { withTemporaryFolder } from '../../server/testing/temporaryFolder.ts';
import { compileForest } from './compile.ts';
import { measureForest } from './testing/measure.ts';

/** Rows a call, and how many times as fast as ONNX Runtime the kernel has to be. A quiet machine shows twice as much. */
const BOUNDS = new Map([
  [1, 1.5],
  [16, 2.5],
  [256, 3],
  [1_000, 3],
]);

const MODEL = new URL('../../models/adult/1/', import.meta.url);

describe('on the Adult forest and real rows', () => {
  it('the kernel is faster than ONNX Runtime', { retry: 2, timeout: 60_000 }, async ({ annotate }) => {
    const signature = JSON.parse(await readFile(new URL('model.json', MODEL), 'utf8')) as Signature;
    const lifted = liftModel(await readFile(new URL('model.onnx', MODEL)), signature) as Lifted;
    if (lifted.rest.kind !== 'forest') throw new Error('not a forest');
    const compiled = compileForest(lifted.rest.ensemble, lifted.features);
    const matrix = encodeRows(
      lifted,
      readAdultRows().map(({ cells }) => cells),
    );
    const speeds = await withTemporaryFolder(async (folder) => {
      const path = join(folder, 'forest.onnx');
      const { bytes, input } = lifted.graph();
      await writeFile(path, bytes);
      return measureForest({ compiled, path, input, output: 'probabilities', matrix }, [...BOUNDS.keys()]);
    });
    for (const { rows, onnxRuntime, kernel, ratio } of speeds) {
      const line = `${rows} rows: ONNX Runtime ${onnxRuntime.toFixed(2)} µs a row, kernel ${kernel.toFixed(2)}`;
      await annotate(`${line}: ${ratio.toFixed(1)} times as fast`);
      expect(ratio, line).toBeGreaterThan(BOUNDS.get(rows) as number);
    }
  });
});
