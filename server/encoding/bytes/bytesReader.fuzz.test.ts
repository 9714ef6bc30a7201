import { expect, it } from 'vitest';
import { readBothWays } from '../../testing/bothWays.ts';
import { createFeatureEncoder } from '../encoder.ts';
import { FEATURES, INPUTS, SIGNATURE, writerOf } from './testing/everyColumn.ts';
import { createRandomBodies } from './testing/randomBody.ts';

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
