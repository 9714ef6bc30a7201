import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Model } from '../../model/model.ts';
import type { Table } from '../../model/rows.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { createShadow } from './shadow.ts';

const MIB = 2 ** 20;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const version = (name: string, key: string): Model => ({ ...tinyModel(name), key });
const table = (heldBytes: number): Table => ({ columns: ['x'], data: [[1]], heldBytes });

it('drops rows whose bodies would hold too much memory while they wait', async () => {
  const [model, candidate] = [version('m', 'm/1'), version('m', 'm/2')];
  const dropped = vi.fn();
  const shadow = createShadow({
    pool: { open: () => Promise.resolve(), close: () => Promise.resolve() } as never,
    recorder: { dropped, compared: () => {}, failed: () => {} },
    // Nothing is scored meanwhile.
    busy: () => true,
    onFailed: () => {},
  });
  await shadow.follow([candidate]);
  const offer = (heldBytes: number): void => shadow.offer(model, table(heldBytes), Float64Array.of(2));
  offer(10 * MIB);
  offer(6 * MIB);
  expect(dropped).not.toHaveBeenCalled();
  offer(1);
  expect(dropped.mock.calls).toEqual([[model, candidate, 1]]);
  offer(0);
  expect(dropped).toHaveBeenCalledTimes(1);
  await shadow.close();
});
