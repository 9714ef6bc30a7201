import { expect, it } from 'vitest';
import { readBothWays } from '../../testing/bothWays.ts';
import { readTensorsBothWays } from '../../testing/tensorsBothWays.ts';
import { createFeatureEncoder } from '../encoder.ts';
import { FEATURES, INPUTS, SIGNATURE, writerOf } from './testing/everyColumn.ts';
import { createRandomBodies } from './testing/randomBody.ts';
import { createRandomTensors } from './testing/randomTensors.ts';

const BODIES = 1_000_000;
const SEED = 9;

it('a million bodies give what the long way gives, and a third is taken', { timeout: 600_000 }, () => {
  const encoder = createFeatureEncoder(SIGNATURE, INPUTS.map(writerOf), FEATURES);
  const next = createRandomBodies(SEED);
  let taken = 0;
  for (let at = 0; at < BODIES; at++) {
    const { form, body } = next();
    if (readBothWays(encoder, SIGNATURE, body, form) !== undefined) taken++;
  }
  expect(taken / BODIES).toBeGreaterThan(1 / 3);
  expect(taken / BODIES).toBeLessThan(0.95);
});

it('half a million requests of tensors, too', { timeout: 600_000 }, () => {
  const next = createRandomTensors(SEED);
  let taken = 0;
  for (let at = 0; at < BODIES / 2; at++) {
    const { model, bytes, headerLength } = next();
    if (readTensorsBothWays(model, bytes, headerLength) !== undefined) taken++;
  }
  expect(taken / (BODIES / 2)).toBeGreaterThan(1 / 3);
  expect(taken / (BODIES / 2)).toBeLessThan(0.95);
});
