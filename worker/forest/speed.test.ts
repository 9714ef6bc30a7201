import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Lifted } from '../../server/compiler/lift/lift.ts';
import { liftModel } from '../../server/compiler/lift/lift.ts';
import { encodeRows } from '../../server/testing/reference.ts';
import type { Signature } from '../../server/model/signature.ts';
import { readAdultRows } from '../../server/testing/adultRows.ts';
import { compileForest } from './compileForest.ts';
import { measureForest } from './testing/measure.ts';

/** Rows a call, and the least speed-up over ONNX Runtime; on a quiet machine it is twice that. */
const BOUNDS = new Map([
  [1, 1.5],
  [16, 2.5],
  [256, 3],
  [1_000, 3],
]);

const MODEL = new URL('../../models/adult/1/', import.meta.url);

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

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
    const pairs = await measureForest({ ...lifted.graph(), compiled, output: 'probabilities', matrix }, [
      ...BOUNDS.keys(),
    ]);
    for (const { rows, onnxRuntime, ours } of pairs) {
      const [theirs, kernel] = [median(onnxRuntime), median(ours)];
      const line = `${rows} rows: ONNX Runtime ${theirs.toFixed(2)} µs a row, kernel ${kernel.toFixed(2)}`;
      await annotate(`${line}: ${(theirs / kernel).toFixed(1)} times as fast`);
      expect(theirs / kernel, line).toBeGreaterThan(BOUNDS.get(rows) as number);
    }
  });
});
