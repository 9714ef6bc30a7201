import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Signature } from '../model/signature.ts';
import { edgeRows } from './edgeRows.ts';
import type { EdgeRow } from './edgeRows.ts';
import { liftModel } from './lift/lift.ts';

const FIXTURES = new URL('./fixtures/', import.meta.url);
const MUTANTS = 4_000;
/** Far more than any mutant needs: none may make the pass hang. */
const MAX_MUTANT_MS = 2_000;

/** xorshift32: the same mutants in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Changes, copies, drops or inserts some bytes. */
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  let mutant = Uint8Array.from(bytes);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(mutant.length);
    const length = 1 + random(8);
    switch (random(6)) {
      case 0:
        mutant[at] = random(256);
        break;
      case 1:
        mutant[at] = (mutant[at] as number) ^ (1 << random(8));
        break;
      case 2:
        mutant[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)] as number;
        break;
      case 3:
        mutant.copyWithin(at, random(mutant.length), random(mutant.length));
        break;
      case 4:
        mutant = Uint8Array.of(...mutant.subarray(0, at), ...mutant.subarray(at + length));
        break;
      default:
        mutant = Uint8Array.of(
          ...mutant.subarray(0, at),
          ...mutant.subarray(at, at + length),
          ...mutant.subarray(at),
        );
    }
  }
  return mutant;
}

describe('damaged files', () => {
  it('are refused or lifted, but never throw, hang or write beside a row', async () => {
    const random = randomNumbers(20_261_121);
    const names = (await readdir(FIXTURES)).filter((file) => file.endsWith('.onnx')).sort();
    const fixtures = await Promise.all(
      names.map(async (name) => ({
        onnx: await readFile(new URL(name, FIXTURES)),
        ...(JSON.parse(await readFile(new URL(name.replace('.onnx', '.json'), FIXTURES), 'utf8')) as {
          signature: Signature;
        }),
      })),
    );
    const outcomes = { lifted: 0, refused: 0 };
    let slowest = 0;
    for (let count = 0; count < MUTANTS; count++) {
      const { onnx, signature } = fixtures[random(fixtures.length)] as (typeof fixtures)[number];
      const mutant = mutate(onnx, random);
      const started = performance.now();
      const lifting = liftModel(mutant, signature);
      slowest = Math.max(slowest, performance.now() - started);
      if (!lifting.lifted) {
        outcomes.refused++;
        expect(lifting.reason).not.toContain('\n');
        continue;
      }
      outcomes.lifted++;
      lifting.graph();
      const { columns, features } = lifting;
      const row = edgeRows(signature, lifting)[random(3)] as EdgeRow;
      // Three rows, of which only the middle one is written.
      const matrix = new Float32Array(3 * features);
      columns.forEach((column, index) => {
        const value = row[index] ?? NaN;
        if (column.kind === 'text') column.write(value as string, matrix, features);
        else column.write(Number(value), matrix, features);
      });
      const around = [...matrix.subarray(0, features), ...matrix.subarray(2 * features)];
      expect(around.every((value) => Object.is(value, 0))).toBe(true);
    }
    expect(outcomes.lifted).toBeGreaterThan(MUTANTS / 20);
    expect(outcomes.refused).toBeGreaterThan(MUTANTS / 20);
    expect(slowest).toBeLessThan(MAX_MUTANT_MS);
  }, 120_000);
});
