import { describe, expect, it } from 'vitest';
import type { ModelRefused } from '../model/refused.ts';
import { readSignature } from './modelJson.ts';

const input = { onnx: 'x', nullable: false };

/** The refusal of a signature with these columns and outputs; undefined if it is accepted. */
function refusalOf(inputs: readonly object[], outputs: object = { value: 'y' }): string | undefined {
  const task = 'value' in outputs ? 'regression' : 'classification';
  try {
    readSignature('m/1', { task, inputs, outputs });
    return undefined;
  } catch (error) {
    return (error as ModelRefused).reason;
  }
}
const ofNumber = (distribution: object): string | undefined =>
  refusalOf([{ name: 'x', type: 'number', ...input, distribution }]);
const ofText = (distribution: object, categories?: readonly string[]): string | undefined =>
  refusalOf([{ name: 'x', type: 'string', ...input, ...(categories ? { categories } : {}), distribution }]);

describe('a distribution', () => {
  it('has a share for each bin, category, class, and truth value', () => {
    expect(ofNumber({ rows: 9, edges: [1, 2.5], shares: [0.5, 0.25, 0], missing: 0.25 })).toBeUndefined();
    expect(ofText({ rows: 9, shares: [0.5, 0.25], other: 0.25 }, ['a', 'b'])).toBeUndefined();
    const truth = { name: 'x', type: 'boolean', ...input, distribution: { rows: 9, shares: [0.5, 0.5] } };
    expect(
      refusalOf([truth], { value: 'y', distribution: { rows: 9, edges: [1], shares: [1, 0] } }),
    ).toBeUndefined();
    const classes = { label: 'l', probabilities: 'p', classes: ['a', 'b'] };
    expect(refusalOf([truth], { ...classes, distribution: { rows: 9, shares: [1, 0] } })).toBeUndefined();
    expect(refusalOf([truth], { ...classes, distribution: { rows: 9, shares: [1] } })).toBe(
      'model.json /outputs/distribution/shares must have 2 items',
    );
  });

  it.each([
    [ofNumber({ rows: 9, edges: [1, 2], shares: [0.5, 0.5] }), '/shares must have 3 items'],
    [
      ofNumber({ rows: 9, edges: [1, 1], shares: [0.5, 0.25, 0.25] }),
      '/edges/1 must be larger than the one before',
    ],
    [ofNumber({ rows: 9, shares: [1] }), ' of numbers must have edges'],
    [ofNumber({ rows: 0, edges: [1], shares: [1, 0] }), '/rows must be >= 1'],
    [ofNumber({ rows: 9, edges: [1], shares: [1.5, 0] }), '/shares/0 must be <= 1'],
    [ofText({ rows: 9, shares: [1] }, ['a', 'b']), '/shares must have 2 items'],
    [ofText({ rows: 9, edges: [1], shares: [1, 0] }, ['a', 'b']), '/edges belong to numbers'],
    [ofText({ rows: 9, shares: [1] }), ' needs categories'],
  ])('is refused with its path: %s', (reason, fault) => {
    expect(reason).toBe(`model.json /inputs/0/distribution${fault}`);
  });
});
