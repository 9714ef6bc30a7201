import { expect, it } from 'vitest';
import { MAX_BATCH_ROWS } from '../../worker/protocol.ts';
import type { CompiledForest } from '../../worker/forest/compileForest.ts';
import type { Model } from '../model/model.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { allocateMemory, viewMemory } from './laneMemory.ts';

/** A model whose path in force is a forest of this size. */
function forestOf(trees: number, width: number): Model {
  const encoder = { ...tinyModel().encoder, width, cellBytes: 4 as const };
  const engine = { engine: 'forest', path: 'lifted' } as const;
  const rest = { kind: 'forest', forest: { trees } as CompiledForest } as const;
  const fast = { encoder, engine, path: { features: width, rest } } as Partial<Model['fast']> as NonNullable<
    Model['fast']
  >;
  return { ...tinyModel(), encoder, engine, fast };
}

const rowsOf = (model: Model): number => {
  const { rows, cells, answers } = viewMemory(model, allocateMemory(model));
  expect(cells).toHaveLength(rows * model.encoder.width);
  expect(answers).toHaveLength(rows);
  return rows;
};

it('has room for more rows where they take a small forest little time, and little memory', () => {
  expect(rowsOf(forestOf(50, 105))).toBe(1024);
  expect(rowsOf(forestOf(128, 105))).toBe(512);
  expect(rowsOf(forestOf(50, 512))).toBe(512);
  expect(rowsOf(forestOf(5000, 105))).toBe(MAX_BATCH_ROWS);
  expect(rowsOf(forestOf(1, 100_000))).toBe(MAX_BATCH_ROWS);
  expect(rowsOf(tinyModel())).toBe(MAX_BATCH_ROWS);
});

it('takes no more rows of a whole graph, although a forest was to be tried', () => {
  const { fast } = forestOf(50, 1);
  const model = { ...tinyModel(), fast: fast as NonNullable<typeof fast> };
  const memory = allocateMemory(model);
  expect(memory.cells.fast?.byteLength).toBe(1024 * 4);
  expect(viewMemory(model, memory).rows).toBe(MAX_BATCH_ROWS);
});
